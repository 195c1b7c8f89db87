import {
  fileUploadIcon,
  folderIcon,
  listIcon,
  newFolderIcon,
  refreshIcon,
  treeViewIcon,
  usersIcon
} from '@jupyterlab/ui-components';
import type { DragEvent, JSX, ReactNode } from 'react';
import { useState } from 'react';

import type { EventView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import type { Dropped } from '../model/dropped';
import { dropped } from '../model/dropped';
import type { ListingModel } from '../model/listing';
import type { UploadsModel } from '../model/uploads';
import { Breadcrumbs } from './breadcrumbs';
import { useSignal, useTrans } from './context';
import { useDragging } from './dragging';
import { EditRules } from './editrules';
import type { EntryDeeds } from './entries';
import { Entries } from './entries';
import { machineIcon, uploadDirectoryIcon } from './icons';
import { ActionButton, Blank, Message, ToolButton, useDeed } from './parts';
import type { Choose } from './uploads';
import { Uploads } from './uploads';
import { endedBecause, endedNotice } from './words';

/** What the buttons above the files ask the shell to do. */
export interface BarDeeds {
  choose: Choose;
  upload: () => void;
  /** A directory with all that is in it. */
  uploadDirectory: () => void;
  createDirectory: () => void;
  refresh: () => void;
  share: () => void;
}

/** What a folder view shows and does. */
export interface FolderProps {
  listing: ListingModel;
  uploads: UploadsModel;
  deeds: EntryDeeds;
  bar: BarDeeds;
  /** Why the visitor may not do something with this folder, in a sentence. */
  why: (action: string) => Promise<string>;
  /** Of what else the files are, and how that is. */
  children?: ReactNode;
}

/** A shared folder in the main area: where one is, what is there, what is on its way. */
export function Folder(props: FolderProps): JSX.Element {
  const trans = useTrans();
  const { listing, uploads, deeds } = props;
  const { directory: model } = listing;
  useSignal(model.changed);
  const dragging = useDragging(model, deeds.moveTo);
  if (model.ended) {
    return <Closed model={model} event={model.ended.event} />;
  }
  if (isShut(model)) {
    return <div className="jp-VMShare-folder">{props.children}</div>;
  }
  return (
    <DropTarget isOpen={model.may('upload')} onDrop={all => uploads.startAll(all, at(model))}>
      {props.children}
      <Bar listing={listing} deeds={props.bar} />
      <Breadcrumbs model={model} dragging={dragging} />
      <ReadOnly model={model} why={props.why} />
      <AtEdit model={model} />
      {model.failure && (
        <Message kind="error">
          <span>{model.failure} </span>
          <ActionButton onClick={() => void model.open()}>{trans.__('Try again')}</ActionButton>
        </Message>
      )}
      <Uploads model={uploads} choose={props.bar.choose} />
      <Entries {...{ listing, deeds, dragging }} />
    </DropTarget>
  );
}

/** Whether there is nothing to look at now: a machine that is off, or keeps its files to itself. */
function isShut(model: DirectoryModel): boolean {
  return model.kind === 'machine' && model.folder !== null && !model.may('list_files');
}

function Closed(props: { model: DirectoryModel; event: EventView | null }): JSX.Element {
  const trans = useTrans();
  const { model, event } = props;
  const isFolder = model.kind === 'folder';
  const title = isFolder
    ? trans.__('This folder is not open to you any more')
    : trans.__('This machine is not open to you any more');
  return (
    <Blank icon={isFolder ? folderIcon : machineIcon} title={title}>
      <p role="status">
        {isFolder ? endedBecause(trans, event) : event && endedNotice(trans, event)}
      </p>
    </Blank>
  );
}

/** A button is there only while its action is allowed: absent, not greyed out. */
function Bar({ listing, deeds }: { listing: ListingModel; deeds: BarDeeds }): JSX.Element {
  const trans = useTrans();
  useSignal(listing.changed);
  const { directory: model, isTree } = listing;
  const invites = model.may('invite');
  return (
    <div className="jp-VMShare-bar" role="group" aria-label={trans.__('Folder')}>
      {model.may('upload') && (
        <ToolButton
          icon={fileUploadIcon}
          label={trans.__('Upload files')}
          text={trans.__('Upload')}
          onClick={deeds.upload}
        />
      )}
      {model.may('upload') && model.may('create_directory') && (
        <ToolButton
          icon={uploadDirectoryIcon}
          label={trans.__('Add a directory with all that is in it')}
          onClick={deeds.uploadDirectory}
        />
      )}
      {model.may('create_directory') && (
        <ToolButton
          icon={newFolderIcon}
          label={trans.__('New folder in here')}
          onClick={deeds.createDirectory}
        />
      )}
      <ToolButton icon={refreshIcon} label={trans.__('Refresh')} onClick={deeds.refresh} />
      <ToolButton
        icon={isTree ? listIcon : treeViewIcon}
        label={isTree ? trans.__('Show as a list') : trans.__('Show as a tree')}
        onClick={() => listing.showAsTree(!isTree)}
      />
      {model.may('see_people') && (
        <ToolButton
          icon={usersIcon}
          label={
            invites
              ? trans.__('Invite people and see who has access')
              : trans.__('See who has access')
          }
          text={invites ? trans.__('Share') : trans.__('People')}
          onClick={deeds.share}
        />
      )}
    </div>
  );
}

/** Where files of `model`'s present directory go, even when the person walks on meanwhile. */
export function at(model: DirectoryModel): (name: string) => string {
  const directory = model.path;
  return name => (directory ? `${directory}/${name}` : name);
}

/** Said once, instead of greyed-out buttons. */
function ReadOnly(props: { model: DirectoryModel; why: FolderProps['why'] }): JSX.Element | null {
  const { model, why } = props;
  const trans = useTrans();
  const [because, setBecause] = useState<string | null>(null);
  const { failure, run } = useDeed();
  const isReadOnly = model.folder && !model.may('upload') && !model.may('create_file');
  if (!isReadOnly) {
    return null;
  }
  const answer = because ?? failure;
  return (
    <div className="jp-VMShare-readOnly" role="note">
      <strong>{trans.__('READ-ONLY')}</strong>
      <span>{answer ?? readOnlyStory(trans, model)}</span>
      {answer === null && (
        <ActionButton onClick={() => void run(async () => setBecause(await why('upload')))}>
          {trans.__('Why?')}
        </ActionButton>
      )}
    </div>
  );
}

function readOnlyStory(trans: ReturnType<typeof useTrans>, model: DirectoryModel): string {
  return model.may('download')
    ? trans.__('You can open and download files, and change nothing.')
    : trans.__('You can see what is there, and change nothing.');
}

/** Why there is no Rename and no Delete, and what programs may do in sessions. */
function AtEdit({ model }: { model: DirectoryModel }): JSX.Element | null {
  const trans = useTrans();
  const { folder } = model;
  return folder?.level === 'edit' ? (
    <EditRules
      summary={trans.__('At Edit nothing is renamed or deleted here. What programs can do')}
      owner={folder.owner}
    />
  ) : null;
}

interface DropTargetProps {
  isOpen: boolean;
  onDrop: (all: Dropped) => void;
  children: React.ReactNode;
}

function DropTarget({ isOpen, onDrop, children }: DropTargetProps): JSX.Element {
  const [isOver, setOver] = useState(false);
  const take = (event: DragEvent): boolean => {
    if (!isOpen || !event.dataTransfer.types.includes('Files')) {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return (
    // Dropping is a short cut for the mouse; the upload button does the same.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={`jp-VMShare-folder${isOver ? ' jp-mod-drop' : ''}`}
      onDragEnter={event => setOver(take(event))}
      onDragOver={take}
      onDragLeave={event => {
        const goesTo = event.relatedTarget;
        setOver(goesTo instanceof Node && event.currentTarget.contains(goesTo));
      }}
      onDrop={event => {
        setOver(false);
        if (take(event)) {
          void dropped(event.dataTransfer).then(onDrop);
        }
      }}
    >
      {children}
    </div>
  );
}
