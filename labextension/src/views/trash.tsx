import { folderIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { FolderView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { ActionButton, Message } from './parts';
import { shortMoment } from './words';

/** What the trash's buttons ask the shell to do. */
export interface TrashDeeds {
  restore: (folder: FolderView) => void;
  deleteForEver: (folder: FolderView) => void;
}

/** The visitor's own folders that wait to be restored or deleted for ever. */
export function Trash(props: { model: VMShareModel; deeds: TrashDeeds }): JSX.Element {
  const trans = useTrans();
  const { trash } = props.model;
  useSignal(trash.changed);
  return (
    <div className="jp-VMShare-trash">
      {trash.failure && <Message kind="error">{trash.failure}</Message>}
      {trash.items.length === 0 && (
        <p className="jp-VMShare-quiet">
          {trash.isLoaded ? trans.__('The trash is empty.') : trans.__('Looking…')}
        </p>
      )}
      <ul aria-label={trans.__('Folders in the trash')}>
        {trash.items.map(folder => (
          <Trashed key={folder.id} folder={folder} deeds={props.deeds} />
        ))}
      </ul>
    </div>
  );
}

function Trashed({ folder, deeds }: { folder: FolderView; deeds: TrashDeeds }): JSX.Element {
  const trans = useTrans();
  const may = (action: string): boolean => folder.actions.includes(action);
  return (
    <li className="jp-VMShare-invitation" data-trashed={folder.id}>
      <div className="jp-VMShare-summary">
        <folderIcon.react tag="span" className="jp-VMShare-rowIcon" />
        <span className="jp-VMShare-name" title={folder.label}>
          {folder.label}
        </span>
      </div>
      <Since folder={folder} />
      <div className="jp-VMShare-buttons">
        {may('restore_folder') && (
          <ActionButton
            aria-label={trans.__('Restore "%1"', folder.label)}
            onClick={() => deeds.restore(folder)}
          >
            {trans.__('Restore')}
          </ActionButton>
        )}
        {may('delete_folder_for_ever') && (
          <ActionButton
            aria-label={trans.__('Delete "%1" for ever', folder.label)}
            onClick={() => deeds.deleteForEver(folder)}
          >
            {trans.__('Delete for ever…')}
          </ActionButton>
        )}
      </div>
    </li>
  );
}

/** Since when it is there, and when it will be gone by itself. */
function Since({ folder }: { folder: FolderView }): JSX.Element | null {
  const trans = useTrans();
  const { trashed_at: since, deleted_at: until } = folder;
  return since ? (
    <p className="jp-VMShare-detail">
      {trans.__('In the trash since %1.', shortMoment(since))}{' '}
      {until && trans.__('It is deleted for ever on %1.', shortMoment(until))}
    </p>
  ) : null;
}
