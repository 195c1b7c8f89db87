import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type { EventView, FolderView, SnapshotPolicyView, SnapshotView } from '../api/types';
import { LiveList } from './livelist';
import { PastModel } from './past';
import { WhileUnderWay } from './whileunderway';

const PAGE = 200;

/** The snapshots of one folder of the visitor's, and how they are made by themselves. */
export class SnapshotsModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    readonly folderId: string
  ) {
    this.snapshots = new LiveList<SnapshotView>({
      page: (after, signal) => api.snapshots(folderId, { after, limit: PAGE, signal }),
      apply: (items, event) => ({ items, stale: this.concerns(event) })
    });
    this.watch = new WhileUnderWay(this.snapshots, snapshot => snapshot.state === 'making');
    this.snapshots.changed.connect(() => this.emit());
  }

  readonly snapshots: LiveList<SnapshotView>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the service has answered. */
  get folder(): FolderView | null {
    return this._folder;
  }

  /** Null until the service has answered. */
  get policy(): SnapshotPolicyView | null {
    return this._policy;
  }

  get failure(): string | null {
    return this._failure ?? this.snapshots.failure;
  }

  /** The snapshot that is looked into; null: none is. */
  get past(): PastModel | null {
    return this._past;
  }

  get isDisposed(): boolean {
    return this.snapshots.isDisposed;
  }

  may(action: string): boolean {
    return this._folder?.actions.includes(action) ?? false;
  }

  async open(): Promise<void> {
    await Promise.all([this.load(), this.snapshots.refresh()]);
  }

  async take(key = newKey()): Promise<void> {
    await this.api.takeSnapshot(this.folderId, key);
    await this.snapshots.refresh();
  }

  async remove(id: string): Promise<void> {
    await this.api.deleteSnapshot(this.folderId, id);
    this.snapshots.remove(id);
  }

  /** Every so many hours, as many kept; null: not by themselves. */
  async setPolicy(everyHours: number | null, keep?: number): Promise<void> {
    const asked = { every_hours: everyHours, ...(keep === undefined ? {} : { keep }) };
    this._policy = await this.api.setSnapshotPolicy(this.folderId, asked);
    await this.snapshots.refresh();
    this.emit();
  }

  /** Looks into a snapshot; null goes back to all of them. */
  look(snapshot: SnapshotView | null): void {
    this._past?.dispose();
    this._past = snapshot ? new PastModel(this.api, this.folderId, snapshot) : null;
    this.emit();
    void this._past?.enter('');
  }

  receive(event: EventView): void {
    this.snapshots.receive(event);
    if (event.thing_id === this.folderId && /^(folder|hand_over)\./u.test(event.type)) {
      void this.load();
    } else if (this.concerns(event) && event.type === 'snapshot.policy_changed') {
      void this.load();
    }
  }

  dispose(): void {
    this.watch.dispose();
    this._past?.dispose();
    this.snapshots.dispose();
    Signal.clearData(this);
  }

  private concerns(event: EventView): boolean {
    return event.thing_id === this.folderId && event.type.startsWith('snapshot.');
  }

  private async load(): Promise<void> {
    try {
      const { api, folderId } = this;
      [this._folder, this._policy] = await Promise.all([
        api.folder(folderId),
        api.snapshotPolicy(folderId)
      ]);
      this._failure = null;
    } catch (error) {
      this._folder = null;
      this._failure = sentenceOf(error);
    }
    this.emit();
  }

  private emit(): void {
    if (!this.isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private readonly watch: WhileUnderWay<SnapshotView>;
  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _folder: FolderView | null = null;
  private _past: PastModel | null = null;
  private _policy: SnapshotPolicyView | null = null;
}
