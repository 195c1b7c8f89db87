import { Clipboard, Notification, showDialog, Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import { MountedElsewhere, NameTaken } from '../api/problem';
import { newKey } from '../api/transport';
import type { FolderTrashed, FolderView, InvitationView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { askName, attempt, confirm } from './dialogs';
import { offerToEnd, showFastDialog } from './fastdialog';
import { hubOrigin } from './origin';
import type { Settings } from './settings';
import { showShareDialog } from './sharedialog';

/** What a person does with a folder, with the questions that it takes. */
export class Deeds {
  constructor(
    private readonly model: VMShareModel,
    private readonly settings: Settings,
    private readonly trans: TranslationBundle
  ) {}

  /** Makes a folder; null when the person gave up. */
  async create(): Promise<FolderView | null> {
    const { trans } = this;
    let made: FolderView | null = null;
    const asked = {
      title: trans.__('New folder'),
      label: trans.__('Name'),
      initial: '',
      ok: trans.__('Create')
    };
    await askName(asked, async name => {
      // Every name is a deed of its own; a repeated request for one makes one folder.
      made = await this.model.createFolder(name, newKey());
    });
    return made;
  }

  async share(folder: FolderView): Promise<void> {
    await showShareDialog(this.model, folder, this.settings.defaultLevel, this.trans);
  }

  async rename(folder: FolderView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Rename "%1"', folder.name),
      label: trans.__('New name, for everybody who has this folder'),
      initial: folder.name,
      ok: trans.__('Rename')
    };
    await askName(asked, name => {
      // After somebody else's change, the next attempt is about the folder as it is now.
      const present = this.model.folders.find(folder.id) ?? folder;
      return this.model.rename(present, name).catch(async (error: unknown) => {
        await this.model.folders.refresh();
        throw error;
      });
    });
  }

  async chooseAlias(folder: FolderView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Show "%1" under another name', folder.name),
      label: trans.__('For you alone. Empty: the name that %1 gave it', folder.owner),
      initial: folder.label,
      ok: trans.__('Save'),
      mayBeEmpty: true
    };
    await askName(asked, name => {
      const alias = name === '' || name === folder.name ? null : name;
      return this.model.chooseAlias(folder.id, alias);
    });
  }

  async leave(folder: FolderView): Promise<void> {
    const { trans } = this;
    const title = trans.__('Leave "%1"?', folder.label);
    const body = trans.__(
      'You lose access at once. To come back, %1 has to invite you again.',
      folder.owner
    );
    if (this.settings.confirmLeave && !(await confirm(title, body, trans.__('Leave'), trans))) {
      return;
    }
    await attempt(trans.__('Leaving "%1" did not work', folder.label), async () => {
      const cut = await this.model.leave(folder.id);
      Notification.info(cut.cannot_undo, { autoClose: 8000 });
    });
  }

  /** Has a copy made, which is a folder of the person's own once it is whole. */
  async clone(folder: FolderView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Copy "%1" to a folder of mine', folder.label),
      label: trans.__('Name of the copy. It counts as yours, with all that is in it'),
      initial: folder.relation === 'mine' ? trans.__('Copy of %1', folder.name) : folder.name,
      ok: trans.__('Copy')
    };
    await askName(asked, name => this.model.clones.begin(folder.id, name, newKey()));
  }

  async letCopy(folder: FolderView, cloneable: boolean): Promise<void> {
    const title = this.trans.__('Changing "%1" did not work', folder.label);
    await attempt(title, () => this.model.letCopy(folder.id, cloneable));
  }

  /** How it is mounted; of what is in the trash, who holds it still. */
  async fast(folder: FolderView): Promise<void> {
    const show = folder.actions.includes('mount_direct') ? showFastDialog : offerToEnd;
    await show(this.model, folder, this.trans);
  }

  async trash(folder: FolderView): Promise<void> {
    const { trans } = this;
    const title = trans.__('Move "%1" to the trash?', folder.label);
    const body =
      (folder.shared_with ?? 0) > 0
        ? trans.__('Nobody can open it until you restore it from the trash.')
        : trans.__('You can restore it from the trash.');
    const ok = trans.__('Move to trash');
    if (this.settings.confirmTrash && !(await confirm(title, body, ok, trans))) {
      return;
    }
    await attempt(trans.__('Moving "%1" to the trash did not work', folder.label), async () => {
      try {
        await this.trashed(folder, await this.model.moveToTrash(folder.id));
      } catch (error) {
        if (!(error instanceof MountedElsewhere)) {
          throw error;
        }
        await this.trashAllTheSame(folder, error);
      }
    });
  }

  async restore(folder: FolderView): Promise<void> {
    const { trans } = this;
    await attempt(trans.__('Restoring "%1" did not work', folder.label), async () => {
      try {
        await this.model.restore(folder.id);
      } catch (error) {
        if (!(error instanceof NameTaken)) {
          throw error;
        }
        await this.restoreAs(folder, error);
      }
    });
  }

  /** Deleting for ever is confirmed on a page of the hub service, out of this page's reach. */
  async deleteForEver(folder: FolderView): Promise<void> {
    const { trans } = this;
    const address = this.model.confirmUrl(folder.id, hubOrigin());
    if (address === null) {
      return;
    }
    const { button } = await showDialog({
      title: trans.__('Delete "%1" for ever?', folder.label),
      body: trans.__(
        'A page of the hub opens in a new tab. You confirm there, by typing the name of the folder.'
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Open the page') })
      ]
    });
    if (button.accept) {
      window.open(address, '_blank', 'noopener');
    }
  }

  /** Handing over is confirmed on a page of the hub service, and by its receiver. */
  handOver(folder: FolderView): void {
    const address = this.model.confirmUrl(folder.id, hubOrigin(), 'hand-over');
    if (address !== null) {
      window.open(address, '_blank', 'noopener');
    }
  }

  copyId(folder: FolderView): void {
    Clipboard.copyToSystem(folder.id);
    Notification.info(this.trans.__('The id of "%1" is in the clipboard.', folder.label), {
      autoClose: 3000
    });
  }

  /** Accepts an invitation; asks for another name where the visitor has one of that name. */
  async accept(invitation: InvitationView): Promise<void> {
    const { trans } = this;
    const name = invitation.thing_name;
    await attempt(trans.__('Accepting "%1" did not work', name), async () => {
      try {
        await this.model.accept(invitation.id, invitation.suggested_alias ?? undefined);
      } catch (error) {
        if (!(error instanceof NameTaken)) {
          throw error;
        }
        const asked = {
          title: trans.__('Accept "%1"', name),
          label: error.message,
          initial: error.suggestion,
          ok: trans.__('Accept')
        };
        await askName(asked, alias => this.model.accept(invitation.id, alias));
      }
    });
  }

  /** Others work in it just now: it is said who, and asked again, whatever the settings say. */
  private async trashAllTheSame(folder: FolderView, error: MountedElsewhere): Promise<void> {
    const { trans } = this;
    const title = trans.__('Move "%1" to the trash all the same?', folder.label);
    if (await confirm(title, error.message, trans.__('Move all the same'), trans)) {
      await this.trashed(folder, await this.model.moveToTrash(folder.id, true));
    }
  }

  /** What programs of others hold of a fast mount stays open to them: that is said, not hidden. */
  private async trashed(folder: FolderView, { holders }: FolderTrashed): Promise<void> {
    if (holders?.some(({ person }) => person !== this.model.me)) {
      await offerToEnd(this.model, folder, this.trans);
    }
  }

  private async restoreAs(folder: FolderView, clash: NameTaken): Promise<void> {
    const asked = {
      title: this.trans.__('Restore "%1"', folder.label),
      label: clash.message,
      initial: clash.suggestion,
      ok: this.trans.__('Restore')
    };
    await askName(asked, name => this.model.restore(folder.id, name));
  }
}
