import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX } from 'react';

import type { EventView, FolderView } from '../api/types';
import { HoldersModel } from '../model/holders';
import type { VMShareModel } from '../model/vmshare';
import { FastMounts, Holders } from '../views/fast';
import { View } from './reactive';

/** Fast mounts of a folder: the choice, and what it leaves. Resolves when the person closes it. */
export async function showFastDialog(
  model: VMShareModel,
  folder: FolderView,
  trans: TranslationBundle
): Promise<void> {
  const title = trans.__('Fast mounts of "%1"', folder.label);
  await show(model, folder, title, trans, holders => (
    <FastMounts
      folder={model.folders.find(folder.id) ?? folder}
      holders={holders}
      choose={async fast => {
        await model.chooseFast(model.folders.find(folder.id) ?? folder, fast);
        await holders.load();
      }}
    />
  ));
}

/** Offers to end the sessions that hold what was taken from them; nothing where there are none. */
export async function offerToEnd(
  model: VMShareModel,
  folder: FolderView,
  trans: TranslationBundle
): Promise<void> {
  const title = trans.__('"%1" is still open somewhere', folder.label);
  await show(model, folder, title, trans, holders => <Holders model={holders} />);
}

async function show(
  model: VMShareModel,
  folder: FolderView,
  title: string,
  trans: TranslationBundle,
  content: (holders: HoldersModel) => JSX.Element
): Promise<void> {
  const holders = new HoldersModel(model.api, folder.id, model.me);
  const onEvent = (_: VMShareModel, event: EventView): void => holders.receive(event);
  const body = new View(trans, () => content(holders));
  const redraw = (): void => body.update();
  body.addClass('jp-VMShare-fastBody');
  model.happened.connect(onEvent);
  model.folders.changed.connect(redraw);
  holders.changed.connect(redraw);
  void holders.load();
  try {
    await new Dialog({
      title,
      body,
      buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
    }).launch();
  } finally {
    model.happened.disconnect(onEvent);
    model.folders.changed.disconnect(redraw);
    holders.dispose();
  }
}
