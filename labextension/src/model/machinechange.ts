import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type { CloudView, MachineView } from '../api/types';
import type { MachinesModel } from './machines';
import type { Size, Source } from './newmachine';
import { diskOf, keyOf, sourcesOf } from './newmachine';

/** A machine that is about to be made another, as far as the person has said how. */
abstract class MachineChange implements IDisposable {
  constructor(
    protected readonly machines: MachinesModel,
    readonly machine: MachineView
  ) {
    this.cloud = machines.cloud;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why the service refused, in a sentence. */
  get failure(): string | null {
    return this._failure;
  }

  get isSending(): boolean {
    return this._isSending;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The sizes that the site offers. */
  get sizes(): readonly Size[] {
    return this.cloud?.sizes ?? [];
  }

  /** The size that it has; undefined: the site offers it no more. */
  get present(): Size | undefined {
    return this.sizes.find(({ id }) => id === this.machine.size);
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Whether the service took it; otherwise `failure` says why not. */
  protected async order(deed: () => Promise<void>): Promise<boolean> {
    if (this._isSending) {
      return false;
    }
    this._failure = null;
    this.sending(true);
    try {
      await deed();
      return true;
    } catch (error) {
      this._failure = sentenceOf(error);
      return false;
    } finally {
      this.sending(false);
    }
  }

  protected edited(): void {
    this._failure = null;
    this.emit();
  }

  private sending(isSending: boolean): void {
    this._isSending = isSending;
    this.emit();
  }

  private emit(): void {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  protected readonly cloud: CloudView | null;
  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _isDisposed = false;
  private _isSending = false;
}

/** Another size for a machine. */
export class ResizeModel extends MachineChange {
  /** The size's id that was chosen. */
  get chosen(): string {
    return this._chosen ?? this.present?.id ?? '';
  }

  get size(): Size | undefined {
    return this.sizes.find(({ id }) => id === this.chosen);
  }

  /** What is missing before it can be asked for. */
  get missing(): readonly 'size'[] {
    return this.size && this.size.id !== this.machine.size ? [] : ['size'];
  }

  /** Whether the disk would be smaller than it is, which not every cloud can do. */
  get isSmaller(): boolean {
    return (this.size?.disk_gib ?? 0) < (this.present?.disk_gib ?? 0);
  }

  choose(size: string): void {
    this._chosen = size;
    this.edited();
  }

  async send(): Promise<boolean> {
    const { size, machine } = this;
    const isWhole = size !== undefined && this.missing.length === 0;
    return isWhole && this.order(() => this.machines.resize(machine.id, size.id));
  }

  private _chosen: string | null = null;
}

/** A fresh system disk for a machine. */
export class RebuildModel extends MachineChange {
  constructor(machines: MachinesModel, machine: MachineView) {
    super(machines, machine);
    this.sources = sourcesOf(machines.cloud, machines.snapshots.items);
    // What it was made from is what one mostly wants afresh.
    const same = this.sources.find(({ kind, id }) => kind === 'image' && id === machine.image);
    this._chosen = same ? keyOf(same) : '';
  }

  /** What the disk can be made from. */
  readonly sources: readonly Source[];

  /** The key of the source that was chosen; empty: none. */
  get chosen(): string {
    return this._chosen;
  }

  get source(): Source | undefined {
    return this.sources.find(source => keyOf(source) === this._chosen);
  }

  /** Whether the person has said that what is on the disk may go. */
  get isSure(): boolean {
    return this._isSure;
  }

  /** What is missing before it can be asked for, in the order of the fields. */
  get missing(): readonly ('source' | 'room' | 'sure')[] {
    const { source, present } = this;
    const isSmall = source && present && (source.diskGib ?? 0) > present.disk_gib;
    return [
      ...(source ? [] : ['source' as const]),
      ...(isSmall ? ['room' as const] : []),
      ...(this._isSure ? [] : ['sure' as const])
    ];
  }

  choose(source: string): void {
    this._chosen = source;
    // Another disk is another deed.
    this._key = newKey();
    this.edited();
  }

  setSure(isSure: boolean): void {
    this._isSure = isSure;
    this.edited();
  }

  async send(): Promise<boolean> {
    const { source, machine, _key: key } = this;
    const isWhole = source !== undefined && this.missing.length === 0;
    return isWhole && this.order(() => this.machines.rebuild(machine.id, diskOf(source), key));
  }

  private _chosen: string;
  private _isSure = false;
  private _key = newKey();
}
