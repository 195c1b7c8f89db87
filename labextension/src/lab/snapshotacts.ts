import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon } from '@jupyterlab/ui-components';

import { AlreadyThere } from '../api/problem';
import type { EntryView, SnapshotView } from '../api/types';
import type { PastModel } from '../model/past';
import type { SnapshotsModel } from '../model/snapshots';
import { besides } from '../model/uploads';
import type { VMShareModel } from '../model/vmshare';
import type { SnapshotDeeds } from '../views/snapshots';
import { moment } from '../views/words';
import { askName, attempt, confirm } from './dialogs';

/** What a person does with the snapshots of a folder, with the questions that it takes. */
export class SnapshotActs {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly snapshots: SnapshotsModel,
    private readonly trans: TranslationBundle
  ) {}

  readonly deeds: SnapshotDeeds = {
    take: () => void this.take(),
    remove: snapshot => void this.remove(snapshot),
    download: (past, entry) => this.download(past, entry),
    restore: (past, entry) => void this.restore(past, entry),
    iconOf: name => this.app.docRegistry.getFileTypesForPath(name)[0]?.icon ?? fileIcon
  };

  private async take(): Promise<void> {
    await attempt(this.trans.__('Taking a snapshot did not work'), () => this.snapshots.take());
  }

  private async remove(snapshot: SnapshotView): Promise<void> {
    const { trans } = this;
    const title = trans.__('Delete the snapshot of %1?', moment(snapshot.created_at));
    const body = trans.__('What it alone keeps is gone for good. The folder stays as it is.');
    if (await confirm(title, body, trans.__('Delete'), trans)) {
      await attempt(trans.__('Deleting the snapshot did not work'), () =>
        this.snapshots.remove(snapshot.id)
      );
    }
  }

  private download(past: PastModel, entry: EntryView): void {
    const { folderId } = this.snapshots;
    const link = document.createElement('a');
    link.href = this.model.files.snapshotDownloadUrl(folderId, past.snapshot.id, entry.path);
    link.download = entry.name;
    link.click();
  }

  /** Where something is by now, the person says what happens to it. */
  private async restore(past: PastModel, entry: EntryView): Promise<void> {
    const { trans } = this;
    await attempt(trans.__('Taking "%1" back did not work', entry.name), async () => {
      try {
        await past.restore(entry.path, null, false);
        this.tell(entry.path);
      } catch (error) {
        if (!(error instanceof AlreadyThere)) {
          throw error;
        }
        await this.restoreBeside(past, entry, error);
      }
    });
  }

  private async restoreBeside(
    past: PastModel,
    entry: EntryView,
    clash: AlreadyThere
  ): Promise<void> {
    const { trans } = this;
    const { button } = await showDialog({
      title: trans.__('Take "%1" back', entry.name),
      body: trans.__('%1 What is there now can be replaced, or both be kept.', clash.message),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Keep both'), actions: ['both'] }),
        Dialog.warnButton({ label: trans.__('Replace'), actions: ['replace'] })
      ],
      defaultButton: 1
    });
    if (button.actions.includes('replace')) {
      await past.restore(entry.path, null, true);
      this.tell(entry.path);
    } else if (button.actions.includes('both')) {
      await this.restoreAs(past, entry);
    }
  }

  private async restoreAs(past: PastModel, entry: EntryView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Take "%1" back beside it', entry.name),
      label: trans.__('Path in the folder'),
      initial: entry.path.slice(0, -entry.name.length) + besides(entry.name),
      ok: trans.__('Take back')
    };
    await askName(asked, async target => {
      await past.restore(entry.path, target, false);
      this.tell(target);
    });
  }

  private tell(path: string): void {
    Notification.success(this.trans.__('"%1" is in the folder as it was.', path), {
      autoClose: 5000
    });
  }
}
