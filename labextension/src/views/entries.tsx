import type { LabIcon } from '@jupyterlab/ui-components';
import { fileIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useCallback, useEffect, useState } from 'react';

import type { EntryView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import type { ListingModel, Row } from '../model/listing';
import { useSignal, useTrans } from './context';
import type { Dragging } from './dragging';
import { Cells, Header } from './entrycells';
import type { Selecting, Unfolding } from './grid';
import { Grid } from './grid';
import { Blank, LiveRegion, SearchField } from './parts';
import type { ManyDeeds } from './selection';
import { Selection } from './selection';

/** What the rows of a directory ask the shell to do. */
export interface EntryDeeds extends ManyDeeds {
  open: (entry: EntryView) => void;
  download: (entry: EntryView) => void;
  rename: (entry: EntryView) => void;
  remove: (entry: EntryView) => void;
  properties: (entries: readonly EntryView[]) => void;
  /** What was dragged onto a directory. */
  moveTo: (paths: readonly string[], directory: string) => void;
  /** JupyterLab's icon for a file of that name. */
  iconOf: (name: string) => LabIcon;
}

export interface EntriesProps {
  listing: ListingModel;
  deeds: EntryDeeds;
  dragging: Dragging;
}

const ROW_HEIGHT = 28;
const PAUSE_MS = 250;

/** What lies in a directory; a control is there only where its action is allowed. */
export function Entries({ listing, deeds, dragging }: EntriesProps): JSX.Element {
  const trans = useTrans();
  const { directory: model } = listing;
  const onNearEnd = useCallback(() => void model.loadMore(), [model]);
  const onSight = useCallback(
    (first: number, last: number) => listing.inSight(first, last),
    [listing]
  );
  useSignal(listing.changed);
  useSignal(model.selection.changed);
  const tree = listing.isTree ? { tree: unfoldingIn(listing) } : {};
  return (
    <>
      <Filter key={model.path} model={model} />
      <Selection model={model} deeds={deeds} />
      <LiveRegion text={summary(trans, model)} />
      {model.isLoaded && model.entries.length === 0 ? (
        <Empty model={model} />
      ) : (
        <Grid
          key={`${model.path}\n${model.filter}\n${listing.isTree}`}
          label={trans.__('Files')}
          items={listing.rows}
          rowHeight={ROW_HEIGHT}
          keyOf={({ entry }) => entry.path}
          nameOf={({ entry }) => entry.name}
          rowData={({ entry }) => ({
            ...dragging.ofRow(entry),
            'data-path': entry.path,
            'data-kind': entry.kind
          })}
          header={<Header listing={listing} />}
          order={JSON.stringify(listing.order)}
          isOpenEnded={listing.hasMore}
          selecting={selectingIn(listing)}
          {...tree}
          cells={(row, tabIndex) => <Cells {...{ listing, deeds, row, tabIndex }} />}
          onOpen={({ entry }) => deeds.open(entry)}
          onKey={(pressed, { entry }) => onKey(pressed, entry, model, deeds)}
          onNearEnd={onNearEnd}
          onSight={onSight}
        />
      )}
    </>
  );
}

function onKey(key: string, entry: EntryView, model: DirectoryModel, deeds: EntryDeeds): boolean {
  if (key === 'Delete' && model.may('delete_file') && model.selection.size > 0) {
    deeds.removeMany(model.selection.paths);
  } else if (key === 'F2' && model.may('rename_file')) {
    deeds.rename(entry);
  } else if (key === 'Delete' && model.may('delete_file')) {
    deeds.remove(entry);
  } else if (key === 'Backspace' && model.path) {
    void model.enter(model.path.split('/').slice(0, -1).join('/'));
  } else {
    return false;
  }
  return true;
}

function selectingIn(listing: ListingModel): Selecting<Row> {
  const { selection } = listing.directory;
  const all = (): string[] => listing.rows.map(({ entry }) => entry.path);
  return {
    has: ({ entry }) => selection.has(entry.path),
    pick: ({ entry }, how) => selection.pick(entry.path, how, all()),
    all: () => selection.set(all()),
    none: () => selection.set([])
  };
}

function unfoldingIn(listing: ListingModel): Unfolding<Row> {
  return {
    depthOf: row => row.depth,
    isOpen: row => row.isOpen,
    setOpen: (row, isOpen) => void listing.setOpen(row.entry.path, isOpen)
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
