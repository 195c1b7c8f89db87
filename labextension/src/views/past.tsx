import type { LabIcon } from '@jupyterlab/ui-components';
import { caretLeftIcon, downloadIcon, folderIcon, undoIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useCallback } from 'react';

import type { EntryView } from '../api/types';
import type { PastModel } from '../model/past';
import { useSignal, useTrans } from './context';
import { Grid } from './grid';
import { IconButton } from './iconbutton';
import { Blank, LiveRegion, Message, ModifiedAndSize, NameButton, ToolButton } from './parts';
import { moment } from './words';

/** What the files of a snapshot ask the shell to do. */
export interface PastDeeds {
  download: (entry: EntryView) => void;
  restore: (entry: EntryView) => void;
  iconOf: (name: string) => LabIcon;
}

interface PastProps {
  model: PastModel;
  mayRestore: boolean;
  onBack: () => void;
  deeds: PastDeeds;
}

const ROW_HEIGHT = 28;

/** A folder as it was: to look at, and to take single files back from. */
export function Past(props: PastProps): JSX.Element {
  const trans = useTrans();
  const { model, onBack } = props;
  useSignal(model.changed);
  return (
    <>
      <div className="jp-VMShare-bar" role="group" aria-label={trans.__('Snapshot')}>
        <ToolButton
          icon={caretLeftIcon}
          label={trans.__('Back to all snapshots')}
          text={trans.__('All snapshots')}
          onClick={onBack}
        />
      </div>
      <Crumbs model={model} />
      {model.failure && <Message kind="error">{model.failure}</Message>}
      <LiveRegion
        text={model.isLoaded ? trans._n('%1 entry', '%1 entries', model.entries.length) : ''}
      />
      {model.isLoaded && model.entries.length === 0 ? (
        <Blank title={trans.__('Nothing was in here')} />
      ) : (
        <Files {...props} />
      )}
    </>
  );
}

function Crumbs({ model }: { model: PastModel }): JSX.Element {
  const trans = useTrans();
  const parts = model.path ? model.path.split('/') : [];
  const crumbs = [
    { name: moment(model.snapshot.created_at), path: '' },
    ...parts.map((name, at) => ({ name, path: parts.slice(0, at + 1).join('/') }))
  ];
  return (
    <nav className="jp-VMShare-breadcrumbs" aria-label={trans.__('Place in the snapshot')}>
      <ol>
        {crumbs.map((crumb, at) => (
          <li key={crumb.path}>
            <button
              aria-current={at === crumbs.length - 1 ? 'location' : undefined}
              onClick={() => void model.enter(crumb.path)}
            >
              <span>{crumb.name}</span>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function Files({ model, mayRestore, deeds }: PastProps): JSX.Element {
  const trans = useTrans();
  const onNearEnd = useCallback(() => void model.loadMore(), [model]);
  const open = (entry: EntryView): void => {
    if (entry.kind === 'directory') {
      void model.enter(entry.path);
    } else if (entry.kind === 'file') {
      deeds.download(entry);
    }
  };
  return (
    <Grid
      key={model.path}
      label={trans.__('Files of the snapshot')}
      items={model.entries}
      rowHeight={ROW_HEIGHT}
      keyOf={entry => entry.path}
      nameOf={entry => entry.name}
      rowData={entry => ({ 'data-past': entry.path })}
      header={<Header />}
      isOpenEnded={model.hasMore}
      cells={(entry, tabIndex) => <Cells {...{ entry, tabIndex, mayRestore, deeds, open }} />}
      onOpen={open}
      onKey={(key, entry) => {
        const goesUp = key === 'Backspace' && model.path !== '';
        if (goesUp) {
          void model.enter(entry.path.split('/').slice(0, -2).join('/'));
        }
        return goesUp;
      }}
      onNearEnd={onNearEnd}
    />
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
      <div role="columnheader" className="jp-VMShare-twoActionsCell">
        <span className="jp-VMShare-visuallyHidden">{trans.__('Actions')}</span>
      </div>
    </>
  );
}

interface CellsProps extends Pick<PastProps, 'mayRestore' | 'deeds'> {
  entry: EntryView;
  tabIndex: 0 | -1;
  open: (entry: EntryView) => void;
}

function Cells({ entry, tabIndex, mayRestore, deeds, open }: CellsProps): JSX.Element {
  const trans = useTrans();
  const Icon = entry.kind === 'directory' ? folderIcon : deeds.iconOf(entry.name);
  return (
    <>
      <div className="jp-VMShare-mainCell" role="gridcell">
        <Icon.react tag="span" className="jp-VMShare-rowIcon" />
        <NameButton name={entry.name} tabIndex={tabIndex} open={() => open(entry)} />
      </div>
      <ModifiedAndSize entry={entry} />
      <div role="gridcell" className="jp-VMShare-twoActionsCell">
        {entry.kind === 'file' && (
          <IconButton
            icon={downloadIcon}
            label={trans.__('Download "%1" as it was', entry.name)}
            tabIndex={tabIndex}
            onClick={() => deeds.download(entry)}
          />
        )}
        {entry.kind === 'file' && mayRestore && (
          <IconButton
            icon={undoIcon}
            label={trans.__('Take "%1" back into the folder', entry.name)}
            tabIndex={tabIndex}
            onClick={() => deeds.restore(entry)}
          />
        )}
      </div>
    </>
  );
}
