import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { newKey } from '../api/transport';
import { DirectoryModel } from '../model/directory';
import { chosen } from '../model/dropped';
import { ListingModel } from '../model/listing';
import { UploadsModel } from '../model/uploads';
import type { VMShareModel } from '../model/vmshare';
import type { EntryDeeds } from '../views/entries';
import type { BarDeeds } from '../views/folder';
import { at, Folder } from '../views/folder';
import { machineIcon } from '../views/icons';
import { OnMachine } from '../views/machinefiles';
import { levelName } from '../views/words';
import { sharedFolderIcon } from './icons';
import { View } from './reactive';
import { Here } from './viewtab';

/** What a folder's tab asks the shell to do. */
export interface FolderTabDeeds {
  entries: (directory: DirectoryModel) => EntryDeeds;
  createDirectory: (directory: DirectoryModel) => void;
  share: (folderId: string) => void;
}

/** One shared folder in a tab of the main area. */
export class FolderTab extends MainAreaWidget<View> {
  constructor(
    private readonly model: VMShareModel,
    folderId: string,
    path: string,
    deeds: FolderTabDeeds,
    private readonly trans: TranslationBundle
  ) {
    const api = model.directoriesOf(folderId);
    const directory = new DirectoryModel(api, folderId, () => model.me, path);
    const listing = new ListingModel(api, directory);
    const uploads = new UploadsModel(model.files, folderId, path =>
      api.createDirectory(folderId, path, newKey())
    );
    const entries = deeds.entries(directory);
    const bar: BarDeeds = {
      choose: chooseFiles,
      upload: () => chooseFiles(files => uploads.start(files, at(directory))),
      uploadDirectory: () =>
        chooseFiles(files => uploads.startAll(chosen(files), at(directory)), true),
      createDirectory: () => deeds.createDirectory(directory),
      refresh: () => void directory.reload(),
      share: () => deeds.share(folderId)
    };
    const why = async (action: string): Promise<string> =>
      (await model.api.why(action, folderId)).because;
    super({
      content: new View(trans, () => (
        <Here model={model}>
          <Folder {...{ listing, uploads, bar, why }} deeds={entries}>
            {directory.kind === 'machine' && <OnMachine model={model} directory={directory} />}
          </Folder>
        </Here>
      ))
    });
    this.directory = directory;
    this.listing = listing;
    this.uploads = uploads;
    this.id = `vmshare-folder-${folderId}`;
    this.content.id = `${this.id}-content`;
    this.addClass('jp-VMShare');
    // The view brings its own: its buttons come and go with what the person may do.
    this.toolbar.hide();
    this.title.icon = directory.kind === 'machine' ? machineIcon : sharedFolderIcon;
    this.title.closable = true;
    directory.changed.connect(this.onChanged);
    uploads.arrived.connect(this.onArrived);
    model.happened.connect(this.onEvent);
    model.changed.connect(this.onStanding);
    if (directory.kind === 'machine') {
      model.machines.changed.connect(this.onMachines);
      this._isHome = path !== '';
    }
    this.onChanged();
    this.onStanding();
  }

  readonly directory: DirectoryModel;
  readonly listing: ListingModel;
  readonly uploads: UploadsModel;

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.happened.disconnect(this.onEvent);
      this.model.changed.disconnect(this.onStanding);
      this.model.machines.changed.disconnect(this.onMachines);
      this.listing.dispose();
      this.directory.dispose();
      this.uploads.dispose();
      super.dispose();
    }
  }

  private readonly onEvent: Parameters<VMShareModel['happened']['connect']>[0] = (_, event) =>
    this.directory.receive(event);

  private readonly onArrived = (): void => void this.directory.reload();

  /** After a restart of JupyterLab, the tab is there before the service's word is. */
  private readonly onStanding = (): void => {
    if (this.model.standing.kind === 'ready' && !this._isOpen) {
      this._isOpen = true;
      void this.begin();
    }
  };

  /** A machine that comes up, or on which one may do something else now, is looked at again. */
  private readonly onMachines = (): void => {
    const machine = this.model.machines.machines.find(this.directory.folderId);
    const actions = machine?.actions.join(' ');
    if (this._isOpen && machine && actions !== this._actions) {
      this._actions = actions;
      void this.begin();
    }
  };

  private async begin(): Promise<void> {
    const { directory, model } = this;
    if (directory.kind === 'machine' && !this._isHome) {
      // One begins at home; of one that is off, that is not known.
      const home = await model.machineFiles.home(directory.folderId).catch(() => null);
      this._isHome = home !== null;
      directory.beginAt(home ?? '');
    }
    await directory.open();
    if (directory.kind === 'folder' && directory.may('upload')) {
      void this.uploads.look();
    }
  }

  private readonly onChanged = (): void => {
    const { folder } = this.directory;
    this._label = folder?.label ?? this._label;
    this.title.label = this._label || this.trans.__('Shared folder');
    if (folder && this.directory.kind === 'machine') {
      this.title.label = this.trans.__('Files on %1', folder.label);
    }
    this.title.caption = folder
      ? this.trans.__(
          '%1 of %2 (%3)',
          folder.label,
          folder.owner,
          levelName(this.trans, folder.level)
        )
      : this.title.label;
  };

  private _actions: string | undefined;
  /** Of a machine: whether one is where one begins, or has chosen to be elsewhere. */
  private _isHome = false;
  private _isOpen = false;
  private _label = '';
}

function chooseFiles(take: (files: Iterable<File>) => void, isDirectory = false): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.webkitdirectory = isDirectory;
  input.onchange = () => take(input.files ?? []);
  input.click();
}
