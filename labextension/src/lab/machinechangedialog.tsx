import type { TranslationBundle } from '@jupyterlab/translation';

import type { MachineView } from '../api/types';
import { RebuildModel, ResizeModel } from '../model/machinechange';
import type { VMShareModel } from '../model/vmshare';
import { RebuildForm, ResizeForm } from '../views/machinechange';
import { View } from './reactive';
import { FormDialog } from './sharedialog';

/** Asks which size a machine shall have, and has it get that. */
export async function showResizeDialog(
  model: VMShareModel,
  machine: MachineView,
  trans: TranslationBundle
): Promise<void> {
  const change = new ResizeModel(model.machines, machine);
  const form = (deeds: FormDeeds): View =>
    new View(trans, () => <ResizeForm model={change} {...deeds} />);
  await show(change, trans.__('Resize "%1"', machine.name), form);
}

/** Asks what the fresh system disk of a machine shall be made from, and whether the old may go. */
export async function showRebuildDialog(
  model: VMShareModel,
  machine: MachineView,
  trans: TranslationBundle
): Promise<void> {
  const change = new RebuildModel(model.machines, machine);
  const form = (deeds: FormDeeds): View =>
    new View(trans, () => <RebuildForm model={change} {...deeds} />);
  await show(change, trans.__('Rebuild "%1"', machine.name), form);
}

interface FormDeeds {
  send: () => void;
  cancel: () => void;
}

async function show(
  change: ResizeModel | RebuildModel,
  title: string,
  form: (deeds: FormDeeds) => View
): Promise<void> {
  const send = async (): Promise<void> => {
    if (await change.send()) {
      dialog.reject();
    }
  };
  const body = form({ send: () => void send(), cancel: () => dialog.reject() });
  body.addClass('jp-VMShare-shareBody');
  const dialog = new FormDialog({
    title,
    body,
    // The form has its own: whether it can be asked for changes while one chooses.
    buttons: [],
    hasClose: true,
    focusNodeSelector: '.jp-VMShare-machineChange select'
  });
  dialog.addClass('jp-VMShare-shareDialog');
  try {
    await dialog.launch();
  } finally {
    change.dispose();
  }
}
