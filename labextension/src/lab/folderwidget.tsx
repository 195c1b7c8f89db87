import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  fileUploadIcon,
  newFolderIcon,
  refreshIcon,
  Toolbar,
  ToolbarButton,
  usersIcon
} from '@jupyterlab/ui-components';

import { DirectoryModel } from '../model/directory';
import { UploadsModel } from '../model/uploads';
import type { VMShareModel } from '../model/vmshare';
import { useSignal } from '../views/context';
import type { EntryDeeds } from '../views/entries';
import { at, Folder } from '../views/folder';
import { NotHere } from '../views/standing';
import { levelName } from '../views/words';
import { hubHome } from './deeds';
import { shareIcon, sharedFolderIcon } from './icons';
import { View } from './reactive';

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
    private readonly deeds: FolderTabDeeds,
    private readonly trans: TranslationBundle
  ) {
    const directory = new DirectoryModel(model.api, folderId, () => model.me, path);
    const uploads = new UploadsModel(model.files, folderId);
    const entries = deeds.entries(directory);
    const why = async (action: string): Promise<string> =>
      (await model.api.why(action, folderId)).because;
    super({
      content: new View(trans, () => (
        <FolderTabView model={model}>
          <Folder model={directory} uploads={uploads} deeds={entries} why={why} />
        </FolderTabView>
      ))
    });
    this.directory = directory;
    this.uploads = uploads;
    this.id = `vmshare-folder-${folderId}`;
    this.content.id = `${this.id}-content`;
    this.addClass('jp-VMShare');
    this.title.icon = sharedFolderIcon;
    this.title.closable = true;
    directory.changed.connect(this.onChanged);
    uploads.arrived.connect(this.onArrived);
    model.happened.connect(this.onEvent);
    model.changed.connect(this.onStanding);
    this.onChanged();
    this.onStanding();
  }

  readonly directory: DirectoryModel;
  readonly uploads: UploadsModel;

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.happened.disconnect(this.onEvent);
      this.model.changed.disconnect(this.onStanding);
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
      void this.directory.open();
    }
  };

  private readonly onChanged = (): void => {
    const { folder } = this.directory;
    this._label = folder?.label ?? this._label;
    this.title.label = this._label || this.trans.__('Shared folder');
    this.title.caption = folder
      ? this.trans.__(
          '%1 of %2 (%3)',
          folder.label,
          folder.owner,
          levelName(this.trans, folder.level)
        )
      : this.title.label;
    this.syncToolbar();
  };

  /** A button is there only while its action is allowed. */
  private syncToolbar(): void {
    const { folder } = this.directory;
    const wanted = (folder?.actions ?? []).join(' ');
    if (wanted === this._toolbarFor) {
      return;
    }
    this._toolbarFor = wanted;
    [...this.toolbar.children()].forEach(item => item.dispose());
    this.buttons().forEach(([name, button]) => this.toolbar.addItem(name, button));
  }

  private buttons(): [string, ToolbarButton | ReturnType<typeof Toolbar.createSpacerItem>][] {
    const { directory, trans, deeds } = this;
    const { folderId } = directory;
    const all: [string, string, () => ToolbarButton][] = [
      ['upload', 'upload', () => this.uploadButton()],
      [
        'new-directory',
        'create_directory',
        () =>
          new ToolbarButton({
            icon: newFolderIcon,
            tooltip: trans.__('New folder in here'),
            onClick: () => deeds.createDirectory(directory)
          })
      ],
      [
        'refresh',
        'list_files',
        () =>
          new ToolbarButton({
            icon: refreshIcon,
            tooltip: trans.__('Refresh'),
            onClick: () => void directory.reload()
          })
      ],
      [
        'share',
        'see_people',
        () =>
          new ToolbarButton({
            icon: directory.may('invite') ? shareIcon : usersIcon,
            label: directory.may('invite') ? trans.__('Share') : trans.__('People'),
            tooltip: directory.may('invite')
              ? trans.__('Invite people and see who has access')
              : trans.__('See who has access'),
            onClick: () => deeds.share(folderId)
          })
      ]
    ];
    return all.flatMap(([name, action, make]) => (directory.may(action) ? [[name, make()]] : []));
  }

  private uploadButton(): ToolbarButton {
    return new ToolbarButton({
      icon: fileUploadIcon,
      tooltip: this.trans.__('Upload files'),
      onClick: () => {
        const input = document.createElement('input');
        input.type = 'file';
        input.multiple = true;
        input.onchange = () => this.uploads.start(input.files ?? [], at(this.directory));
        input.click();
      }
    });
  }

  private _isOpen = false;
  private _label = '';
  private _toolbarFor: string | null = null;
}

function FolderTabView(props: {
  model: VMShareModel;
  children: React.ReactNode;
}): React.JSX.Element {
  const { model, children } = props;
  useSignal(model.changed);
  const { standing } = model;
  return standing.kind === 'ready' ? (
    <>{children}</>
  ) : (
    <NotHere standing={standing} hubHome={hubHome()} onRetry={() => void model.refresh()} />
  );
}
