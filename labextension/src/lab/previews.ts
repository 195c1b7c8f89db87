import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon } from '@jupyterlab/ui-components';

import type { EntryView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import type { VMShareModel } from '../model/vmshare';
import { previewKind, previewWidget } from './preview';

/** The files of shared folders that are looked at, each in a tab of its own. */
export class Previews {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly rendermime: IRenderMimeRegistry | null,
    private readonly trans: TranslationBundle
  ) {}

  /** Shows a file; false where it can't be looked at here. */
  open(directory: DirectoryModel, entry: EntryView): boolean {
    const { docRegistry, shell } = this.app;
    const kind = previewKind(docRegistry, entry.name, this.rendermime !== null);
    if (kind === null) {
      return false;
    }
    const id = `vmshare-preview-${directory.folderId}-${entry.path}`;
    if (![...shell.widgets('main')].some(widget => widget.id === id)) {
      const { folderId } = directory;
      const shown = { files: this.model.files, folderId, entry, kind };
      const content = previewWidget({ ...shown, rendermime: this.rendermime, trans: this.trans });
      const widget = new MainAreaWidget({ content });
      widget.id = id;
      widget.toolbar.hide();
      widget.title.label = entry.name;
      const folder = directory.folder?.label ?? '';
      widget.title.caption = this.trans.__('%1 in %2, read-only', entry.path, folder);
      widget.title.icon = docRegistry.getFileTypesForPath(entry.name)[0]?.icon ?? fileIcon;
      widget.title.closable = true;
      shell.add(widget, 'main');
    }
    shell.activateById(id);
    return true;
  }
}
