import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IVMShare } from '../tokens';
import { DOMAIN } from '../views/context';
import { CommandIDs } from './commands';
import { Notifications } from './notifications';
import { Settings } from './settings';

/** Tells the person what others did; can be switched off without losing the panel. */
export const notifications: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:notifications',
  description: 'Notifications about invitations and access.',
  autoStart: true,
  requires: [IVMShare],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IVMShare,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const run = (command: string, args: { id?: string } = {}): void =>
      void app.commands.execute(command, args);
    const deeds = {
      accept: (id: string) => run(CommandIDs.accept, { id }),
      review: () => run(CommandIDs.openPanel),
      showHolders: (id: string) => run(CommandIDs.fast, { id })
    };
    new Notifications(model, new Settings(registry), deeds, trans);
  }
};
