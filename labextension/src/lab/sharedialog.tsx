import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FolderView } from '../api/types';
import { SharingModel } from '../model/sharing';
import type { VMShareModel } from '../model/vmshare';
import { Share } from '../views/share';
import { View } from './reactive';

/** JupyterLab's dialog takes Enter and Escape before its fields see them: here they come first. */
class ShareDialog extends Dialog<void> {
  protected override _evtKeydown(event: KeyboardEvent): void {
    const field = event.target instanceof HTMLElement ? event.target : null;
    const offersOpen = field?.getAttribute('aria-expanded') === 'true';
    const isField = field?.closest('.jp-VMShare-share') != null;
    if (isField && (event.key === 'Enter' || (event.key === 'Escape' && offersOpen))) {
      return;
    }
    super._evtKeydown(event);
  }
}

/** Whom a folder is shared with, and whom to invite. Resolves when the person closes it. */
export async function showShareDialog(
  model: VMShareModel,
  folder: FolderView,
  defaultLevel: string,
  trans: TranslationBundle
): Promise<void> {
  const sharing = new SharingModel(model.api, folder.id, defaultLevel);
  const onEvent = (_: VMShareModel, event: Parameters<SharingModel['receive']>[0]): void =>
    sharing.receive(event);
  const mayInvite = folder.actions.includes('invite');
  const body = new View(trans, () => <Share model={sharing} mayInvite={mayInvite} />);
  body.addClass('jp-VMShare-shareBody');
  const dialog = new ShareDialog({
    title: mayInvite
      ? trans.__('Share "%1"', folder.label)
      : trans.__('People who have "%1"', folder.label),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })],
    focusNodeSelector: mayInvite ? '.jp-VMShare-peopleField' : ''
  });
  dialog.addClass('jp-VMShare-shareDialog');
  model.happened.connect(onEvent);
  void sharing.load();
  try {
    await dialog.launch();
  } finally {
    model.happened.disconnect(onEvent);
    sharing.dispose();
    // How many people it is shared with has changed.
    void model.folders.refresh();
  }
}
