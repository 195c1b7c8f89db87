import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { Aborted, sentenceOf } from '../api/problem';
import type { EntryView, SnapshotView } from '../api/types';

const PAGE = 1000;

/** A folder as it was when a snapshot of it was made. */
export class PastModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    private readonly folderId: string,
    readonly snapshot: SnapshotView
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get path(): string {
    return this._path;
  }

  get entries(): readonly EntryView[] {
    return this._entries;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  /** False until the first page of this directory is there. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  async enter(path: string): Promise<void> {
    this._path = path;
    this._entries = [];
    this._next = null;
    this._isLoaded = false;
    await this.read();
  }

  async loadMore(): Promise<void> {
    if (this._next !== null && !this._isReading) {
      await this.read();
    }
  }

  /** Takes a file back to where it was, or to another path; raises `AlreadyThere` where one is. */
  async restore(path: string, target: string | null, overwrite: boolean): Promise<void> {
    await this.api.restoreFile(this.folderId, this.snapshot.id, { path, target, overwrite });
  }

  dispose(): void {
    this._isDisposed = true;
    this._reading.abort();
    Signal.clearData(this);
  }

  private async read(): Promise<void> {
    this._reading.abort();
    const reading = new AbortController();
    this._reading = reading;
    this._isReading = true;
    this.emit();
    try {
      const asked = { after: this._next, limit: PAGE, signal: reading.signal };
      const { api, folderId, snapshot } = this;
      const page = await api.snapshotEntries(folderId, snapshot.id, this._path, asked);
      this._entries = [...this._entries, ...page.items];
      this._next = page.next ?? null;
      this._isLoaded = true;
      this._failure = null;
    } catch (error) {
      this._failure = error instanceof Aborted ? this._failure : sentenceOf(error);
    }
    if (this._reading === reading) {
      this._isReading = false;
      this.emit();
    }
  }

  private emit(): void {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private _changed = new Signal<this, void>(this);
  private _entries: readonly EntryView[] = [];
  private _failure: string | null = null;
  private _isDisposed = false;
  private _isLoaded = false;
  private _isReading = false;
  private _next: string | null = null;
  private _path = '';
  private _reading = new AbortController();
}
