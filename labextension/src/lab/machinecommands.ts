import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { addIcon, fileIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { DriveView, MachineView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { machineIcon } from '../views/icons';
import { choose } from './dialogs';
import { shareIcon } from './icons';
import type { MachineActs, Thing } from './machineacts';

export const MachineCommandIDs = {
  create: 'vmshare:new-machine',
  createDrive: 'vmshare:new-drive',
  open: 'vmshare:open-machine',
  files: 'vmshare:machine-files',
  start: 'vmshare:start-machine',
  stop: 'vmshare:stop-machine',
  reboot: 'vmshare:reboot-machine',
  share: 'vmshare:share-machine',
  coOwn: 'vmshare:co-own',
  rename: 'vmshare:rename-machine',
  resize: 'vmshare:resize-machine',
  rebuild: 'vmshare:rebuild-machine',
  snapshot: 'vmshare:snapshot-machine',
  console: 'vmshare:console-log',
  attach: 'vmshare:attach-drive',
  attachToRead: 'vmshare:attach-drive-to-read',
  extend: 'vmshare:extend-drive',
  cloneDrive: 'vmshare:clone-drive',
  leave: 'vmshare:leave-machine',
  handOver: 'vmshare:hand-over-machine',
  remove: 'vmshare:delete-machine'
} as const;

/** What the commands work with. */
export interface MachineShell {
  app: JupyterFrontEnd;
  model: VMShareModel;
  acts: MachineActs;
  /** Shows a machine in its tab. */
  openMachine: (id: string) => void;
  /** Shows its files in a tab. */
  openFiles: (id: string) => void;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
}

/** Something that can be done with a machine or a drive. */
export interface ThingCommand {
  id: string;
  label: string;
  /** It is offered where one of these may be done. */
  actions: readonly string[];
  /** Of which of the two; left out: of both. */
  only?: 'machine' | 'drive';
  icon?: LabIcon;
  does: (thing: Thing) => unknown;
}

/** Adds what can be done with machines and drives by command, and the palette's entries. */
export function addMachineCommands(shell: MachineShell): void {
  const { app, model, acts, trans, palette } = shell;
  const isOffered = (): boolean => model.machines.cloud?.offered ?? false;
  app.commands.addCommand(MachineCommandIDs.create, {
    label: trans.__('New Machine…'),
    icon: addIcon,
    isEnabled: isOffered,
    execute: () => acts.create()
  });
  app.commands.addCommand(MachineCommandIDs.createDrive, {
    label: trans.__('New Drive…'),
    icon: addIcon,
    isEnabled: isOffered,
    execute: () => acts.createDrive()
  });
  const open: ThingCommand = {
    id: MachineCommandIDs.open,
    label: trans.__('Open'),
    actions: ['see_people'],
    only: 'machine',
    icon: machineIcon,
    does: ({ id }) => shell.openMachine(id)
  };
  const files: ThingCommand = {
    id: MachineCommandIDs.files,
    label: trans.__('Files'),
    actions: ['read_files'],
    only: 'machine',
    icon: fileIcon,
    does: ({ id }) => shell.openFiles(id)
  };
  [
    open,
    files,
    ...machineCommands(acts, trans),
    ...driveCommands(acts, trans),
    ...ofBoth(acts, trans)
  ].forEach(command => addThingCommand(shell, command));
  const category = trans.__('VMShare');
  Object.values(MachineCommandIDs).forEach(command =>
    palette?.addItem({ command, category, args: { palette: true } })
  );
}

function machineCommands(acts: MachineActs, trans: TranslationBundle): ThingCommand[] {
  const only = 'machine' as const;
  return [
    {
      id: MachineCommandIDs.start,
      label: trans.__('Start'),
      actions: ['start'],
      only,
      does: machine => acts.ask(machine, 'start')
    },
    {
      id: MachineCommandIDs.stop,
      label: trans.__('Stop'),
      actions: ['stop'],
      only,
      does: machine => acts.ask(machine, 'stop')
    },
    {
      id: MachineCommandIDs.reboot,
      label: trans.__('Reboot…'),
      actions: ['reboot'],
      only,
      does: machine => acts.reboot(machine)
    },
    {
      id: MachineCommandIDs.resize,
      label: trans.__('Resize…'),
      actions: ['resize'],
      only,
      does: machine => acts.resize(machine as MachineView)
    },
    {
      id: MachineCommandIDs.rebuild,
      label: trans.__('Rebuild…'),
      actions: ['rebuild'],
      only,
      does: machine => acts.rebuild(machine as MachineView)
    },
    {
      id: MachineCommandIDs.snapshot,
      label: trans.__('Take a Snapshot…'),
      actions: ['snapshot'],
      only,
      does: machine => acts.snapshot(machine)
    },
    {
      id: MachineCommandIDs.console,
      label: trans.__('Console Log'),
      actions: ['read_console_log'],
      only,
      does: machine => acts.console(machine)
    }
  ];
}

function driveCommands(acts: MachineActs, trans: TranslationBundle): ThingCommand[] {
  const only = 'drive' as const;
  return [
    {
      id: MachineCommandIDs.attach,
      label: trans.__('Attach to a Machine…'),
      actions: ['attach_read_write'],
      only,
      does: drive => acts.attach(drive as DriveView, false)
    },
    {
      id: MachineCommandIDs.attachToRead,
      label: trans.__('Attach to Read…'),
      actions: ['attach_read_only'],
      only,
      does: drive => acts.attach(drive as DriveView, true)
    },
    {
      id: MachineCommandIDs.extend,
      label: trans.__('Make Larger…'),
      actions: ['extend'],
      only,
      does: drive => acts.extend(drive as DriveView)
    },
    {
      id: MachineCommandIDs.cloneDrive,
      label: trans.__('Copy to a Drive of Mine…'),
      actions: ['clone'],
      only,
      does: drive => acts.cloneDrive(drive as DriveView)
    }
  ];
}

function ofBoth(acts: MachineActs, trans: TranslationBundle): ThingCommand[] {
  return [
    {
      id: MachineCommandIDs.share,
      label: trans.__('People and Sharing…'),
      actions: ['see_people'],
      icon: shareIcon,
      does: thing => acts.share(thing)
    },
    {
      id: MachineCommandIDs.coOwn,
      label: trans.__('Add a Co-owner…'),
      // Of a drive, who may invite may give that, too.
      actions: ['invite_co_owner', 'invite'],
      does: thing => acts.coOwn(thing)
    },
    {
      id: MachineCommandIDs.rename,
      label: trans.__('Rename…'),
      actions: ['rename'],
      does: thing => acts.rename(thing)
    },
    {
      id: MachineCommandIDs.leave,
      label: trans.__('Leave…'),
      actions: ['leave'],
      does: thing => acts.leave(thing)
    },
    {
      id: MachineCommandIDs.handOver,
      label: trans.__('Hand Over…'),
      actions: ['hand_over'],
      does: thing => acts.handOver(thing)
    },
    {
      id: MachineCommandIDs.remove,
      label: trans.__('Delete…'),
      actions: ['delete'],
      does: thing => acts.remove(thing)
    }
  ];
}

/** Which one: `args.id`; the row under the context menu; otherwise the person chooses. */
function addThingCommand(shell: MachineShell, command: ThingCommand): void {
  const { app, model, trans, openMachine } = shell;
  const candidates = (): Thing[] => {
    const { machines, drives } = model.machines;
    const all: Thing[] = [
      ...(command.only === 'drive' ? [] : machines.items),
      ...(command.only === 'machine' ? [] : drives.items)
    ];
    return all.filter(({ actions }) => command.actions.some(action => actions.includes(action)));
  };
  const target = async (args: ReadonlyPartialJSONObject): Promise<Thing | null> => {
    const data = args.context ? rowUnderMenu(app) : undefined;
    const id = typeof args.id === 'string' ? args.id : (data?.machine ?? data?.drive);
    return id === undefined
      ? choose(command.label, trans.__('Which one'), candidates(), ({ name }) => name)
      : (model.machines.machines.find(id) ?? model.machines.drives.find(id) ?? null);
  };
  app.commands.addCommand(command.id, {
    label: args => (args.palette ? paletteLabel(trans, command) : command.label),
    ...(command.icon ? { icon: command.icon } : {}),
    isEnabled: args => !args.palette || candidates().length > 0,
    execute: async args => {
      if (command.id === MachineCommandIDs.open && typeof args.id === 'string') {
        // A tab that is restored knows its machine before the list does.
        openMachine(args.id);
        return;
      }
      const thing = await target(args);
      await (thing && command.does(thing));
    }
  });
}

function rowUnderMenu(app: JupyterFrontEnd): DOMStringMap | undefined {
  const isRow = ({ dataset }: HTMLElement): boolean =>
    dataset.machine !== undefined || dataset.drive !== undefined;
  return app.contextMenuHitTest(isRow)?.dataset;
}

/** In the palette, a verb alone would not say of what. */
function paletteLabel(trans: TranslationBundle, { only, label }: ThingCommand): string {
  switch (only) {
    case 'machine':
      return trans.__('Machine: %1', label);
    case 'drive':
      return trans.__('Drive: %1', label);
    default:
      return trans.__('Machine or Drive: %1', label);
  }
}
