import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, showErrorMessage, WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon } from '@jupyterlab/ui-components';

import { sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type { EntryView } from '../api/types';
import type { DirectoryModel, Left } from '../model/directory';
import type { VMShareModel } from '../model/vmshare';
import type { EntryDeeds } from '../views/entries';
import { CommandIDs } from './commands';
import { askName, attempt, confirm } from './dialogs';
import type { FolderTabDeeds } from './folderwidget';
import { FolderTab } from './folderwidget';
import { previewKind, previewWidget } from './preview';
import type { Settings } from './settings';

const SHOWN = 20;

/** The open folder tabs: one a folder. */
export class FolderTabs {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly settings: Settings,
    private readonly trans: TranslationBundle
  ) {}

  readonly tracker = new WidgetTracker<FolderTab>({ namespace: 'vmshare-folders' });

  /** Shows a folder, in its tab if it has one. */
  open(folderId: string, path: string | null): FolderTab {
    const present = this.tracker.find(tab => tab.directory.folderId === folderId);
    const tab = present ?? new FolderTab(this.model, folderId, path ?? '', this.deeds, this.trans);
    if (!present) {
      void this.tracker.add(tab);
      this.app.shell.add(tab, 'main');
      tab.directory.changed.connect(() => void this.tracker.save(tab));
    } else if (path !== null && path !== tab.directory.path) {
      void tab.directory.enter(path);
    }
    this.app.shell.activateById(tab.id);
    return tab;
  }

  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.tracker, {
      command: CommandIDs.openFolder,
      args: tab => ({ id: tab.directory.folderId, path: tab.directory.path }),
      name: tab => tab.directory.folderId
    });
  }

  private readonly deeds: FolderTabDeeds = {
    entries: directory => this.entryDeeds(directory),
    createDirectory: directory => void this.createDirectory(directory),
    share: id => void this.app.commands.execute(CommandIDs.whoHasAccess, { id })
  };

  private entryDeeds(directory: DirectoryModel): EntryDeeds {
    return {
      open: entry => this.openEntry(directory, entry),
      download: entry => this.download(directory, entry),
      rename: entry => void this.rename(directory, entry),
      remove: entry => void this.remove(directory, entry),
      downloadMany: paths => this.model.files.downloadArchive(directory.folderId, paths),
      moveMany: paths => void this.moveMany(directory, paths),
      removeMany: paths => void this.removeMany(directory, paths),
      iconOf: name => this.app.docRegistry.getFileTypesForPath(name)[0]?.icon ?? fileIcon
    };
  }

  private openEntry(directory: DirectoryModel, entry: EntryView): void {
    if (entry.kind === 'directory') {
      void directory.enter(entry.path);
    } else if (entry.kind === 'file' && previewKind(this.app.docRegistry, entry.name)) {
      this.preview(directory, entry);
    } else if (entry.kind === 'file') {
      this.download(directory, entry);
    }
  }

  private preview(directory: DirectoryModel, entry: EntryView): void {
    const id = `vmshare-preview-${directory.folderId}-${entry.path}`;
    const present = [...this.app.shell.widgets('main')].find(widget => widget.id === id);
    if (!present) {
      const content = previewWidget(
        this.model.files,
        this.app.docRegistry,
        directory.folderId,
        entry,
        this.trans
      );
      const widget = new MainAreaWidget({ content });
      widget.id = id;
      widget.toolbar.hide();
      widget.title.label = entry.name;
      widget.title.caption = this.trans.__(
        '%1 in %2, read-only',
        entry.path,
        directory.folder?.label ?? ''
      );
      widget.title.icon = this.app.docRegistry.getFileTypesForPath(entry.name)[0]?.icon ?? fileIcon;
      widget.title.closable = true;
      this.app.shell.add(widget, 'main');
    }
    this.app.shell.activateById(id);
  }

  private download(directory: DirectoryModel, entry: EntryView): void {
    if (entry.kind === 'directory') {
      this.model.files.downloadArchive(directory.folderId, [entry.path]);
      return;
    }
    const link = document.createElement('a');
    link.href = this.model.files.downloadUrl(directory.folderId, entry.path);
    link.download = entry.name;
    link.click();
  }

  private async createDirectory(directory: DirectoryModel): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('New folder in here'),
      label: trans.__('Name'),
      initial: trans.__('Untitled Folder'),
      ok: trans.__('Create')
    };
    await askName(asked, name => directory.createDirectory(name, newKey()));
  }

  private async rename(directory: DirectoryModel, entry: EntryView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Rename "%1"', entry.name),
      label: trans.__('New name'),
      initial: entry.name,
      ok: trans.__('Rename')
    };
    await askName(asked, async name => {
      await (name !== entry.name && directory.rename(entry, name));
    });
  }

  private async remove(directory: DirectoryModel, entry: EntryView): Promise<void> {
    const { trans } = this;
    const title = trans.__('Delete "%1"?', entry.name);
    const body =
      entry.kind === 'directory'
        ? trans.__(
            'This deletes it for everybody, with all that is in it, and there is no trash for files.'
          )
        : trans.__('This deletes it for everybody, and there is no trash for files.');
    const ok = trans.__('Delete');
    if (this.settings.confirmDelete && !(await confirm(title, body, ok, trans))) {
      return;
    }
    await attempt(trans.__('Deleting "%1" did not work', entry.name), () =>
      directory.remove(entry)
    );
  }

  private async removeMany(directory: DirectoryModel, paths: readonly string[]): Promise<void> {
    const { trans } = this;
    const title = trans._n('Delete %1 entry?', 'Delete %1 entries?', paths.length);
    const body = trans.__(
      'This deletes them for everybody, with all that is in them, and there is no trash for files.'
    );
    if (this.settings.confirmDelete && !(await confirm(title, body, trans.__('Delete'), trans))) {
      return;
    }
    await this.tellLeft(trans.__('Not everything was deleted'), () => directory.removeMany(paths));
  }

  private async moveMany(directory: DirectoryModel, paths: readonly string[]): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans._n('Move %1 entry', 'Move %1 entries', paths.length),
      label: trans.__('Directory in this folder; nothing for its top'),
      initial: directory.path,
      ok: trans.__('Move'),
      mayBeEmpty: true
    };
    await askName(asked, to =>
      this.tellLeft(trans.__('Not everything was moved'), () =>
        directory.moveMany(paths, to.replace(/\/+$/, ''))
      )
    );
  }

  /** What was refused, each with its reason. */
  private async tellLeft(title: string, deed: () => Promise<Left[]>): Promise<void> {
    const left = await deed().catch((error: unknown) => [{ path: '', because: sentenceOf(error) }]);
    if (left.length > 0) {
      const lines = left.slice(0, SHOWN).map(({ path, because }) => `${path}: ${because}`);
      const more = left.length > SHOWN ? [this.trans.__('…and %1 more', left.length - SHOWN)] : [];
      await showErrorMessage(title, [...lines, ...more].join('\n').replace(/^: /, ''));
    }
  }
}
