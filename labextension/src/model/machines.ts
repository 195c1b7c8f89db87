import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MachineClient, MachineVerb } from '../api/machines';
import { sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type {
  CloudView,
  Cut,
  DiskSource,
  DriveView,
  EventView,
  MachineSnapshotView,
  MachineView
} from '../api/types';
import type { Applied } from './application';
import { concerns, isEnding } from './application';
import { isUnderWay } from './coming';
import { LiveList } from './livelist';
import { WhileUnderWay } from './whileunderway';

const PAGE = 200;

/** What the site offers, and the visitor's machines, drives and snapshots of machines. */
export class MachinesModel implements IDisposable {
  constructor(
    readonly api: MachineClient,
    private readonly me: () => string
  ) {
    this.machines = new LiveList<MachineView>({
      page: (after, signal) => api.machines({ after, limit: PAGE, signal }),
      apply: (items, event) => applyToThings(items, event, this.me(), 'machine')
    });
    this.drives = new LiveList<DriveView>({
      page: (after, signal) => api.drives({ after, limit: PAGE, signal }),
      apply: (items, event) => applyToThings(items, event, this.me(), 'drive')
    });
    this.snapshots = new LiveList<MachineSnapshotView>({
      page: (after, signal) => api.snapshots({ after, limit: PAGE, signal }),
      apply: applyToSnapshots
    });
    // What a step is has no event of its own; states have.
    this.watch = new WhileUnderWay(this.machines, isUnderWay);
    this.lists.forEach(list => list.changed.connect(this.emit));
  }

  readonly machines: LiveList<MachineView>;
  readonly drives: LiveList<DriveView>;
  /** Those from which the visitor can make machines. */
  readonly snapshots: LiveList<MachineSnapshotView>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the service has answered. */
  get cloud(): CloudView | null {
    return this._cloud;
  }

  /** Why it is not known what the site offers, in a sentence. */
  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether the site's cloud can do something that not every one can. */
  can(what: string): boolean {
    return this._cloud?.can?.includes(what) ?? false;
  }

  async refresh(): Promise<void> {
    await Promise.all([this.lookForCloud(), ...this.lists.map(list => list.refresh())]);
  }

  receive(event: EventView): void {
    this.lists.forEach(list => list.receive(event));
  }

  async ask(id: string, verb: MachineVerb): Promise<void> {
    this.machines.put(await this.api.ask(id, verb, newKey()));
  }

  async resize(id: string, size: string): Promise<void> {
    this.machines.put(await this.api.resize(id, size));
  }

  async rebuild(id: string, source: DiskSource, key: string): Promise<void> {
    this.machines.put(await this.api.rebuild(id, source, key));
  }

  async keepOn(id: string, hours: number): Promise<void> {
    this.machines.put(await this.api.keepOn(id, hours));
  }

  async setIdle(id: string, minutes: number | null): Promise<void> {
    this.machines.put(await this.api.setIdle(id, minutes));
  }

  /** After somebody else's change, the next attempt is about the thing as it is now. */
  async rename(thing: { id: string; version: number }, name: string): Promise<void> {
    const present = this.machines.find(thing.id) ?? this.drives.find(thing.id) ?? thing;
    try {
      await this.api.rename(thing.id, name, present.version);
    } finally {
      await Promise.all([this.machines.refresh(), this.drives.refresh()]);
    }
  }

  async leave(id: string): Promise<Cut> {
    const cut = await this.api.leave(id);
    await Promise.all([this.machines.refresh(), this.drives.refresh()]);
    return cut;
  }

  async createDrive(name: string, size: number): Promise<void> {
    await this.api.createDrive(name, size, newKey());
    await this.drives.refresh();
  }

  async cloneDrive(id: string, name: string): Promise<void> {
    await this.api.cloneDrive(id, name, newKey());
    await this.drives.refresh();
  }

  async extend(id: string, size: number): Promise<void> {
    this.drives.put(await this.api.extend(id, size));
  }

  async attach(drive: string, machine: string, readOnly: boolean): Promise<void> {
    await this.moved(this.api.attach(drive, machine, readOnly));
  }

  /** Whoever may detach the drive does so; else from the side of the machine. */
  async detach(drive: string, machine: string): Promise<void> {
    const isOfDrive = this.drives.find(drive)?.actions.includes('detach') ?? false;
    const { api } = this;
    await this.moved(isOfDrive ? api.detach(drive, machine) : api.takeOff(machine, drive));
  }

  async moveDrive(machine: string, drive: string, to: string): Promise<void> {
    await this.moved(this.api.moveDrive(machine, drive, to));
  }

  async takeSnapshot(machine: string, name: string): Promise<void> {
    await this.api.takeSnapshot(machine, name, newKey());
    await this.snapshots.refresh();
  }

  async deleteSnapshot(id: string): Promise<void> {
    await this.api.deleteSnapshot(id);
    this.snapshots.remove(id);
  }

  dispose(): void {
    this._isDisposed = true;
    this.watch.dispose();
    this.lists.forEach(list => list.dispose());
    Signal.clearData(this);
  }

  private async lookForCloud(): Promise<void> {
    try {
      this._cloud = await this.api.cloud();
      this._failure = null;
    } catch (error) {
      this._failure = sentenceOf(error);
    }
    this.emit();
  }

  private async moved(deed: Promise<unknown>): Promise<void> {
    await deed;
    await Promise.all([this.machines.refresh(), this.drives.refresh()]);
  }

  private get lists(): readonly [
    LiveList<MachineView>,
    LiveList<DriveView>,
    LiveList<MachineSnapshotView>
  ] {
    return [this.machines, this.drives, this.snapshots];
  }

  private readonly emit = (): void => {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  };

  private readonly watch: WhileUnderWay<MachineView>;
  private _changed = new Signal<this, void>(this);
  private _cloud: CloudView | null = null;
  private _failure: string | null = null;
  private _isDisposed = false;
}

/**
 * The machines or drives that `me` sees after an event. What an event says of a state is not all
 * that the service says, so it is asked again. Applying one twice changes nothing.
 */
export function applyToThings<T extends { id: string }>(
  items: readonly T[],
  event: EventView,
  me: string,
  kind: 'machine' | 'drive'
): Applied<T> {
  const others = items.filter(item => item.id !== event.thing_id);
  if (event.type === `${kind}.gone`) {
    return { items: others, stale: false };
  }
  const isOfKind = event.thing_id?.startsWith(kind === 'machine' ? 'mch_' : 'drv_') ?? false;
  if (isOfKind && isEnding(event) && concerns(event, me)) {
    // Another source may still open it.
    return { items: others, stale: true };
  }
  // A drive that comes or goes is told by the drive's events alone.
  const isAbout = isOfKind || event.type.startsWith('drive.');
  const maybe = event.type.startsWith('team.') || event.type.startsWith('hand_over.');
  return { items, stale: isAbout || maybe };
}

function applyToSnapshots(
  items: readonly MachineSnapshotView[],
  event: EventView
): Applied<MachineSnapshotView> {
  return { items, stale: event.type.startsWith('machine_snapshot.') };
}
