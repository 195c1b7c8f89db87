import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IVMShare } from '../tokens';
import { DOMAIN } from '../views/context';
import { MachineTerminals } from './machineterminals';
import { Settings } from './settings';

/** Terminals on machines, in JupyterLab's own terminal; absent where the operator has none. */
export const terminals: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:terminals',
  description: 'Terminals on machines, in the launcher and by command.',
  autoStart: true,
  requires: [IVMShare],
  optional: [ILauncher, ICommandPalette, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IVMShare,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const language = translator ?? nullTranslator;
    const isRow = ({ dataset }: HTMLElement): boolean => dataset.machine !== undefined;
    const made = new MachineTerminals({
      commands: app.commands,
      hit: () => app.contextMenuHitTest(isRow)?.dataset,
      model,
      settings: new Settings(registry),
      trans: language.load(DOMAIN),
      launcher,
      category: language.load('jupyterlab').__('Other')
    });
    if (palette) {
      made.addTo(palette);
    }
    const look = (): void => void model.terminals.refresh();
    app.serviceManager.terminals.runningChanged.connect(look);
    // JupyterLab's own command for terminals is there by then.
    void app.restored.then(look);
  }
};
