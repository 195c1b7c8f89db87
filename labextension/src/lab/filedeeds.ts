import type { JupyterFrontEnd } from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon } from '@jupyterlab/ui-components';

import { sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type { EntryView } from '../api/types';
import type { DirectoryModel, Left } from '../model/directory';
import type { VMShareModel } from '../model/vmshare';
import type { EntryDeeds } from '../views/entries';
import { askName, attempt, confirm } from './dialogs';
import { askDestination } from './movedialog';
import type { Previews } from './previews';
import { showProperties } from './propertiesdialog';
import type { Settings } from './settings';

const SHOWN = 20;

/** What a person does with the files of a folder, with the questions that it takes. */
export class FileDeeds {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly settings: Settings,
    private readonly previews: Previews,
    private readonly trans: TranslationBundle
  ) {}

  /** The same for the rows of one directory. */
  of(directory: DirectoryModel): EntryDeeds {
    return {
      open: entry => this.open(directory, entry),
      download: entry => this.download(directory, entry),
      rename: entry => void this.rename(directory, entry),
      remove: entry => void this.remove(directory, entry),
      downloadMany: paths => this.model.files.downloadArchive(directory.folderId, paths),
      moveMany: paths => void this.moveMany(directory, paths),
      removeMany: paths => void this.removeMany(directory, paths),
      moveTo: (paths, to) => void this.moveTo(directory, paths, to),
      properties: entries => void showProperties(this.model, directory, entries, this.trans),
      iconOf: name => this.app.docRegistry.getFileTypesForPath(name)[0]?.icon ?? fileIcon
    };
  }

  async createDirectory(directory: DirectoryModel): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('New folder in here'),
      label: trans.__('Name'),
      initial: trans.__('Untitled Folder'),
      ok: trans.__('Create')
    };
    await askName(asked, name => directory.createDirectory(name, newKey()));
  }

  private open(directory: DirectoryModel, entry: EntryView): void {
    if (entry.kind === 'directory') {
      void directory.enter(entry.path);
    } else if (entry.kind === 'file' && directory.may('download')) {
      this.look(directory, entry);
    }
  }

  private look(directory: DirectoryModel, entry: EntryView): void {
    if (!this.previews.open(directory, entry)) {
      this.download(directory, entry);
    }
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
    const to = await askDestination(directory, paths, this.trans);
    if (to !== null) {
      // In a tree, some of what is selected may be there already.
      const elsewhere = paths.filter(path => path !== (to ? `${to}/` : '') + nameIn(path));
      await this.moveTo(directory, elsewhere, to);
    }
  }

  private async moveTo(
    directory: DirectoryModel,
    paths: readonly string[],
    to: string
  ): Promise<void> {
    await this.tellLeft(this.trans.__('Not everything was moved'), () =>
      directory.moveMany(paths, to)
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

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
