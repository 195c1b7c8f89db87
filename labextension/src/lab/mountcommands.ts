import { launchIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FolderView } from '../api/types';
import type { MountsModel } from '../model/mounts';
import type { FolderCommand } from './commands';
import { CommandIDs } from './commands';
import type { MountDeeds } from './mountdeeds';

const MOUNT = 'mount_read_only';

/** What can be done by command with a folder in this session. */
export function mountCommands(
  mounts: MountsModel,
  deeds: MountDeeds,
  trans: TranslationBundle
): FolderCommand[] {
  const isThere = (folder: FolderView): boolean => mounts.of(folder.id) !== null;
  return [
    {
      id: CommandIDs.openHere,
      label: trans.__('Open in File Browser'),
      action: MOUNT,
      icon: launchIcon,
      fits: folder => mounts.path(folder.id) !== null,
      does: folder => deeds.openHere(folder)
    },
    {
      id: CommandIDs.insertPath,
      label: trans.__('Insert Path'),
      action: MOUNT,
      fits: folder => mounts.absolutePath(folder.id) !== null,
      does: folder => deeds.insertPath(folder)
    },
    {
      id: CommandIDs.mount,
      label: trans.__('Mount in My Sessions'),
      action: MOUNT,
      fits: folder => mounts.areAvailable && !isThere(folder),
      does: folder => deeds.mount(folder)
    },
    {
      id: CommandIDs.unmount,
      label: trans.__('Unmount from My Sessions'),
      action: MOUNT,
      fits: folder => mounts.areAvailable && isThere(folder),
      does: folder => deeds.unmount(folder)
    },
    {
      id: CommandIDs.onMachines,
      label: trans.__('Show on Machines…'),
      action: MOUNT,
      fits: () => mounts.areAvailable,
      does: folder => deeds.onMachines(folder)
    }
  ];
}
