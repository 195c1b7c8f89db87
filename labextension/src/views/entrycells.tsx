import {
  caretDownIcon,
  caretRightIcon,
  caretUpIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  ellipsesIcon,
  folderIcon
} from '@jupyterlab/ui-components';
import type { CSSProperties, JSX } from 'react';

import type { ListingModel, Row } from '../model/listing';
import type { Column } from '../model/order';
import { useTrans } from './context';
import type { EntryDeeds } from './entries';
import { openContextMenu } from './folders';
import { IconButton } from './iconbutton';
import { ModifiedAndSize, NameButton } from './parts';

const INDENT = 16;

/** The heads of the columns, which sort. */
export function Header({ listing }: { listing: ListingModel }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <Head listing={listing} column="name" className="jp-VMShare-mainCell">
        {trans.__('Name')}
      </Head>
      <Head listing={listing} column="modified" className="jp-VMShare-modifiedCell">
        {trans.__('Modified')}
      </Head>
      <Head listing={listing} column="size" className="jp-VMShare-sizeCell">
        {trans.__('Size')}
      </Head>
      <div role="columnheader" className="jp-VMShare-actionsCell">
        <span className="jp-VMShare-visuallyHidden">{trans.__('Actions')}</span>
      </div>
    </>
  );
}

interface HeadProps {
  listing: ListingModel;
  column: Column;
  className: string;
  children: string;
}

function Head({ listing, column, className, children }: HeadProps): JSX.Element {
  const { by, descending } = listing.order;
  const Caret = descending ? caretDownIcon : caretUpIcon;
  const sorted = descending ? 'descending' : 'ascending';
  return (
    <div role="columnheader" className={className} aria-sort={by === column ? sorted : undefined}>
      <button className="jp-VMShare-head" onClick={() => listing.sortBy(column)}>
        <span>{children}</span>
        {by === column && <Caret.react tag="span" className="jp-VMShare-rowIcon" />}
      </button>
    </div>
  );
}

interface CellsProps {
  listing: ListingModel;
  deeds: EntryDeeds;
  row: Row;
  tabIndex: 0 | -1;
}

/** A row's cells. */
export function Cells({ listing, deeds, row, tabIndex }: CellsProps): JSX.Element {
  const { entry } = row;
  const Icon = entry.kind === 'directory' ? folderIcon : deeds.iconOf(entry.name);
  const indent: CSSProperties = { paddingInlineStart: row.depth * INDENT };
  return (
    <>
      <div className="jp-VMShare-mainCell" role="gridcell" style={indent}>
        {listing.isTree && <Caret listing={listing} row={row} />}
        <Icon.react tag="span" className="jp-VMShare-rowIcon" />
        <NameButton name={entry.name} tabIndex={tabIndex} open={() => deeds.open(entry)} />
      </div>
      <ModifiedAndSize entry={entry} />
      <Actions {...{ listing, deeds, row, tabIndex }} />
    </>
  );
}

/** For the mouse; the keyboard unfolds with the arrow keys, and the row says whether it is. */
function Caret({ listing, row }: Pick<CellsProps, 'listing' | 'row'>): JSX.Element {
  if (row.isOpen === null) {
    return <span className="jp-VMShare-rowIcon" />;
  }
  const Icon = row.isOpen ? caretDownIcon : caretRightIcon;
  return (
    <span
      className="jp-VMShare-rowIcon jp-VMShare-caret"
      aria-hidden="true"
      onClick={event => {
        event.stopPropagation();
        void listing.setOpen(row.entry.path, !row.isOpen);
      }}
    >
      <Icon.react tag={null} />
    </span>
  );
}

function Actions({ listing, deeds, row, tabIndex }: CellsProps): JSX.Element {
  const trans = useTrans();
  const { entry } = row;
  const { directory } = listing;
  const { name, kind } = entry;
  const isDirectory = kind === 'directory';
  return (
    <div role="gridcell" className="jp-VMShare-actionsCell">
      {directory.may('rename_file') && (
        <IconButton
          icon={editIcon}
          label={trans.__('Rename "%1"', name)}
          tabIndex={tabIndex}
          onClick={() => deeds.rename(entry)}
        />
      )}
      {directory.may('delete_file') && (
        <IconButton
          icon={deleteIcon}
          label={trans.__('Delete "%1"', name)}
          tabIndex={tabIndex}
          onClick={() => deeds.remove(entry)}
        />
      )}
      {(kind === 'file' ? directory.may('download') : isDirectory && directory.hasArchives) && (
        <IconButton
          icon={downloadIcon}
          label={
            kind === 'file'
              ? trans.__('Download "%1"', name)
              : trans.__('Download "%1" as a zip archive', name)
          }
          tabIndex={tabIndex}
          onClick={() => deeds.download(entry)}
        />
      )}
      <IconButton
        icon={ellipsesIcon}
        label={trans.__('Actions for "%1"', name)}
        tabIndex={tabIndex}
        hasPopup
        onClick={openContextMenu}
      />
    </div>
  );
}
