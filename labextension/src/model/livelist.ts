import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Aborted, sentenceOf } from '../api/problem';
import type { EventView } from '../api/types';
import type { Applied } from './application';

/** How a list gets its items, and what an event does to them. */
export interface ListSource<T> {
  page: (
    after: string | null,
    signal: AbortSignal
  ) => Promise<{ items: T[]; next?: string | null }>;
  apply: (items: readonly T[], event: EventView) => Applied<T>;
}

/**
 * A list that stays true while events and replies overtake each other.
 *
 * An event that arrives while a reply is under way is applied at once, again to the reply
 * (which may be older than the event), and followed by another look at the service.
 */
export class LiveList<T extends { id: string }> implements IDisposable {
  constructor(private readonly source: ListSource<T>) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly T[] {
    return this._items;
  }

  /** False until the first complete answer. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  /** Why the last look failed, in a sentence; null when it succeeded. */
  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  find(id: string): T | undefined {
    return this._items.find(item => item.id === id);
  }

  /** What an event says, applied at once; the service is asked where that is not enough. */
  receive(event: EventView): void {
    this._overtaken?.push(event);
    const { items, stale } = this.source.apply(this._items, event);
    this.set(items);
    if (stale) {
      void this.refresh();
    }
  }

  /** An item as the service has just told it, without waiting for the event. */
  put(item: T): void {
    if (this.find(item.id)) {
      this.set(this._items.map(other => (other.id === item.id ? item : other)));
    }
    void this.refresh();
  }

  /** Takes an item out that the service has just said is gone. */
  remove(id: string): void {
    this.set(this._items.filter(item => item.id !== id));
    void this.refresh();
  }

  /** Resolves when what is shown is at least as new as this call. */
  refresh(): Promise<void> {
    if (this._running) {
      // The look under way may have passed the change already: one more, for all who ask.
      this._following ??= this._running.then(() => {
        this._following = null;
        return this.start();
      });
      return this._following;
    }
    return this.start();
  }

  dispose(): void {
    this._abort.abort();
    Signal.clearData(this);
  }

  private start(): Promise<void> {
    this._running ??= this.load().finally(() => {
      this._running = null;
    });
    return this._running;
  }

  private async load(): Promise<void> {
    this._overtaken = [];
    try {
      const items = await this.allPages();
      this._isLoaded = true;
      this._failure = null;
      this.set(this.caughtUp(items, this._overtaken));
    } catch (error) {
      if (!(error instanceof Aborted)) {
        this._failure = sentenceOf(error);
        this._changed.emit(undefined);
      }
    } finally {
      this._overtaken = null;
    }
  }

  /** A reply with the events that overtook it. */
  private caughtUp(items: readonly T[], events: readonly EventView[]): readonly T[] {
    let list = items;
    for (const event of events) {
      const applied = this.source.apply(list, event);
      list = applied.items;
      if (applied.stale) {
        void this.refresh();
      }
    }
    return list;
  }

  private async allPages(): Promise<readonly T[]> {
    const items: T[] = [];
    let after: string | null = null;
    do {
      const page: { items: T[]; next?: string | null } = await this.source.page(
        after,
        this._abort.signal
      );
      items.push(...page.items);
      after = page.next ?? null;
    } while (after !== null);
    return items;
  }

  private set(items: readonly T[]): void {
    if (items === this._items && this._isLoaded && this._running === null) {
      return; // the event was about something else
    }
    this._items = items;
    this._changed.emit(undefined);
  }

  private _abort = new AbortController();
  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _following: Promise<void> | null = null;
  private _isLoaded = false;
  private _items: readonly T[] = [];
  /** The events of this look; null while none is under way. */
  private _overtaken: EventView[] | null = null;
  private _running: Promise<void> | null = null;
}
