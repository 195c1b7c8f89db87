import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { VMShareModel } from '../model/vmshare';
import { CommandIDs } from './commands';
import type { FileDeeds } from './filedeeds';
import type { FolderTabDeeds } from './folderwidget';
import { FolderTab } from './folderwidget';

/** The open folder tabs: one a folder. */
export class FolderTabs {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly files: FileDeeds,
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
    entries: directory => this.files.of(directory),
    createDirectory: directory => void this.files.createDirectory(directory),
    share: id => void this.app.commands.execute(CommandIDs.whoHasAccess, { id })
  };
}
