import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import type { TranslationBundle } from '@jupyterlab/translation';
import { terminalIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';

import type { MachineView } from '../api/types';
import type { TerminalView, TerminalWanted } from '../model/terminals';
import { mayHaveTerminal } from '../model/terminals';
import type { VMShareModel } from '../model/vmshare';
import { shortMoment } from '../views/words';
import { attempt, choose } from './dialogs';
import type { Settings } from './settings';

/** JupyterLab's own; it shows the terminal of that name in its own widget. */
const OPEN = 'terminal:open';
/** JupyterLab's own terminal has 0. */
const RANK = 1;

export const TerminalCommandIDs = {
  open: 'vmshare:terminal',
  kept: 'vmshare:terminal-that-keeps-running',
  goOn: 'vmshare:go-on-with-terminal'
} as const;

/** What they work with. */
export interface TerminalShell {
  commands: JupyterFrontEnd['commands'];
  /** The row under the context menu. */
  hit: () => DOMStringMap | undefined;
  model: VMShareModel;
  settings: Settings;
  trans: TranslationBundle;
  launcher: ILauncher | null;
  /** The launcher's heading beneath which JupyterLab has its own terminal. */
  category: string;
}

/** Terminals on machines: commands for them, and cards that follow access. */
export class MachineTerminals implements IDisposable {
  constructor(private readonly shell: TerminalShell) {
    const { model } = shell;
    this.addCommands();
    model.machines.changed.connect(this.deal);
    model.terminals.changed.connect(this.deal);
    this.deal();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.shell.model.machines.changed.disconnect(this.deal);
    this.shell.model.terminals.changed.disconnect(this.deal);
    this._cards.forEach(({ card }) => card.dispose());
    this._cards.clear();
  }

  /** In the palette, a verb alone would not say of what. */
  addTo(palette: ICommandPalette): void {
    const category = this.shell.trans.__('VMShare');
    Object.values(TerminalCommandIDs).forEach(command =>
      palette.addItem({ command, category, args: { palette: true } })
    );
  }

  private addCommands(): void {
    const { commands, trans } = this.shell;
    const { open, kept, goOn } = TerminalCommandIDs;
    const words = trans.__('Terminal That Keeps Running');
    const isEnabled = (args: ReadonlyPartialJSONObject): boolean =>
      !args.palette || this.machines.length > 0;
    commands.addCommand(open, {
      label: args =>
        this.labelled(args, trans.__('Terminal'), name => trans.__('Terminal on %1', name)),
      caption: trans.__('Open a terminal on a machine, under your own account there'),
      icon: args => (args.palette ? undefined : terminalIcon),
      isEnabled,
      isVisible: () => this.isOffered,
      execute: args => this.open(args, this.shell.settings.keepTerminals)
    });
    commands.addCommand(kept, {
      label: args => this.labelled(args, words, () => words),
      caption: trans.__('It goes on when you close the browser, until you leave its shell'),
      isEnabled,
      isVisible: () => this.isOffered,
      execute: args => this.open(args, true)
    });
    commands.addCommand(goOn, {
      label: args =>
        args.palette
          ? trans.__('Machine: %1', trans.__('Go On with a Terminal'))
          : trans.__('Go on with %1, since %2', text(args.name), shortMoment(text(args.since))),
      caption: trans.__('A terminal of yours that keeps running on a machine'),
      icon: args => (args.palette ? undefined : terminalIcon),
      isEnabled: () => this.left.length > 0,
      isVisible: () => this.isOffered,
      execute: args => this.goOn(args)
    });
  }

  private labelled(
    args: ReadonlyPartialJSONObject,
    words: string,
    on: (name: string) => string
  ): string {
    if (args.palette) {
      return this.shell.trans.__('Machine: %1', words);
    }
    return typeof args.name === 'string' ? on(args.name) : words;
  }

  private get isOffered(): boolean {
    return this.shell.model.terminals.isOffered && this.shell.commands.hasCommand(OPEN);
  }

  /** Those on which the person may have one. */
  private get machines(): readonly MachineView[] {
    return this.isOffered ? this.shell.model.machines.machines.items.filter(mayHaveTerminal) : [];
  }

  /** What runs on, on machines that the person still has. */
  private get left(): readonly TerminalView[] {
    const ids = new Set(this.machines.map(({ id }) => id));
    return this.shell.model.terminals.left().filter(({ machine }) => ids.has(machine));
  }

  private async open(args: ReadonlyPartialJSONObject, keep: boolean): Promise<void> {
    const id = args.context ? this.shell.hit()?.machine : args.id;
    const machine =
      typeof id === 'string'
        ? this.shell.model.machines.machines.find(id)
        : await this.choose(this.machines, named);
    if (machine) {
      await this.show({ machine: machine.id, called: machine.name, keep });
    }
  }

  private async goOn(args: ReadonlyPartialJSONObject): Promise<void> {
    const found =
      typeof args.session === 'string'
        ? this.left.find(({ session }) => session === args.session)
        : await this.choose(this.left, terminal => this.nameOf(terminal));
    if (found) {
      const { machine, session } = found;
      const called = this.shell.model.machines.machines.find(machine)?.name ?? '';
      await this.show({ machine, called, keep: true, ...(session ? { session } : {}) });
    }
  }

  private choose<T>(among: readonly T[], name: (one: T) => string): Promise<T | null> {
    const { trans } = this.shell;
    return choose(trans.__('Terminal'), trans.__('Which one'), [...among], name);
  }

  private async show(wanted: TerminalWanted): Promise<void> {
    const { commands, model, trans } = this.shell;
    await attempt(trans.__('There is no terminal on "%1"', wanted.called), async () => {
      const name = await model.terminals.open(wanted);
      await commands.execute(OPEN, { name });
    });
    await model.terminals.refresh();
  }

  private nameOf({ machine, since }: TerminalView): string {
    const found = this.shell.model.machines.machines.find(machine);
    return this.shell.trans.__('%1, since %2', found ? named(found) : machine, shortMoment(since));
  }

  /** Puts down the cards that there should be, and takes up the others. */
  private readonly deal = (): void => {
    const wanted = new Map<string, Card>();
    this.machines.forEach(machine =>
      wanted.set(machine.id, {
        command: TerminalCommandIDs.open,
        args: { id: machine.id, name: named(machine) }
      })
    );
    this.left.forEach(({ session, machine, since }) => {
      const found = this.shell.model.machines.machines.find(machine);
      const name = found ? named(found) : '';
      const args = { session, since, name };
      wanted.set(`${session}`, { command: TerminalCommandIDs.goOn, args });
    });
    for (const [key, { card, says }] of this._cards) {
      if (JSON.stringify(wanted.get(key)) !== says) {
        card.dispose();
        this._cards.delete(key);
      }
    }
    for (const [key, { command, args }] of wanted) {
      if (!this._cards.has(key) && this.shell.launcher) {
        const { category } = this.shell;
        const card = this.shell.launcher.add({ command, args, category, rank: RANK });
        this._cards.set(key, { card, says: JSON.stringify(wanted.get(key)) });
      }
    }
  };

  private readonly _cards = new Map<string, { card: IDisposable; says: string }>();
  private _isDisposed = false;
}

/** What a card of the launcher does. */
interface Card {
  command: string;
  args: ReadonlyJSONObject;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** As the kernels on it are called. */
function named({ name, owner }: MachineView): string {
  return `${name} (${owner})`;
}
