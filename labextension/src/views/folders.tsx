import { ellipsesIcon, folderIcon, HTMLSelect, launchIcon } from '@jupyterlab/ui-components';
import type { JSX, MouseEvent } from 'react';
import { useState } from 'react';

import type { FolderView } from '../api/types';
import type { MountsModel } from '../model/mounts';
import type { VMShareModel } from '../model/vmshare';
import { Clones } from './clones';
import { useSignal, useTrans } from './context';
import { Grid } from './grid';
import { FastChip } from './fast';
import { IconButton } from './iconbutton';
import { LevelChip } from './level';
import { mountData, MountMark, NoMounts } from './mounts';
import { ActionButton, Blank, EndDate, LiveRegion, Message, SearchField } from './parts';
import { Quota } from './quota';
import { moment } from './words';

/** What a row's keys and buttons ask the shell to do. */
export interface FolderDeeds {
  open: (folder: FolderView) => void;
  /** Shows a mounted folder in the file browser. */
  openHere: (folder: FolderView) => void;
  rename: (folder: FolderView) => void;
  trash: (folder: FolderView) => void;
  create: () => void;
}

/** Which folders are shown. */
export type Relation = 'all' | 'mine' | 'with-me' | 'by-me';

const ROW_HEIGHT = 44;

/** The visitor's folders: their own, and those shared with them. */
export function Folders(props: { model: VMShareModel; deeds: FolderDeeds }): JSX.Element {
  const trans = useTrans();
  const { model, deeds } = props;
  const { folders, mounts } = model;
  useSignal(folders.changed);
  useSignal(mounts.changed);
  const [relation, setRelation] = useState<Relation>('all');
  const [query, setQuery] = useState('');
  const shown = folders.items.filter(folder => fits(folder, relation, query));
  const key = (pressed: string, folder: FolderView): boolean => {
    const may = (action: string): boolean => folder.actions.includes(action);
    if (pressed === 'F2' && may('rename_folder')) {
      deeds.rename(folder);
    } else if (pressed === 'Delete' && may('trash_folder')) {
      deeds.trash(folder);
    } else {
      return false;
    }
    return true;
  };
  return (
    <div className="jp-VMShare-folders">
      <div className="jp-VMShare-filterBar">
        <SearchField label={trans.__('Filter folders')} value={query} onChange={setQuery} />
        <RelationSelect relation={relation} onChange={setRelation} />
      </div>
      {folders.failure && <Message kind="error">{folders.failure}</Message>}
      <NoMounts mounts={mounts} />
      <Clones model={model.clones} />
      <LiveRegion text={query ? trans._n('%1 folder', '%1 folders', shown.length) : ''} />
      {shown.length > 0 ? (
        <Grid
          label={trans.__('Folders')}
          items={shown}
          rowHeight={ROW_HEIGHT}
          keyOf={folder => folder.id}
          rowData={folder => ({ ...rowData(folder), ...mountData(mounts, folder) })}
          cells={(folder, tabIndex) => (
            <FolderRow folder={folder} mounts={mounts} tabIndex={tabIndex} deeds={deeds} />
          )}
          onOpen={deeds.open}
          onKey={key}
        />
      ) : (
        <NoFolders model={model} isFiltered={relation !== 'all' || query !== ''} deeds={deeds} />
      )}
      <Quota model={model} />
    </div>
  );
}

function RelationSelect(props: {
  relation: Relation;
  onChange: (relation: Relation) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <HTMLSelect
      aria-label={trans.__('Which folders')}
      value={props.relation}
      onChange={event => props.onChange(event.target.value as Relation)}
      options={[
        { value: 'all', label: trans.__('All') },
        { value: 'mine', label: trans.__('Mine') },
        { value: 'with-me', label: trans.__('Shared with me') },
        { value: 'by-me', label: trans.__('Shared by me') }
      ]}
    />
  );
}

function FolderRow(props: {
  folder: FolderView;
  mounts: MountsModel;
  tabIndex: 0 | -1;
  deeds: FolderDeeds;
}): JSX.Element {
  const trans = useTrans();
  const { folder, mounts, tabIndex, deeds } = props;
  return (
    <>
      <div className="jp-VMShare-mainCell" role="gridcell">
        <folderIcon.react tag="span" className="jp-VMShare-rowIcon" />
        <div className="jp-VMShare-rowText">
          <div className="jp-VMShare-nameLine">
            <button
              className="jp-VMShare-nameButton"
              tabIndex={tabIndex}
              title={tooltip(trans, folder)}
              onClick={() => deeds.open(folder)}
            >
              {folder.label}
            </button>
            {folder.relation === 'shared_with_me' && <LevelChip level={folder.level} />}
            {folder.fast && <FastChip mount={mounts.of(folder.id)} />}
          </div>
          <span className="jp-VMShare-detail">
            <Relationship folder={folder} />
            <MountMark mounts={mounts} folder={folder} />
            <EndDate at={folder.ends_at} />
          </span>
        </div>
      </div>
      <div className="jp-VMShare-rowActions" role="gridcell">
        {mounts.path(folder.id) !== null && (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open "%1" in the file browser', folder.label)}
            tabIndex={tabIndex}
            onClick={() => deeds.openHere(folder)}
          />
        )}
        <IconButton
          icon={ellipsesIcon}
          label={trans.__('Actions for "%1"', folder.label)}
          tabIndex={tabIndex}
          hasPopup
          onClick={openContextMenu}
        />
      </div>
    </>
  );
}

function Relationship({ folder }: { folder: FolderView }): JSX.Element {
  const trans = useTrans();
  if (folder.project_id != null) {
    return (
      <span>
        {folder.alias
          ? trans.__('"%1" of the project %2', folder.name, folder.owner)
          : trans.__('of the project %1', folder.owner)}
      </span>
    );
  }
  if (folder.relation === 'shared_with_me') {
    return (
      <span>
        {folder.alias
          ? trans.__('"%1" of %2', folder.name, folder.owner)
          : trans.__('of %1', folder.owner)}
      </span>
    );
  }
  const count = folder.shared_with ?? 0;
  return count === 0 ? (
    <span>{trans.__('Mine, not shared')}</span>
  ) : (
    // The number must not be what a narrow panel cuts off. A team counts as one.
    <span title={trans._n('Mine, with %1 person or team', 'Mine, with %1 people or teams', count)}>
      {trans.__('Shared with %1', count)}
    </span>
  );
}

function NoFolders(props: {
  model: VMShareModel;
  isFiltered: boolean;
  deeds: FolderDeeds;
}): JSX.Element {
  const trans = useTrans();
  const { folders } = props.model;
  if (!folders.isLoaded) {
    return <p className="jp-VMShare-quiet">{folders.failure ? '' : trans.__('Looking…')}</p>;
  }
  if (props.isFiltered) {
    return <Blank title={trans.__('No folder fits the filter.')} />;
  }
  return (
    <Blank icon={folderIcon} title={trans.__('No folders yet')}>
      <p>{trans.__('Make one and share it, or accept an invitation: it will appear here.')}</p>
      <ActionButton look="accept" onClick={props.deeds.create}>
        {trans.__('New folder')}
      </ActionButton>
    </Blank>
  );
}

/** What JupyterLab's context menu looks for: entries are absent where they are not allowed. */
function rowData(folder: FolderView): Record<`data-${string}`, string> {
  return {
    'data-folder': folder.id,
    'data-actions': folder.actions.join(' '),
    'data-relation': folder.relation,
    'data-cloneable': String(folder.cloneable ?? false)
  };
}

/** Opens the same menu as the right mouse button, below the button. */
export function openContextMenu(event: MouseEvent<HTMLElement>): void {
  const { left, bottom } = event.currentTarget.getBoundingClientRect();
  const init = { bubbles: true, cancelable: true, clientX: left, clientY: bottom };
  event.currentTarget.dispatchEvent(new globalThis.MouseEvent('contextmenu', init));
  event.stopPropagation();
}

function fits(folder: FolderView, relation: Relation, query: string): boolean {
  const isMine = folder.relation === 'mine';
  const fitsRelation =
    relation === 'all' ||
    (relation === 'mine' && isMine) ||
    (relation === 'with-me' && !isMine) ||
    (relation === 'by-me' && isMine && (folder.shared_with ?? 0) > 0);
  const text = `${folder.label} ${folder.name} ${folder.owner}`.toLocaleLowerCase();
  return fitsRelation && text.includes(query.trim().toLocaleLowerCase());
}

function tooltip(trans: ReturnType<typeof useTrans>, folder: FolderView): string {
  return [
    folder.label,
    folder.alias ? trans.__('%1 calls it "%2"', folder.owner, folder.name) : '',
    trans.__('Made %1', moment(folder.created_at))
  ]
    .filter(line => line)
    .join('\n');
}
