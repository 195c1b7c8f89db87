import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { Aborted, errorOf, sentenceOf } from '../api/problem';
import type { EventView, HolderView } from '../api/types';

/**
 * The sessions of others that still hold something of a folder, though it was taken from them: a
 * fast mount can't be cut from programs. For who may revoke.
 */
export class HoldersModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    private readonly folderId: string,
    private readonly me: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly HolderView[] {
    return this._items;
  }

  get isEnding(): boolean {
    return this._isEnding;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._reading.signal.aborted;
  }

  async load(): Promise<void> {
    try {
      const { items } = await this.api.holders(this.folderId, this._reading.signal);
      // One's own session ends where one works: with its programs, or in the hub's control panel.
      this._items = items.filter(({ person }) => person !== this.me);
      this.emit();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends a session with all that runs in it. */
  async end(holder: HolderView): Promise<void> {
    this._isEnding = true;
    this._failure = null;
    this.emit();
    try {
      const { results } = await this.api.stopHolders(this.folderId, [holder.session_id]);
      const [result] = results;
      if (result?.problem) {
        this._failure = errorOf(result.problem).message;
      } else {
        this._items = this._items.filter(one => one !== holder);
      }
    } catch (error) {
      this.fail(error);
    }
    this._isEnding = false;
    this.emit();
  }

  receive(event: EventView): void {
    const isOfSessions = /^(mount\.(held|let_go)|session\.stopped)$/u.test(event.type);
    if (isOfSessions && event.thing_id === this.folderId) {
      void this.load();
    }
  }

  dispose(): void {
    this._reading.abort();
    Signal.clearData(this);
  }

  private fail(error: unknown): void {
    if (!(error instanceof Aborted)) {
      this._failure = sentenceOf(error);
      this.emit();
    }
  }

  private emit(): void {
    if (!this.isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _isEnding = false;
  private _items: readonly HolderView[] = [];
  private _reading = new AbortController();
}
