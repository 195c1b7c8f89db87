import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { sentenceOf } from '../api/problem';
import type {
  DriveView,
  EventView,
  GrantView,
  MachineSnapshotView,
  MachineView,
  PeopleOfThing
} from '../api/types';
import { concerns, isEnding } from './application';
import type { VMShareModel } from './vmshare';

const SETTLE_MS = 250;
const DAYS = 30;
const SHOWN = 20;

/** One machine: the people on it, its drives and snapshots, and what happened to it. */
export class MachinePageModel implements IDisposable {
  constructor(
    readonly shared: VMShareModel,
    readonly machineId: string
  ) {
    shared.machines.changed.connect(this.emit);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the lists are there, and after access has ended. */
  get machine(): MachineView | null {
    return this.shared.machines.machines.find(this.machineId) ?? null;
  }

  /** Whether the service has answered. */
  get isKnown(): boolean {
    return this.shared.machines.machines.isLoaded;
  }

  /** Null until the service has answered. */
  get people(): PeopleOfThing | null {
    return this._people;
  }

  /** Those who own or manage it beside its owner. */
  get stewards(): readonly GrantView[] {
    return (this._people?.grants ?? []).filter(({ level }) => level !== 'use');
  }

  get users(): readonly GrantView[] {
    return (this._people?.grants ?? []).filter(({ level }) => level === 'use');
  }

  /** The person's drives that could be attached to it: they are not on it. */
  get attachable(): readonly DriveView[] {
    const on = new Set((this.machine?.drives ?? []).map(({ drive_id: id }) => id));
    const may = ['attach_read_write', 'attach_read_only'];
    return this.shared.machines.drives.items.filter(
      ({ id, actions }) => !on.has(id) && may.some(action => actions.includes(action))
    );
  }

  get snapshots(): readonly MachineSnapshotView[] {
    const { snapshots } = this.shared.machines;
    return snapshots.items.filter(({ machine_id: of }) => of === this.machineId);
  }

  /** What happened to it and was told to the visitor, newest first. */
  get events(): readonly EventView[] {
    return this._events;
  }

  /** How the visitor's access ended while they looked; null: it did not. */
  get ended(): EventView | null {
    return this._ended;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  async open(): Promise<void> {
    const look = ++this._look;
    const { api } = this.shared;
    const now = new Date();
    const since = new Date(now.getTime() - DAYS * 24 * 3600_000);
    try {
      const [people, { items }] = await Promise.all([
        api.peopleOf(this.machineId),
        // What happens while this is answered is told, too.
        api.eventsOf(this.machineId, since, new Date(now.getTime() + 60_000))
      ]);
      if (look === this._look) {
        Object.assign(this, { _people: people, _events: items.slice(0, SHOWN), _failure: null });
      }
    } catch (error) {
      if (look === this._look) {
        Object.assign(this, { _people: null, _events: [], _failure: sentenceOf(error) });
      }
    }
    this.emit();
  }

  receive(event: EventView): void {
    const isMine = event.thing_id === this.machineId;
    const isLoss = isEnding(event) && concerns(event, this.shared.me);
    if (isMine && (isLoss || event.type === 'machine.deleted')) {
      this._ended = event;
      this.emit();
    }
    if (isMine || event.type.startsWith('team.')) {
      clearTimeout(this._settling);
      this._settling = setTimeout(() => void this.open(), SETTLE_MS);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._settling);
    this.shared.machines.changed.disconnect(this.emit);
    Signal.clearData(this);
  }

  private readonly emit = (): void => {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  };

  private _changed = new Signal<this, void>(this);
  private _ended: EventView | null = null;
  private _events: readonly EventView[] = [];
  private _failure: string | null = null;
  private _isDisposed = false;
  private _look = 0;
  private _people: PeopleOfThing | null = null;
  private _settling: ReturnType<typeof setTimeout> | undefined;
}
