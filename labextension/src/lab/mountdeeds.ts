import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { EntryView, FolderView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { attempt } from './dialogs';
import { showOnMachines } from './onmachinesdialog';

/** What a person does with a folder in their session. */
export class MountDeeds {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly browser: IDefaultFileBrowser | null,
    private readonly trans: TranslationBundle
  ) {}

  async mount(folder: FolderView): Promise<void> {
    const title = this.trans.__('Mounting "%1" did not work', folder.label);
    await attempt(title, () => this.model.mounts.mount(folder.id));
  }

  async unmount(folder: FolderView): Promise<void> {
    const title = this.trans.__('Unmounting "%1" did not work', folder.label);
    await attempt(title, () => this.model.mounts.unmount(folder.id));
  }

  /** On which machines it is mounted, too; resolves when the person closes that. */
  onMachines(folder: FolderView): Promise<void> {
    return showOnMachines(this.model, folder, this.trans);
  }

  /** Shows the folder in the file browser. */
  async openHere(folder: FolderView): Promise<void> {
    const path = this.model.mounts.path(folder.id);
    if (path === null || this.browser === null) {
      return;
    }
    const { browser } = this;
    await attempt(this.trans.__('Opening "%1" did not work', folder.label), async () => {
      await browser.model.cd(`/${path}`);
      this.app.shell.activateById(browser.id);
    });
  }

  /** Writes the folder's path where the person writes code; otherwise into the clipboard. */
  insertPath(folder: FolderView): void {
    const path = this.model.mounts.absolutePath(folder.id);
    if (path !== null) {
      this.insert(path, folder.label);
    }
  }

  /** The same for what lies in a folder. */
  insertPathOf(folderId: string, entry: EntryView): void {
    const path = this.model.mounts.absolutePath(folderId);
    if (path !== null) {
      this.insert(`${path}/${entry.path}`, entry.name);
    }
  }

  private insert(path: string, label: string): void {
    const editor = editorIn(this.app.shell.currentWidget);
    // Quoted as in JSON, which Python, R and Julia read, too.
    const text = JSON.stringify(path);
    if (editor) {
      editor.replaceSelection(text);
      this.app.shell.activateById(this.app.shell.currentWidget?.id ?? '');
      editor.focus();
      return;
    }
    Clipboard.copyToSystem(text);
    const message = this.trans.__('The path of "%1" is in the clipboard.', label);
    Notification.info(message, { autoClose: 3000 });
  }
}

/** What all of JupyterLab's editors can do. */
interface Editor {
  replaceSelection: (text: string) => void;
  focus: () => void;
}

/** Where notebooks, file editors and consoles keep their editor. */
interface HoldsEditor {
  editor?: Partial<Editor> | null;
  activeCell?: { editor?: Partial<Editor> | null } | null;
  promptCell?: { editor?: Partial<Editor> | null } | null;
}

/** The editor in which the person last wrote, in the part of the main area that is in front. */
export function editorIn(widget: Widget | null): Editor | null {
  const parts = widget as { content?: HoldsEditor; console?: HoldsEditor } | null;
  const holders = [parts?.content, parts?.console].filter(part => part !== undefined);
  for (const { activeCell, promptCell, editor } of holders) {
    const found = activeCell?.editor ?? promptCell?.editor ?? editor;
    if (found?.replaceSelection && found.focus) {
      return found as Editor;
    }
  }
  return null;
}
