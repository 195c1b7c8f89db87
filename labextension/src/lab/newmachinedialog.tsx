import type { TranslationBundle } from '@jupyterlab/translation';

import type { MachineView } from '../api/types';
import { NewMachineModel } from '../model/newmachine';
import type { VMShareModel } from '../model/vmshare';
import { NewMachineForm } from '../views/newmachine';
import { View } from './reactive';
import { FormDialog } from './sharedialog';

/** Asks what a machine shall be. Resolves with the one that was made; null: given up. */
export async function showNewMachineDialog(
  model: VMShareModel,
  trans: TranslationBundle
): Promise<MachineView | null> {
  const { machines } = model;
  const { cloud } = machines;
  if (!cloud?.offered) {
    return null;
  }
  const plan = new NewMachineModel(model.api, machines.api, cloud, machines.snapshots.items);
  void plan.lookForPlaces();
  let made: MachineView | null = null;
  const make = async (): Promise<void> => {
    made = await plan.make();
    if (made) {
      dialog.reject();
    }
  };
  const body = new View(trans, () => (
    <NewMachineForm model={plan} make={() => void make()} cancel={() => dialog.reject()} />
  ));
  body.addClass('jp-VMShare-shareBody');
  const dialog = new FormDialog({
    title: trans.__('New machine'),
    body,
    // The form has its own: whether it can be made changes while one writes.
    buttons: [],
    hasClose: true,
    focusNodeSelector: '.jp-VMShare-machineName'
  });
  dialog.addClass('jp-VMShare-shareDialog');
  try {
    await dialog.launch();
  } finally {
    plan.dispose();
    await machines.refresh();
  }
  return made;
}
