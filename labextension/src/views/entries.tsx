import type { LabIcon } from '@jupyterlab/ui-components';
import {
  deleteIcon,
  downloadIcon,
  editIcon,
  fileIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useCallback, useEffect, useState } from 'react';

import type { EntryView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import { useSignal, useTrans } from './context';
import type { Selecting } from './grid';
import { Grid } from './grid';
import { Blank, IconButton, LiveRegion, SearchField } from './parts';
import type { ManyDeeds } from './selection';
import { Selection } from './selection';
import { bytes, moment, shortMoment } from './words';

/** What the rows of a directory ask the shell to do. */
export interface EntryDeeds extends ManyDeeds {
  open: (entry: EntryView) => void;
  download: (entry: EntryView) => void;
  rename: (entry: EntryView) => void;
  remove: (entry: EntryView) => void;
  /** JupyterLab's icon for a file of that name. */
  iconOf: (name: string) => LabIcon;
}

const ROW_HEIGHT = 28;
const PAUSE_MS = 250;

/** What lies in a directory; a control is there only where its action is allowed. */
export function Entries(props: { model: DirectoryModel; deeds: EntryDeeds }): JSX.Element {
  const trans = useTrans();
  const { model, deeds } = props;
  const onNearEnd = useCallback(() => void model.loadMore(), [model]);
  useSignal(model.selection.changed);
  const selecting = selectingIn(model);
  const key = (pressed: string, entry: EntryView): boolean => {
    if (pressed === 'Delete' && model.may('delete_file') && model.selection.size > 0) {
      deeds.removeMany(model.selection.paths);
    } else if (pressed === 'F2' && model.may('rename_file')) {
      deeds.rename(entry);
    } else if (pressed === 'Delete' && model.may('delete_file')) {
      deeds.remove(entry);
    } else if (pressed === 'Backspace' && model.path) {
      void model.enter(model.path.split('/').slice(0, -1).join('/'));
    } else {
      return false;
    }
    return true;
  };
  return (
    <>
      <Filter key={model.path} model={model} />
      <Selection model={model} deeds={deeds} />
      <LiveRegion text={summary(trans, model)} />
      {model.isLoaded && model.entries.length === 0 ? (
        <Empty model={model} />
      ) : (
        <Grid
          key={`${model.path}\n${model.filter}`}
          label={trans.__('Files')}
          items={model.entries}
          rowHeight={ROW_HEIGHT}
          keyOf={entry => entry.path}
          rowData={entry => ({ 'data-path': entry.path, 'data-kind': entry.kind })}
          header={<Header />}
          isOpenEnded={model.hasMore}
          selecting={selecting}
          cells={(entry, tabIndex) => <Cells {...{ model, deeds, entry, tabIndex }} />}
          onOpen={deeds.open}
          onKey={key}
          onNearEnd={onNearEnd}
        />
      )}
    </>
  );
}

function selectingIn(model: DirectoryModel): Selecting<EntryView> {
  const { selection } = model;
  const all = (): string[] => model.entries.map(entry => entry.path);
  return {
    has: entry => selection.has(entry.path),
    pick: (entry, how) => selection.pick(entry.path, how, all()),
    all: () => selection.set(all()),
    none: () => selection.set([])
  };
}

function Filter({ model }: { model: DirectoryModel }): JSX.Element {
  const trans = useTrans();
  const [typed, setTyped] = useState(model.filter);
  useEffect(() => {
    if (typed !== model.filter) {
      const timer = setTimeout(() => void model.setFilter(typed), PAUSE_MS);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [typed, model]);
  return (
    <div className="jp-VMShare-filterBar">
      <SearchField label={trans.__('Filter files by name')} value={typed} onChange={setTyped} />
    </div>
  );
}

function Header(): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <div role="columnheader" className="jp-VMShare-mainCell">
        {trans.__('Name')}
      </div>
      <div role="columnheader" className="jp-VMShare-modifiedCell">
        {trans.__('Modified')}
      </div>
      <div role="columnheader" className="jp-VMShare-sizeCell">
        {trans.__('Size')}
      </div>
      <div role="columnheader" className="jp-VMShare-actionsCell">
        <span className="jp-VMShare-visuallyHidden">{trans.__('Actions')}</span>
      </div>
    </>
  );
}

interface CellsProps {
  model: DirectoryModel;
  deeds: EntryDeeds;
  entry: EntryView;
  tabIndex: 0 | -1;
}

function Cells({ model, deeds, entry, tabIndex }: CellsProps): JSX.Element {
  const trans = useTrans();
  const Icon = entry.kind === 'directory' ? folderIcon : deeds.iconOf(entry.name);
  return (
    <>
      <div className="jp-VMShare-mainCell" role="gridcell">
        <Icon.react tag="span" className="jp-VMShare-rowIcon" />
        <button
          className="jp-VMShare-nameButton"
          tabIndex={tabIndex}
          title={entry.name}
          onClick={() => deeds.open(entry)}
        >
          {entry.name}
        </button>
      </div>
      <div role="gridcell" className="jp-VMShare-modifiedCell">
        <time dateTime={entry.modified_at} title={moment(entry.modified_at, true)}>
          {shortMoment(entry.modified_at)}
        </time>
      </div>
      <div role="gridcell" className="jp-VMShare-sizeCell">
        {entry.size == null ? '' : bytes(trans, entry.size)}
      </div>
      <div role="gridcell" className="jp-VMShare-actionsCell">
        {model.may('rename_file') && (
          <IconButton
            icon={editIcon}
            label={trans.__('Rename "%1"', entry.name)}
            tabIndex={tabIndex}
            onClick={() => deeds.rename(entry)}
          />
        )}
        {model.may('delete_file') && (
          <IconButton
            icon={deleteIcon}
            label={trans.__('Delete "%1"', entry.name)}
            tabIndex={tabIndex}
            onClick={() => deeds.remove(entry)}
          />
        )}
        {model.may('download') && (entry.kind === 'file' || entry.kind === 'directory') && (
          <IconButton
            icon={downloadIcon}
            label={
              entry.kind === 'file'
                ? trans.__('Download "%1"', entry.name)
                : trans.__('Download "%1" as a zip archive', entry.name)
            }
            tabIndex={tabIndex}
            onClick={() => deeds.download(entry)}
          />
        )}
      </div>
    </>
  );
}

function Empty({ model }: { model: DirectoryModel }): JSX.Element {
  const trans = useTrans();
  if (model.filter) {
    return <Blank title={trans.__('No file fits the filter.')} />;
  }
  return (
    <Blank icon={fileIcon} title={trans.__('Nothing in here yet')}>
      {model.may('upload') && <p>{trans.__('Drop files here, or use the upload button.')}</p>}
    </Blank>
  );
}

function summary(trans: ReturnType<typeof useTrans>, model: DirectoryModel): string {
  const count = model.entries.length;
  if (!model.isLoaded) {
    return trans.__('Looking…');
  }
  return model.hasMore
    ? trans.__('More than %1 entries', count)
    : trans._n('%1 entry', '%1 entries', count);
}
