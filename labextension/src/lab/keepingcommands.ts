import { copyIcon, historyIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FolderView } from '../api/types';
import type { FolderCommand } from './commands';
import { CommandIDs } from './commands';
import type { Deeds } from './deeds';

/** Copies, snapshots, and what the owner chooses: what can be done by command with a folder. */
export function keepingCommands(
  deeds: Deeds,
  openSnapshots: (folderId: string) => void,
  trans: TranslationBundle
): FolderCommand[] {
  const isMine = (folder: FolderView): boolean => folder.relation === 'mine';
  return [
    {
      id: CommandIDs.snapshots,
      label: trans.__('Snapshots'),
      action: 'read_snapshot',
      icon: historyIcon,
      does: folder => openSnapshots(folder.id)
    },
    {
      id: CommandIDs.clone,
      label: trans.__('Copy to a Folder of Mine…'),
      action: 'clone',
      icon: copyIcon,
      does: folder => deeds.clone(folder)
    },
    {
      id: CommandIDs.letCopy,
      label: trans.__('Let Others Copy All of It'),
      action: 'change_settings',
      fits: folder => isMine(folder) && !folder.cloneable,
      does: folder => deeds.letCopy(folder, true)
    },
    {
      id: CommandIDs.dontLetCopy,
      label: trans.__('Don’t Let Others Copy All of It'),
      action: 'change_settings',
      fits: folder => isMine(folder) && folder.cloneable === true,
      does: folder => deeds.letCopy(folder, false)
    },
    {
      id: CommandIDs.fast,
      label: trans.__('Fast Mounts…'),
      action: 'mount_direct',
      does: folder => deeds.fast(folder)
    }
  ];
}
