import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Transport } from '../api/transport';
import type { MachineView } from '../api/types';

const PATH = 'terminals';

/** A terminal of JupyterLab's that is on a machine, as the notebook server tells it. */
export interface TerminalView {
  /** What Jupyter calls it. */
  name: string;
  machine: string;
  keep: boolean;
  /** What of it runs on when nobody looks; null: nothing does. */
  session: string | null;
  since: string;
  /** Whether there is a terminal for it now. */
  open: boolean;
}

/** What is asked for. */
export interface TerminalWanted {
  machine: string;
  /** What people call the machine. */
  called: string;
  keep?: boolean;
  /** To go on with. */
  session?: string;
}

/** Whether somebody may have a terminal there, now or once it is on. */
export function mayHaveTerminal({ state, actions }: MachineView): boolean {
  return actions.includes(state === 'running' ? 'open_terminal' : 'start');
}

/** The terminals on machines of this notebook server, which may have none. */
export class TerminalsModel implements IDisposable {
  constructor(private readonly transport: Transport) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** False until the notebook server has said so. */
  get isOffered(): boolean {
    return this._items !== null;
  }

  /** Those that run on without anybody who looks. */
  left(machineId?: string): readonly TerminalView[] {
    return (this._items ?? []).filter(
      ({ session, open, machine }) =>
        session !== null && !open && (machineId === undefined || machine === machineId)
    );
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Looks again; where the operator has switched terminals off, none is offered. */
  async refresh(): Promise<void> {
    const look = ++this._look;
    let items: TerminalView[] | null = null;
    try {
      items = (await this.transport.json<{ terminals: TerminalView[] }>(PATH)).terminals;
    } catch {
      // An older notebook server, or one without terminals: there is nobody to tell.
    }
    if (look === this._look && !this._isDisposed) {
      this._items = items;
      this._changed.emit(undefined);
    }
  }

  /** Makes one, or finds the one that is there; what Jupyter calls it. */
  async open(wanted: TerminalWanted): Promise<string> {
    const { name } = await this.transport.json<{ name: string }>(PATH, {
      method: 'POST',
      body: wanted
    });
    return name;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
  private _items: TerminalView[] | null = null;
  private _look = 0;
}
