import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { addIcon, refreshIcon, usersIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { FolderView, InvitationView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import type { Deeds } from './deeds';
import { choose } from './dialogs';
import { shareIcon, sharedFolderIcon } from './icons';
import { keepingCommands } from './keepingcommands';
import { mountCommands } from './mountcommands';
import type { MountDeeds } from './mountdeeds';
import { hubOrigin } from './origin';

export const CommandIDs = {
  openPanel: 'vmshare:open-panel',
  refresh: 'vmshare:refresh',
  newFolder: 'vmshare:new-folder',
  openFolder: 'vmshare:open-folder',
  shares: 'vmshare:shares',
  projects: 'vmshare:projects',
  people: 'vmshare:people',
  share: 'vmshare:share',
  whoHasAccess: 'vmshare:who-has-access',
  rename: 'vmshare:rename',
  chooseAlias: 'vmshare:choose-alias',
  leave: 'vmshare:leave',
  handOver: 'vmshare:hand-over',
  trash: 'vmshare:trash',
  restore: 'vmshare:restore',
  deleteForEver: 'vmshare:delete-for-ever',
  copyId: 'vmshare:copy-id',
  accept: 'vmshare:accept',
  decline: 'vmshare:decline',
  openHere: 'vmshare:open-here',
  insertPath: 'vmshare:insert-path',
  snapshots: 'vmshare:snapshots',
  clone: 'vmshare:clone',
  letCopy: 'vmshare:let-copy',
  dontLetCopy: 'vmshare:dont-let-copy',
  fast: 'vmshare:fast',
  onMachines: 'vmshare:on-machines',
  mount: 'vmshare:mount',
  unmount: 'vmshare:unmount'
} as const;

/** What the commands work with. */
export interface Shell {
  app: JupyterFrontEnd;
  model: VMShareModel;
  deeds: Deeds;
  mountDeeds: MountDeeds;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  /** Opens a folder's tab, at a path or where it was. */
  openFolder: (id: string, path: string | null) => void;
  openSnapshots: (id: string) => void;
  /** Shows who has a folder from whom. */
  openPeople: (id: string) => void;
  /** Shows everything that is shared. */
  openShares: () => void;
  showPanel: () => void;
  showInvitations: () => void;
}

type Args = ReadonlyPartialJSONObject;

/** Something that can be done with a folder. */
export interface FolderCommand {
  id: string;
  label: string;
  /** The action without which the command is of no use. */
  action: string;
  icon?: LabIcon;
  fromTrash?: boolean;
  /** Whether it makes sense with a folder as it is now; left out: always. */
  fits?: (folder: FolderView) => boolean;
  does: (folder: FolderView, args: Args) => unknown;
}

/** Adds everything that can be done by command, and the palette's entries. */
export function addCommands(shell: Shell): void {
  addGeneralCommands(shell);
  const inSession = mountCommands(shell.model.mounts, shell.mountDeeds, shell.trans);
  const keeping = keepingCommands(shell.deeds, shell.openSnapshots, shell.trans);
  [openCommand(shell), ...inSession, ...keeping, ...folderCommands(shell)].forEach(command =>
    addFolderCommand(shell, command)
  );
  addAnswers(shell);
  addToPalette(shell);
}

function addGeneralCommands(shell: Shell): void {
  const { app, model, deeds, trans, showPanel, openShares } = shell;
  app.commands.addCommand(CommandIDs.openPanel, {
    label: trans.__('Folders and Machines'),
    caption: trans.__('Show the panel with folders, machines and invitations'),
    icon: sharedFolderIcon,
    execute: showPanel
  });
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Folders and Machines'),
    icon: refreshIcon,
    execute: () => model.refresh()
  });
  app.commands.addCommand(CommandIDs.shares, {
    label: trans.__('Sharing at a Glance'),
    caption: trans.__('Everything that you share, and everything that is shared with you'),
    icon: usersIcon,
    execute: openShares
  });
  // Administrators of projects act on the hub's own pages alone.
  const projects = (): string | null => model.pageUrl('projects', hubOrigin());
  app.commands.addCommand(CommandIDs.projects, {
    label: trans.__('Projects (on a Page of the Hub)'),
    caption: trans.__('Your projects and who is in them, in a new tab'),
    icon: usersIcon,
    isEnabled: () => projects() !== null,
    execute: () => {
      window.open(projects() ?? '', '_blank', 'noopener');
    }
  });
  app.commands.addCommand(CommandIDs.newFolder, {
    label: trans.__('New Shared Folder…'),
    icon: addIcon,
    isEnabled: () => model.standing.kind === 'ready',
    execute: async () => {
      const made = await deeds.create();
      return made?.id ?? null;
    }
  });
}

function openCommand({ openFolder, trans }: Shell): FolderCommand {
  return {
    id: CommandIDs.openFolder,
    label: trans.__('Open'),
    action: 'list_files',
    icon: sharedFolderIcon,
    does: (folder, args) => openFolder(folder.id, pathIn(args))
  };
}

function folderCommands({ deeds, openPeople, trans }: Shell): FolderCommand[] {
  return [
    {
      id: CommandIDs.people,
      label: trans.__('People at a Glance'),
      action: 'see_people',
      icon: usersIcon,
      does: folder => openPeople(folder.id)
    },
    {
      id: CommandIDs.share,
      label: trans.__('Share…'),
      action: 'invite',
      icon: shareIcon,
      does: folder => deeds.share(folder)
    },
    {
      id: CommandIDs.whoHasAccess,
      label: trans.__('Who Has Access…'),
      action: 'see_people',
      does: folder => deeds.share(folder)
    },
    {
      id: CommandIDs.rename,
      label: trans.__('Rename…'),
      action: 'rename_folder',
      does: folder => deeds.rename(folder)
    },
    {
      id: CommandIDs.chooseAlias,
      label: trans.__('Show Under Another Name…'),
      action: 'choose_alias',
      does: folder => deeds.chooseAlias(folder)
    },
    {
      id: CommandIDs.leave,
      label: trans.__('Leave…'),
      action: 'leave',
      does: folder => deeds.leave(folder)
    },
    {
      id: CommandIDs.trash,
      label: trans.__('Move to Trash'),
      action: 'trash_folder',
      does: folder => deeds.trash(folder)
    },
    {
      id: CommandIDs.handOver,
      label: trans.__('Hand Over…'),
      action: 'hand_over',
      does: folder => deeds.handOver(folder)
    },
    {
      id: CommandIDs.copyId,
      label: trans.__('Copy Id'),
      action: 'see_in_list',
      does: folder => deeds.copyId(folder)
    },
    {
      id: CommandIDs.restore,
      label: trans.__('Restore'),
      action: 'restore_folder',
      fromTrash: true,
      does: folder => deeds.restore(folder)
    },
    {
      id: CommandIDs.deleteForEver,
      label: trans.__('Delete for Ever…'),
      action: 'delete_folder_for_ever',
      fromTrash: true,
      does: folder => deeds.deleteForEver(folder)
    }
  ];
}

/**
 * Adds a command about one folder. Which one: `args.id`; the row under the context menu
 * (`args.context`); otherwise the person chooses among those with which it can be done.
 */
function addFolderCommand(shell: Shell, command: FolderCommand): void {
  const { app, model } = shell;
  const candidates = (): FolderView[] =>
    (command.fromTrash ? model.trash : model.folders).items.filter(
      folder => folder.actions.includes(command.action) && (command.fits?.(folder) ?? true)
    );
  app.commands.addCommand(command.id, {
    // In the palette, a verb alone would not say of what.
    label: args => (args.palette ? shell.trans.__('Folder: %1', command.label) : command.label),
    ...(command.icon ? { icon: command.icon } : {}),
    isEnabled: args => !args.palette || candidates().length > 0,
    execute: async args => {
      if (typeof args.id === 'string' && restore(shell, command.id, args.id, args)) {
        return;
      }
      const folder = await targetOf(shell, command, args, candidates());
      await (folder && command.does(folder, args));
    }
  });
}

/** A tab that is restored knows its folder before the list does. */
function restore(shell: Shell, command: string, id: string, args: Args): boolean {
  switch (command) {
    case CommandIDs.openFolder:
      shell.openFolder(id, pathIn(args));
      return true;
    case CommandIDs.people:
      shell.openPeople(id);
      return true;
    case CommandIDs.snapshots:
      shell.openSnapshots(id);
      return true;
    default:
      return false;
  }
}

function pathIn(args: Args): string | null {
  return typeof args.path === 'string' ? args.path : null;
}

async function targetOf(
  { app, model, trans }: Shell,
  command: FolderCommand,
  args: Args,
  candidates: readonly FolderView[]
): Promise<FolderView | null> {
  const clicked = args.context
    ? app.contextMenuHitTest(node => node.dataset.folder !== undefined)?.dataset.folder
    : undefined;
  const id = typeof args.id === 'string' ? args.id : clicked;
  if (id !== undefined) {
    return model.folders.find(id) ?? model.trash.find(id) ?? null;
  }
  return choose(command.label, trans.__('Folder'), candidates, folder => folder.label);
}

function addAnswers({ app, model, deeds, trans, showInvitations }: Shell): void {
  const add = (
    id: string,
    label: string,
    does: (invitation: InvitationView) => Promise<void>
  ): void => {
    app.commands.addCommand(id, {
      label,
      isEnabled: () => model.invitations.items.length > 0,
      execute: async args => {
        const { items } = model.invitations;
        const invitation =
          typeof args.id === 'string'
            ? (model.invitations.find(args.id) ?? null)
            : await choose(label, trans.__('Invitation'), items, nameOf);
        await (invitation && does(invitation));
      }
    });
  };
  const nameOf = (invitation: InvitationView): string =>
    trans.__('%1, from %2', invitation.thing_name, invitation.giver);
  add(CommandIDs.accept, trans.__('Accept an Invitation…'), async invitation => {
    // A name clash is settled where the person sees both names.
    if (invitation.suggested_alias) {
      showInvitations();
    } else {
      await deeds.accept(invitation);
    }
  });
  add(CommandIDs.decline, trans.__('Decline an Invitation…'), invitation =>
    model.decline(invitation.id)
  );
}

function addToPalette({ palette, trans }: Shell): void {
  const category = trans.__('VMShare');
  const inMenusOnly: string[] = [CommandIDs.restore, CommandIDs.deleteForEver, CommandIDs.copyId];
  Object.values(CommandIDs)
    .filter(command => !inMenusOnly.includes(command))
    .forEach(command => palette?.addItem({ command, category, args: { palette: true } }));
}
