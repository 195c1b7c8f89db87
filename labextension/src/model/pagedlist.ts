import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { Aborted } from '../api/problem';

interface PageOf<T> {
  items: T[];
  next?: string | null;
}

/** Asks for the page after a cursor; null: for the first. */
export type AskPage<T> = (after: string | null, signal: AbortSignal) => Promise<PageOf<T>>;

/** A list that may be too long to have all of: one page, and more as the person asks for it. */
export class PagedList<T> implements IDisposable {
  constructor(private ask: AskPage<T>) {}

  /** Emits whenever anything of it is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly T[] {
    return this._items;
  }

  /** False until the first page is there. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get isLoading(): boolean {
    return this._abort !== null;
  }

  /** Whether there is another page. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Why the last look failed; null when it succeeded. */
  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** From the first page on; `ask`: another list from now on. */
  async begin(ask: AskPage<T> = this.ask): Promise<void> {
    this.ask = ask;
    await this.load(null);
  }

  /** The next page, after what is there. */
  async more(): Promise<void> {
    if (this._next !== null && !this.isLoading) {
      await this.load(this._next);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    Signal.clearData(this);
  }

  /** A page may be empty before the last: what was left out of it was nothing for this person. */
  private async load(after: string | null): Promise<void> {
    this._abort?.abort();
    const abort = (this._abort = new AbortController());
    this._changed.emit(undefined);
    try {
      let from = after;
      const found: T[] = [];
      do {
        const page: PageOf<T> = await this.ask(from, abort.signal);
        found.push(...page.items);
        from = page.next ?? null;
      } while (found.length === 0 && from !== null);
      if (abort === this._abort) {
        this._items = after === null ? found : [...this._items, ...found];
        this._next = from;
        this._isLoaded = true;
        this._error = null;
      }
    } catch (error) {
      if (abort === this._abort && !(error instanceof Aborted)) {
        this._error = error;
      }
    }
    if (abort === this._abort) {
      this._abort = null;
      this._changed.emit(undefined);
    }
  }

  private _abort: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
  private _error: unknown = null;
  private _isDisposed = false;
  private _isLoaded = false;
  private _items: readonly T[] = [];
  private _next: string | null = null;
}
