import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { DirectoryModel } from '../model/directory';
import { DestinationModel } from '../model/destination';
import { Destination } from '../views/destination';
import { View } from './reactive';

/** JupyterLab's dialog takes Enter before what is in it sees it: here that comes first. */
class MoveDialog extends Dialog<void> {
  protected override _evtKeydown(event: KeyboardEvent): void {
    const isInside =
      event.target instanceof HTMLElement && event.target.closest('.jp-VMShare-destination');
    if (!isInside || event.key !== 'Enter') {
      super._evtKeydown(event);
    }
  }
}

/** Lets the person choose a directory of the folder, from the one that is shown on; null: none. */
export async function askDestination(
  directory: DirectoryModel,
  paths: readonly string[],
  trans: TranslationBundle
): Promise<string | null> {
  const { folder } = directory;
  if (!folder) {
    return null;
  }
  const destination = new DestinationModel(directory.api, folder.id, paths);
  let chosen: string | null = null;
  const body = new View(trans, () => (
    <Destination
      model={destination}
      label={folder.label}
      move={() => {
        chosen = destination.path;
        dialog.reject();
      }}
    />
  ));
  const [only = ''] = paths;
  const dialog: Dialog<void> = new MoveDialog({
    title:
      paths.length === 1
        ? trans.__('Move "%1"', only.slice(only.lastIndexOf('/') + 1))
        : trans._n('Move %1 entry', 'Move %1 entries', paths.length),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') })],
    focusNodeSelector: '.jp-VMShare-destination'
  });
  void destination.enter(directory.path);
  try {
    await dialog.launch();
  } finally {
    destination.dispose();
  }
  return chosen;
}
