import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FolderView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { FolderOnMachines } from '../views/onmachines';
import { View } from './reactive';

/** On which machines a folder is mounted, too. Resolves when the person closes it. */
export async function showOnMachines(
  model: VMShareModel,
  folder: FolderView,
  trans: TranslationBundle
): Promise<void> {
  const body = new View(trans, () => <FolderOnMachines folder={folder} model={model} />);
  await new Dialog({
    title: trans.__('"%1" on machines', folder.label),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  }).launch();
}
