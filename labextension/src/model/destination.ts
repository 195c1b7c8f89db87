import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { DirectoryApi } from '../api/machinefiles';
import { Aborted, sentenceOf } from '../api/problem';
import type { EntryView } from '../api/types';

const PAGE = 200;

/** Where entries of a folder are to go: its directories, as the person walks through them. */
export class DestinationModel implements IDisposable {
  constructor(
    private readonly api: DirectoryApi,
    private readonly folderId: string,
    /** What is to be moved. */
    readonly paths: readonly string[],
    private readonly most = PAGE
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get path(): string {
    return this._path;
  }

  /** The directories in the one that is shown, as far as they were read. */
  get directories(): readonly EntryView[] {
    return this._directories;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  /** False until the first directories of the place are there. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get failure(): string | null {
    return this._failure;
  }

  /** Whether all that is to be moved is in the directory that is shown. */
  get isHere(): boolean {
    return this.paths.every(path => above(path) === this._path);
  }

  /** Whether a directory is itself to be moved: it can't go into itself. */
  isMoved(path: string): boolean {
    return this.paths.includes(path);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The directory that the person has just left for the one it is in. */
  get left(): string | null {
    return this._left;
  }

  async enter(path: string): Promise<void> {
    this._left = above(this._path) === path ? this._path : null;
    this._path = path;
    this._directories = [];
    this._next = null;
    this._isLoaded = false;
    this._failure = null;
    await this.read();
  }

  /** To the directory that the one shown is in; at the top there is none. */
  async leave(): Promise<void> {
    if (this._path) {
      await this.enter(above(this._path));
    }
  }

  async loadMore(): Promise<void> {
    if (this.hasMore && !this._isReading) {
      await this.read();
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._reading.abort();
      Signal.clearData(this);
    }
  }

  private async read(): Promise<void> {
    this._reading.abort();
    const reading = new AbortController();
    this._reading = reading;
    this._isReading = true;
    this.emit();
    try {
      const asked = { after: this._next, limit: this.most, signal: reading.signal };
      const { items, next = null } = await this.api.entries(this.folderId, this._path, asked);
      const found = items.filter(({ kind }) => kind === 'directory');
      this._directories = [...this._directories, ...found];
      // Directories come before all else: after the first file there are no more of them.
      this._next = found.length === items.length ? next : null;
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
  private _directories: readonly EntryView[] = [];
  private _failure: string | null = null;
  private _isDisposed = false;
  private _isLoaded = false;
  private _isReading = false;
  private _left: string | null = null;
  private _next: string | null = null;
  private _path = '';
  private _reading = new AbortController();
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
