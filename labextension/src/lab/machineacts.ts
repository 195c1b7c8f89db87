import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { kindOf } from '../api/things';
import type { DriveView, MachineView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { askName, attempt, choose, confirm } from './dialogs';
import { showRebuildDialog, showResizeDialog } from './machinechangedialog';
import { showNewMachineDialog } from './newmachinedialog';
import { hubOrigin } from './origin';
import type { Settings } from './settings';
import { showThingShareDialog } from './sharedialog';

/** A machine or a drive. */
export type Thing = MachineView | DriveView;

/** What a person does with machines and drives, with the questions that it takes. */
export class MachineActs {
  constructor(
    private readonly model: VMShareModel,
    private readonly settings: Settings,
    private readonly trans: TranslationBundle
  ) {}

  create(): Promise<MachineView | null> {
    return showNewMachineDialog(this.model, this.trans);
  }

  async createDrive(): Promise<void> {
    const { trans, model } = this;
    await this.askSize(
      { title: trans.__('New drive'), ok: trans.__('Create') },
      trans.__('Name and size in GiB, such as: data 50'),
      model.machines.cloud?.drive_gib ?? 10,
      (name, size) => model.machines.createDrive(name, size)
    );
  }

  share(thing: Thing): Promise<void> {
    return showThingShareDialog(this.model, thing, this.trans);
  }

  async rename(thing: Thing): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Rename "%1"', thing.name),
      label: trans.__('New name, for everybody who has it'),
      initial: thing.name,
      ok: trans.__('Rename')
    };
    await askName(asked, name => this.model.machines.rename(thing, name));
  }

  /** Whoever owns a machine leaves it to a co-owner, who is asked. */
  async leave(thing: Thing): Promise<void> {
    const { trans } = this;
    const title = trans.__('Leave "%1"?', thing.name);
    const body =
      thing.level === 'owner'
        ? trans.__(
            'The co-owner who was first is asked to take it over. It is yours until they do.'
          )
        : trans.__(
            'You lose access at once. To come back, %1 has to invite you again.',
            thing.owner
          );
    if (this.settings.confirmLeave && !(await confirm(title, body, trans.__('Leave'), trans))) {
      return;
    }
    await attempt(trans.__('Leaving "%1" did not work', thing.name), async () => {
      const cut = await this.model.machines.leave(thing.id);
      const told = cut.offered_to
        ? trans.__('%1 was asked to take "%2" over.', cut.offered_to, thing.name)
        : cut.cannot_undo;
      Notification.info(told, { autoClose: 8000 });
    });
  }

  /** Handing over is confirmed on a page of the hub service, and by its receiver. */
  handOver(thing: Thing): void {
    this.openPage(thing, 'hand-over');
  }

  coOwn(thing: Thing): void {
    this.openPage(thing, 'co-own');
  }

  /** Deleting is confirmed on a page of the hub service, out of this page's reach. */
  async remove(thing: Thing): Promise<void> {
    const { trans } = this;
    const isMachine = kindOf(thing.id) === 'machine';
    const { button } = await showDialog({
      title: trans.__('Delete "%1" for ever?', thing.name),
      body: isMachine
        ? trans.__(
            'Its drives stay. A page of the hub opens in a new tab: you confirm there, by typing its name.'
          )
        : trans.__(
            'Everything on it goes, too. A page of the hub opens in a new tab: you confirm there, by typing its name.'
          ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Open the page') })
      ]
    });
    if (button.accept) {
      this.openPage(thing, isMachine ? 'delete-machine' : 'delete-drive');
    }
  }

  async ask(machine: Thing, verb: 'start' | 'stop'): Promise<void> {
    const title = this.trans.__('That did not work with "%1"', machine.name);
    await attempt(title, () => this.model.machines.ask(machine.id, verb));
  }

  /** One that is stopping, or rebooting, was asked already: it is not waited for. */
  async reboot(machine: Thing): Promise<void> {
    const { trans } = this;
    const hard = machine.state === 'stopping' || machine.state === 'rebooting';
    const title = hard
      ? trans.__('Reboot "%1" at once?', machine.name)
      : trans.__('Reboot "%1"?', machine.name);
    const body = hard
      ? trans.__(
          'It is still shutting down. It is not waited for any more: what programs on it have not saved may be lost.'
        )
      : trans.__('Everything that runs on it ends, whosever it is.');
    const verb = hard ? trans.__('Reboot at once') : trans.__('Reboot');
    if (await confirm(title, body, verb, trans)) {
      await attempt(trans.__('"%1" was not rebooted', machine.name), () =>
        this.model.machines.ask(machine.id, hard ? 'reboot-hard' : 'reboot')
      );
    }
  }

  resize(machine: MachineView): Promise<void> {
    return showResizeDialog(this.model, machine, this.trans);
  }

  rebuild(machine: MachineView): Promise<void> {
    return showRebuildDialog(this.model, machine, this.trans);
  }

  /** The end of what a machine wrote to its console, as text. */
  async console(machine: Thing): Promise<void> {
    const { trans } = this;
    await attempt(trans.__('There is no console log of "%1"', machine.name), async () => {
      const { text } = await this.model.machines.api.console(machine.id);
      const body = new Widget({ node: document.createElement('pre') });
      body.addClass('jp-VMShare-console');
      body.node.textContent = text || trans.__('It has written nothing yet.');
      body.node.tabIndex = 0;
      const title = trans.__('Console log of "%1"', machine.name);
      await showDialog({ title, body, buttons: [Dialog.okButton({ label: trans.__('Close') })] });
    });
  }

  async snapshot(machine: Thing): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Take a snapshot of "%1"', machine.name),
      label: trans.__('Name. Its system disk is stored, its drives are not'),
      initial: trans.__('%1 as it is', machine.name),
      ok: trans.__('Take it')
    };
    await askName(asked, name => this.model.machines.takeSnapshot(machine.id, name));
  }

  async extend(drive: DriveView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Make "%1" larger', drive.name),
      label: trans.__('GiB. Drives only get larger'),
      initial: String((drive.size_gib ?? 0) * 2),
      ok: trans.__('Extend')
    };
    await askName(asked, typed => this.model.machines.extend(drive.id, this.gib(typed)));
  }

  async cloneDrive(drive: DriveView): Promise<void> {
    const { trans } = this;
    const asked = {
      title: trans.__('Copy "%1" to a drive of mine', drive.name),
      label: trans.__('Name of the copy. It counts as yours'),
      initial: trans.__('Copy of %1', drive.name),
      ok: trans.__('Copy')
    };
    await askName(asked, name => this.model.machines.cloneDrive(drive.id, name));
  }

  /** Attaches a drive to one of the machines that take drives of this person. */
  async attach(drive: DriveView, readOnly: boolean): Promise<void> {
    const { trans, model } = this;
    const title = readOnly
      ? trans.__('Attach "%1" to read', drive.name)
      : trans.__('Attach "%1"', drive.name);
    const machines = model.machines.machines.items.filter(({ actions }) =>
      actions.includes('attach_drive')
    );
    if (machines.length === 0) {
      const body = trans.__('There is no machine of yours that it could be attached to now.');
      await showDialog({ title, body, buttons: [Dialog.okButton({ label: trans.__('Close') })] });
      return;
    }
    const machine = await choose(title, trans.__('Machine'), machines, ({ name }) => name);
    if (machine) {
      await attempt(trans.__('"%1" was not attached', drive.name), () =>
        model.machines.attach(drive.id, machine.id, readOnly)
      );
    }
  }

  private openPage(
    thing: Thing,
    verb: 'hand-over' | 'co-own' | 'delete-machine' | 'delete-drive'
  ): void {
    const address = this.model.confirmUrl(thing.id, hubOrigin(), verb);
    if (address !== null) {
      window.open(address, '_blank', 'noopener');
    }
  }

  private async askSize(
    asked: { title: string; ok: string },
    label: string,
    usual: number,
    deed: (name: string, size: number) => Promise<void>
  ): Promise<void> {
    await askName({ ...asked, label, initial: this.trans.__('data %1', usual) }, typed => {
      const [, name, size] = /^(.*\S)\s+(\d+)$/u.exec(typed) ?? [];
      if (name === undefined) {
        throw new Error(this.trans.__('Write a name, a space, and how many GiB: data 50'));
      }
      return deed(name, Number(size));
    });
  }

  /** Raises a sentence for what is no whole number. */
  private gib(typed: string): number {
    if (!/^[1-9]\d*$/u.test(typed)) {
      throw new Error(this.trans.__('Write how many GiB, as a whole number: 50'));
    }
    return Number(typed);
  }
}
