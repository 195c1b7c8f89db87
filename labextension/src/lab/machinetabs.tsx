import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';

import { MachinePageModel } from '../model/machinepage';
import type { VMShareModel } from '../model/vmshare';
import type { MachinePageDeeds } from '../views/card';
import { machineIcon } from '../views/icons';
import { Machine } from '../views/machine';
import type { MachineActs } from './machineacts';
import { TerminalCommandIDs } from './machineterminals';
import { View } from './reactive';
import { Here, ViewTab, ViewTabs } from './viewtab';

/** The machines, each in a tab of its own. */
export function machineTabs(
  app: JupyterFrontEnd,
  model: VMShareModel,
  acts: MachineActs,
  files: (id: string) => void,
  trans: TranslationBundle
): ViewTabs {
  const { open, kept, goOn } = TerminalCommandIDs;
  const deeds: MachinePageDeeds = {
    terminal: ({ id }, keep) => void app.commands.execute(keep ? kept : open, { id }),
    goOn: ({ session }) => void app.commands.execute(goOn, { session }),
    files: machine => files(machine.id),
    share: machine => void acts.share(machine),
    reboot: machine => void acts.reboot(machine),
    rename: machine => void acts.rename(machine),
    resize: machine => void acts.resize(machine),
    rebuild: machine => void acts.rebuild(machine),
    console: machine => void acts.console(machine),
    snapshot: machine => void acts.snapshot(machine),
    extend: drive => void acts.extend(drive),
    clone: drive => void acts.cloneDrive(drive),
    remove: machine => void acts.remove(machine)
  };
  return new ViewTabs(app, 'vmshare-machines', machineId => {
    const page = new MachinePageModel(model, machineId);
    const view = new View(trans, () => (
      <Here model={model}>
        <Machine model={page} deeds={deeds} />
      </Here>
    ));
    const id = `vmshare-machine-${machineId}`;
    const tab = new ViewTab(machineId, id, machineIcon, view, model, page);
    const name = (): void => {
      tab.title.label = page.machine?.name ?? (tab.title.label || trans.__('Machine'));
    };
    page.changed.connect(name);
    name();
    return tab;
  });
}
