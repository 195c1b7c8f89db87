import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import {
  copyIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  folderIcon,
  infoIcon
} from '@jupyterlab/ui-components';

import { onMachine } from '../api/machinefiles';
import type { EntryView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import type { EntryDeeds } from '../views/entries';
import type { FileDeeds } from './filedeeds';
import type { FolderTabs } from './foldertabs';
import type { FolderTab } from './folderwidget';
import type { MountDeeds } from './mountdeeds';

export const EntryCommandIDs = {
  open: 'vmshare:entry-open',
  download: 'vmshare:entry-download',
  rename: 'vmshare:entry-rename',
  move: 'vmshare:entry-move',
  remove: 'vmshare:entry-delete',
  insertPath: 'vmshare:entry-insert-path',
  copyPath: 'vmshare:entry-copy-path',
  properties: 'vmshare:entry-properties'
} as const;

/** What the commands about files work with. */
interface Parts {
  app: JupyterFrontEnd;
  model: VMShareModel;
  tabs: FolderTabs;
  files: FileDeeds;
  mountDeeds: MountDeeds;
  trans: TranslationBundle;
}

/** What is selected in a folder's tab. */
interface Target {
  tab: FolderTab;
  entries: readonly EntryView[];
  deeds: EntryDeeds;
}

/** Something that can be done with what is selected. */
interface EntryCommand {
  id: string;
  label: string;
  icon?: LabIcon;
  /** The action without which it is absent. */
  action?: string;
  fits?: (target: Target) => boolean;
  does: (target: Target) => void;
}

/** Adds what can be done with the files of the folder's tab that is in front. */
export function addEntryCommands(parts: Parts): void {
  const { app, tabs, files } = parts;
  const target = (): Target | null => {
    const tab = tabs.tracker.currentWidget;
    const entries = (tab?.directory.selection.paths ?? []).flatMap(
      path => tab?.listing.find(path) ?? []
    );
    return tab && entries.length > 0 ? { tab, entries, deeds: files.of(tab.directory) } : null;
  };
  entryCommands(parts).forEach(({ id, label, icon, action, fits, does }) => {
    const fitting = (): Target | null => {
      const found = target();
      const isAllowed = !action || found?.tab.directory.may(action);
      return found && isAllowed && (fits?.(found) ?? true) ? found : null;
    };
    app.commands.addCommand(id, {
      label,
      ...(icon ? { icon } : {}),
      // Absent, not greyed out.
      isVisible: () => fitting() !== null,
      isEnabled: () => fitting() !== null,
      execute: () => {
        const found = fitting();
        if (found) {
          does(found);
        }
      }
    });
  });
}

function entryCommands(parts: Parts): EntryCommand[] {
  return [...reading(parts), ...changing(parts), ...telling(parts)];
}

function reading({ trans }: Parts): EntryCommand[] {
  return [
    {
      id: EntryCommandIDs.open,
      label: trans.__('Open'),
      icon: folderIcon,
      fits: isOne,
      does: ({ deeds, entries: [entry] }) => entry && deeds.open(entry)
    },
    {
      id: EntryCommandIDs.download,
      label: trans.__('Download'),
      icon: downloadIcon,
      action: 'download',
      fits: ({ tab, entries }) =>
        tab.directory.hasArchives || (entries.length === 1 && entries[0]?.kind === 'file'),
      does: ({ deeds, entries }) => {
        const [entry] = entries;
        if (entries.length === 1 && entry) {
          deeds.download(entry);
        } else {
          deeds.downloadMany(pathsOf(entries));
        }
      }
    }
  ];
}

function changing({ trans }: Parts): EntryCommand[] {
  return [
    {
      id: EntryCommandIDs.rename,
      label: trans.__('Rename…'),
      icon: editIcon,
      action: 'rename_file',
      fits: isOne,
      does: ({ deeds, entries: [entry] }) => entry && deeds.rename(entry)
    },
    {
      id: EntryCommandIDs.move,
      label: trans.__('Move…'),
      action: 'rename_file',
      does: ({ deeds, entries }) => deeds.moveMany(pathsOf(entries))
    },
    {
      id: EntryCommandIDs.remove,
      label: trans.__('Delete'),
      icon: deleteIcon,
      action: 'delete_file',
      does: ({ deeds, entries }) => {
        const [entry] = entries;
        if (entries.length === 1 && entry) {
          deeds.remove(entry);
        } else {
          deeds.removeMany(pathsOf(entries));
        }
      }
    }
  ];
}

function telling({ model, mountDeeds, trans }: Parts): EntryCommand[] {
  return [
    {
      id: EntryCommandIDs.insertPath,
      label: trans.__('Insert Path'),
      fits: target =>
        isOne(target) && model.mounts.absolutePath(target.tab.directory.folderId) !== null,
      does: ({ tab, entries: [entry] }) =>
        entry && mountDeeds.insertPathOf(tab.directory.folderId, entry)
    },
    {
      id: EntryCommandIDs.copyPath,
      label: trans.__('Copy Path'),
      icon: copyIcon,
      fits: isOne,
      does: ({ tab, entries: [entry] }) => {
        const path = entry?.path ?? '';
        const isOnMachine = tab.directory.kind === 'machine';
        Clipboard.copyToSystem(isOnMachine ? onMachine(path) : path);
        Notification.info(trans.__('The path is in the clipboard.'), { autoClose: 3000 });
      }
    },
    {
      id: EntryCommandIDs.properties,
      label: trans.__('Properties…'),
      icon: infoIcon,
      fits: ({ tab }) => tab.directory.kind === 'folder',
      does: ({ deeds, entries }) => deeds.properties(entries)
    }
  ];
}

function isOne({ entries }: Target): boolean {
  return entries.length === 1;
}

function pathsOf(entries: readonly EntryView[]): string[] {
  return entries.map(entry => entry.path);
}
