import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { EventView, FolderView } from '../api/types';
import { HoldersModel } from '../model/holders';
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
  const mayRevoke = folder.actions.includes('revoke');
  const holders = mayRevoke ? new HoldersModel(model.api, folder.id, model.me) : null;
  const onEvent = (_: VMShareModel, event: EventView): void => {
    sharing.receive(event);
    holders?.receive(event);
  };
  const onSaid = (): void => void holders?.load();
  const mayInvite = folder.actions.includes('invite');
  const body = new View(trans, () => <Share {...{ model: sharing, holders, mayInvite }} />);
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
  sharing.said.connect(onSaid);
  void sharing.load();
  void holders?.load();
  try {
    await dialog.launch();
  } finally {
    model.happened.disconnect(onEvent);
    sharing.dispose();
    holders?.dispose();
    // How many people it is shared with has changed.
    void model.folders.refresh();
  }
}
