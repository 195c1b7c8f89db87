import { addIcon, deleteIcon, historyIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { EntryView, SnapshotView } from '../api/types';
import type { PastModel } from '../model/past';
import type { SnapshotsModel } from '../model/snapshots';
import { useSignal, useTrans } from './context';
import { Grid } from './grid';
import { IconButton } from './iconbutton';
import type { PastDeeds } from './past';
import { Past } from './past';
import { Blank, LiveRegion, Message, ToolButton } from './parts';
import { Policy } from './policy';
import { bytes, moment, shortMoment } from './words';

/** What the snapshots' buttons ask the shell to do. */
export interface SnapshotDeeds {
  take: () => void;
  remove: (snapshot: SnapshotView) => void;
  download: (past: PastModel, entry: EntryView) => void;
  restore: (past: PastModel, entry: EntryView) => void;
  iconOf: PastDeeds['iconOf'];
}

interface SnapshotsProps {
  model: SnapshotsModel;
  deeds: SnapshotDeeds;
}

const ROW_HEIGHT = 28;

/** A folder's snapshots, or what is in one of them. */
export function Snapshots({ model, deeds }: SnapshotsProps): JSX.Element {
  const trans = useTrans();
  useSignal(model.changed);
  const { past, folder } = model;
  if (model.failure && !folder) {
    return <Message kind="error">{model.failure}</Message>;
  }
  return (
    <div className="jp-VMShare-folder jp-VMShare-snapshots">
      {past ? (
        <Past
          model={past}
          mayRestore={model.may('restore_from_snapshot')}
          onBack={() => model.look(null)}
          deeds={{
            download: entry => deeds.download(past, entry),
            restore: entry => deeds.restore(past, entry),
            iconOf: deeds.iconOf
          }}
        />
      ) : (
        <>
          <div className="jp-VMShare-bar" role="group" aria-label={trans.__('Snapshots')}>
            {model.may('snapshot_folder') && (
              <ToolButton
                icon={addIcon}
                label={trans.__('Keep the folder as it is now')}
                text={trans.__('Take a snapshot now')}
                onClick={deeds.take}
              />
            )}
            <ToolButton
              icon={refreshIcon}
              label={trans.__('Refresh')}
              onClick={() => void model.open()}
            />
          </div>
          {model.failure && <Message kind="error">{model.failure}</Message>}
          <Policy model={model} />
          <All model={model} deeds={deeds} />
        </>
      )}
    </div>
  );
}

function All({ model, deeds }: SnapshotsProps): JSX.Element {
  const trans = useTrans();
  const { items, isLoaded } = model.snapshots;
  if (isLoaded && items.length === 0) {
    return (
      <Blank icon={historyIcon} title={trans.__('No snapshots yet')}>
        <p>
          {trans.__(
            'A snapshot keeps the folder as it is now. People at Edit may change what is in a file: from a snapshot you take single files back.'
          )}
        </p>
      </Blank>
    );
  }
  const look = (snapshot: SnapshotView): void => {
    if (snapshot.state === 'done') {
      model.look(snapshot);
    }
  };
  return (
    <>
      <LiveRegion text={isLoaded ? trans._n('%1 snapshot', '%1 snapshots', items.length) : ''} />
      <Grid
        label={trans.__('Snapshots')}
        items={items}
        rowHeight={ROW_HEIGHT}
        keyOf={snapshot => snapshot.id}
        rowData={snapshot => ({ 'data-snapshot': snapshot.id, 'data-state': snapshot.state })}
        header={<Header />}
        cells={(snapshot, tabIndex) => (
          <Cells {...{ snapshot, tabIndex, model, deeds }} look={look} />
        )}
        onOpen={look}
        onKey={(key, snapshot) => {
          const deletes = key === 'Delete' && model.may('snapshot_folder');
          if (deletes) {
            deeds.remove(snapshot);
          }
          return deletes;
        }}
      />
    </>
  );
}

function Header(): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <div role="columnheader" className="jp-VMShare-mainCell">
        {trans.__('Made')}
      </div>
      <div role="columnheader" className="jp-VMShare-kindCell">
        {trans.__('How')}
      </div>
      <div role="columnheader" className="jp-VMShare-sizeCell jp-VMShare-countCell">
        {trans.__('Files')}
      </div>
      <div role="columnheader" className="jp-VMShare-sizeCell">
        {trans.__('Adds')}
      </div>
      <div role="columnheader" className="jp-VMShare-oneActionCell">
        <span className="jp-VMShare-visuallyHidden">{trans.__('Actions')}</span>
      </div>
    </>
  );
}

interface CellsProps extends SnapshotsProps {
  snapshot: SnapshotView;
  tabIndex: 0 | -1;
  look: (snapshot: SnapshotView) => void;
}

function Cells({ snapshot, tabIndex, model, deeds, look }: CellsProps): JSX.Element {
  const trans = useTrans();
  const { state, files } = snapshot;
  const made = shortMoment(snapshot.created_at);
  return (
    <>
      <div role="gridcell" className="jp-VMShare-mainCell">
        <historyIcon.react tag="span" className="jp-VMShare-rowIcon" />
        {state === 'done' ? (
          <button
            className="jp-VMShare-nameButton"
            tabIndex={tabIndex}
            title={moment(snapshot.created_at, true)}
            onClick={() => look(snapshot)}
          >
            {made}
          </button>
        ) : (
          <span>{made}</span>
        )}
        {state === 'making' && (
          <span className="jp-VMShare-detail">{trans.__('is being made…')}</span>
        )}
        {state === 'failed' && (
          <span className="jp-VMShare-problem" title={snapshot.because ?? ''}>
            {snapshot.because ?? trans.__('failed')}
          </span>
        )}
      </div>
      <div role="gridcell" className="jp-VMShare-kindCell">
        {snapshot.automatic ? trans.__('by itself') : trans.__('by hand')}
      </div>
      <div role="gridcell" className="jp-VMShare-sizeCell jp-VMShare-countCell">
        {files.toLocaleString()}
      </div>
      <div role="gridcell" className="jp-VMShare-sizeCell">
        {bytes(trans, snapshot.bytes)}
      </div>
      <div role="gridcell" className="jp-VMShare-oneActionCell">
        {model.may('snapshot_folder') && state !== 'making' && (
          <IconButton
            icon={deleteIcon}
            label={trans.__('Delete the snapshot of %1', made)}
            tabIndex={tabIndex}
            onClick={() => deeds.remove(snapshot)}
          />
        )}
      </div>
    </>
  );
}
