import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { kindOf } from '../api/things';
import type { DriveView, EventView, FolderView, GrantView, MachineView } from '../api/types';
import { HoldersModel } from '../model/holders';
import type { ShareRights } from '../model/rights';
import { folderRights, thingRights } from '../model/rights';
import { SharingModel } from '../model/sharing';
import type { VMShareModel } from '../model/vmshare';
import { Share } from '../views/share';
import { hubOrigin } from './origin';
import { View } from './reactive';

/** JupyterLab's dialog takes Enter and Escape before its fields see them: here they come first. */
export class FormDialog extends Dialog<void> {
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
  const rights = folderRights(folder.actions.includes('invite'));
  await show(model, sharing, { name: folder.label, rights, holders }, trans);
  // How many people it is shared with has changed.
  void model.folders.refresh();
}

/** The same for a machine or a drive. */
export async function showThingShareDialog(
  model: VMShareModel,
  thing: MachineView | DriveView,
  trans: TranslationBundle
): Promise<void> {
  const weakest = kindOf(thing.id) === 'machine' ? 'use' : 'attach_read';
  const sharing = new SharingModel(model.api, thing.id, weakest);
  const known = (): readonly GrantView[] => sharing.people?.grants ?? [];
  const page = (to: string): string | null => {
    const address = model.confirmUrl(thing.id, hubOrigin(), 'co-own');
    return address && to ? `${address}?to=${encodeURIComponent(to)}` : address;
  };
  const rights = thingRights(thing, model.me, known, page);
  await show(model, sharing, { name: thing.name, rights, holders: null }, trans);
  void model.machines.refresh();
}

async function show(
  model: VMShareModel,
  sharing: SharingModel,
  shown: { name: string; rights: ShareRights; holders: HoldersModel | null },
  trans: TranslationBundle
): Promise<void> {
  const { name, rights, holders } = shown;
  const onEvent = (_: VMShareModel, event: EventView): void => {
    sharing.receive(event);
    holders?.receive(event);
  };
  const onSaid = (): void => void holders?.load();
  const body = new View(trans, () => <Share {...{ model: sharing, holders, rights }} />);
  body.addClass('jp-VMShare-shareBody');
  const dialog = new FormDialog({
    title: rights.invite ? trans.__('Share "%1"', name) : trans.__('People who have "%1"', name),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })],
    focusNodeSelector: rights.invite ? '.jp-VMShare-peopleField' : ''
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
  }
}
