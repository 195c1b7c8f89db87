import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { kindOf } from '../api/things';
import { IVMShare } from '../tokens';
import { DOMAIN } from '../views/context';
import { addCommands, CommandIDs } from './commands';
import { Deeds } from './deeds';
import { addEntryCommands } from './entrycommands';
import { FileDeeds } from './filedeeds';
import { FolderTabs } from './foldertabs';
import { addMachineCommands, MachineCommandIDs } from './machinecommands';
import { MachineActs } from './machineacts';
import { machineTabs } from './machinetabs';
import { MountDeeds } from './mountdeeds';
import { hubHome } from './origin';
import { VMSharePanel } from './panel';
import { Previews } from './previews';
import { Settings } from './settings';
import { peopleTabs, sharesTabs } from './sharingtabs';
import { snapshotTabs } from './snapshottabs';

// JupyterLab's running panel has 200.
const RANK = 210;

/** The side panel, the folder tabs, and the commands. */
export const panel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:plugin',
  description: 'The panel with shared folders and invitations, and the folder view.',
  autoStart: true,
  requires: [IVMShare],
  optional: [
    ILayoutRestorer,
    ICommandPalette,
    ISettingRegistry,
    ITranslator,
    IDefaultFileBrowser,
    IRenderMimeRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    model: IVMShare,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    browser: IDefaultFileBrowser | null,
    rendermime: IRenderMimeRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const settings = new Settings(registry);
    const deeds = new Deeds(model, settings, trans);
    const machineActs = new MachineActs(model, settings, trans);
    const mountDeeds = new MountDeeds(app, model, browser, trans);
    const previews = new Previews(app, model, rendermime, trans);
    const files = new FileDeeds(app, model, settings, previews, trans);
    const tabs = new FolderTabs(app, model, files, trans);
    const execute = (command: string, thing: { id: string }): void =>
      void app.commands.execute(command, { id: thing.id });
    const side = new VMSharePanel(
      model,
      {
        open: folder => execute(CommandIDs.openFolder, folder),
        openHere: folder => execute(CommandIDs.openHere, folder),
        rename: folder => execute(CommandIDs.rename, folder),
        trash: folder => execute(CommandIDs.trash, folder),
        restore: folder => execute(CommandIDs.restore, folder),
        deleteForEver: folder => execute(CommandIDs.deleteForEver, folder),
        create: () => void app.commands.execute(CommandIDs.newFolder),
        shares: () => void app.commands.execute(CommandIDs.shares),
        refresh: () => void app.commands.execute(CommandIDs.refresh)
      },
      {
        open: machine => execute(MachineCommandIDs.open, machine),
        create: () => void app.commands.execute(MachineCommandIDs.create),
        createDrive: () => void app.commands.execute(MachineCommandIDs.createDrive),
        shareDrive: drive => execute(MachineCommandIDs.share, drive),
        console: machine => execute(MachineCommandIDs.console, machine)
      },
      hubHome(),
      trans
    );
    app.shell.add(side, 'left', { rank: RANK, type: 'VMShare' });
    const showPanel = (): void => app.shell.activateById(side.id);
    const showInvitations = (): void => {
      showPanel();
      side.showInvitations();
    };
    const openFolder = (id: string, path: string | null): void => void tabs.open(id, path);
    const snapshots = snapshotTabs(app, model, trans);
    const openSnapshots = (id: string): void => snapshots.open(id);
    const share = (id: string): void => void app.commands.execute(CommandIDs.whoHasAccess, { id });
    const people = peopleTabs(app, model, share, trans);
    const openPeople = (id: string): void => people.open(id);
    // Who has a machine stands on its page, who has a drive in a dialog.
    const open = {
      folder: (id: string) => openFolder(id, null),
      machine: (id: string) => void app.commands.execute(MachineCommandIDs.open, { id }),
      drive: (id: string) => void app.commands.execute(MachineCommandIDs.share, { id })
    };
    const atAGlance = {
      people: (id: string) => (kindOf(id) === 'folder' ? openPeople : open[kindOf(id)])(id),
      open: (id: string) => open[kindOf(id)](id)
    };
    const shares = sharesTabs(app, model, atAGlance, trans);
    const openShares = (): void => shares.open('all');
    const shown = { openFolder, openSnapshots, openPeople, openShares, showPanel, showInvitations };
    addCommands({ app, model, deeds, mountDeeds, trans, palette, ...shown });
    const openFiles = (id: string): void => openFolder(id, null);
    const machines = machineTabs(app, model, machineActs, openFiles, trans);
    const openMachine = (id: string): void => machines.open(id);
    const opens = { openMachine, openFiles };
    addMachineCommands({ app, model, acts: machineActs, ...opens, trans, palette });
    addEntryCommands({ app, model, tabs, files, mountDeeds, trans });
    restorer?.add(side, side.id);
    if (restorer) {
      tabs.restore(restorer);
      people.restore(restorer, CommandIDs.people, id => ({ id }));
      shares.restore(restorer, CommandIDs.shares, () => ({}));
      machines.restore(restorer, MachineCommandIDs.open, id => ({ id }));
      snapshots.restore(restorer, CommandIDs.snapshots, id => ({ id }));
    }
  }
};
