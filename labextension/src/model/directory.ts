import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { DirectoryApi } from '../api/machinefiles';
import { Aborted, errorOf, NotThere, sentenceOf } from '../api/problem';
import type { ThingKind } from '../api/things';
import { kindOf } from '../api/things';
import { newKey } from '../api/transport';
import type { EntryView, EventView, FolderView, Problem } from '../api/types';
import { concerns, detail, isEnding } from './application';
import type { Order } from './order';
import { FIRST_ORDER } from './order';
import { SelectionModel } from './selection';

const PAGE = 1000;
const SETTLE_MS = 250;

/** Why there is nothing to show any more. `event` is null when nobody told us. */
export interface Ended {
  event: EventView | null;
}

/** Something that was to go, and is still there. */
export interface Left {
  path: string;
  because: string;
}

const AT_ONCE = 1000;

function inBatches(paths: readonly string[]): string[][] {
  const count = Math.ceil(paths.length / AT_ONCE);
  return Array.from({ length: count }, (_, at) => paths.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
}

function leftOf(path: string, problem: Problem): Left {
  return { path, because: errorOf(problem).message };
}

/** Pages as one list. What has changed since it came may come again, where it belongs now. */
function joined(before: readonly EntryView[], page: readonly EntryView[]): EntryView[] {
  const came = new Set(page.map(entry => entry.path));
  return [...before.filter(entry => !came.has(entry.path)), ...page];
}

/** One folder as the visitor walks through it. */
export class DirectoryModel implements IDisposable {
  constructor(
    readonly api: DirectoryApi,
    readonly folderId: string,
    private readonly me: () => string,
    path = ''
  ) {
    this._path = path;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Of what is shown, what the person has selected. */
  readonly selection = new SelectionModel();

  /** Null until the service has answered, and after access has ended. */
  get folder(): FolderView | null {
    return this._folder;
  }

  /** Whether these are files of a folder, or of a machine. */
  get kind(): ThingKind {
    return kindOf(this.folderId);
  }

  get path(): string {
    return this._path;
  }

  get filter(): string {
    return this._filter;
  }

  /** How the entries follow each other: the service sorts them, page by page. */
  get order(): Order {
    return this._order;
  }

  get entries(): readonly EntryView[] {
    return this._entries;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  get isLoading(): boolean {
    return this._loading !== null;
  }

  /** False until the first page of this directory is there. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  get failure(): string | null {
    return this._failure;
  }

  /** Set when access has ended; the files are gone from the view then. */
  get ended(): Ended | null {
    return this._ended;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether directories can be fetched as archives: machines don't make them. */
  get hasArchives(): boolean {
    return this.kind === 'folder' && this.may('download');
  }

  may(action: string): boolean {
    return this._folder?.actions.includes(action) ?? false;
  }

  /** The folder and its first page. */
  async open(): Promise<void> {
    await Promise.all([this.loadFolder(), this.list(1)]);
  }

  /** Where one is when it is opened. */
  beginAt(path: string): void {
    this._path = path;
  }

  async enter(path: string): Promise<void> {
    this._path = path;
    this._filter = '';
    this.empty();
    await this.list(1);
  }

  async setFilter(filter: string): Promise<void> {
    this._filter = filter;
    await this.list(1);
  }

  /** The first page in another order; of what is selected, what is on it stays so. */
  async setOrder(order: Order): Promise<void> {
    this._order = order;
    // A page goes on only in its own order.
    this._next = null;
    this._isLoaded = false;
    await this.list(1);
  }

  /** The same place again, with as much of it as was there. */
  async reload(): Promise<void> {
    await this.list(Math.max(1, Math.ceil(this._entries.length / PAGE)));
  }

  async loadMore(): Promise<void> {
    if (this._next === null || this._loading || this._ended) {
      return;
    }
    await this.guarded(async signal => {
      const page = await this.page(this._next, signal);
      this._entries = joined(this._entries, page.items);
      this._next = page.next ?? null;
    });
  }

  async createDirectory(name: string, key = newKey()): Promise<void> {
    await this.api.createDirectory(this.folderId, this.at(name), key);
    await this.reload();
  }

  async rename(entry: EntryView, name: string): Promise<void> {
    const above = entry.path.slice(0, entry.path.lastIndexOf('/') + 1);
    await this.api.moveFile(this.folderId, entry.path, `${above}${name}`);
    await this.reload();
  }

  async remove(entry: EntryView): Promise<void> {
    if (entry.kind === 'directory') {
      const { results } = await this.api.deleteMany(this.folderId, [entry.path]);
      const problem = results[0]?.problem;
      if (problem) {
        throw errorOf(problem);
      }
    } else {
      await this.api.deleteFile(this.folderId, entry.path);
    }
    await this.reload();
  }

  /** Deletes each by itself, directories with all that is in them; those that are still there. */
  async removeMany(paths: readonly string[]): Promise<Left[]> {
    const left: Left[] = [];
    for (const some of inBatches(paths)) {
      const { results } = await this.api.deleteMany(this.folderId, some);
      results.forEach(({ path, problem }) => problem && left.push(leftOf(path, problem)));
    }
    await this.reload();
    return left;
  }

  /** Moves each by itself to another directory of the folder; those that are where they were. */
  async moveMany(paths: readonly string[], directory: string): Promise<Left[]> {
    const left: Left[] = [];
    for (const some of inBatches(paths)) {
      const moves = some.map(source => {
        const name = source.slice(source.lastIndexOf('/') + 1);
        return { source, target: directory ? `${directory}/${name}` : name };
      });
      const { results } = await this.api.moveMany(this.folderId, moves);
      results.forEach(({ source, problem }) => problem && left.push(leftOf(source, problem)));
    }
    await this.reload();
    return left;
  }

  /** The path of `name` in the directory shown. */
  at(name: string): string {
    return this._path ? `${this._path}/${name}` : name;
  }

  receive(event: EventView): void {
    if (event.thing_id !== this.folderId) {
      return;
    }
    const isMyEnd = isEnding(event) && concerns(event, this.me());
    // Other events of the same moment, as of the mount that goes, must not hide why.
    this._ending = isMyEnd ? event : this._ending;
    if (this._ended) {
      this.afterTheEnd(event);
    } else if (event.type === 'files.changed') {
      this.onFilesChanged(detail(event, 'path') ?? '');
    } else if (event.type === 'folder.trashed' || event.type === 'folder.deleted') {
      this.end(event);
    } else {
      void this.loadFolder();
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._settling);
      this._loading?.abort();
      Signal.clearData(this);
    }
  }

  /** A folder that comes back (restored, accepted again) opens again where it was. */
  private afterTheEnd(event: EventView): void {
    if (event.type === 'folder.restored' || event.type === 'grant.accepted') {
      void this.open();
    } else if (this._ended?.event === null && event === this._ending) {
      this._ended = { event };
      this.emit();
    }
  }

  private async loadFolder(): Promise<void> {
    const look = ++this._look;
    try {
      const folder = await this.api.folder(this.folderId);
      if (look === this._look) {
        this._folder = folder;
        this._ended = folder.state === 'live' ? null : { event: this._ending };
        this._ending = null;
      }
    } catch (error) {
      if (look === this._look) {
        this.onFailure(error);
      }
    }
    this.emit();
  }

  private async list(pages: number): Promise<void> {
    await this.guarded(async signal => {
      let { items, next = null } = await this.page(null, signal);
      for (let read = 1; read < pages && next !== null; read++) {
        const page = await this.page(next, signal);
        items = joined(items, page.items);
        next = page.next ?? null;
      }
      this._entries = items;
      this._next = next;
      this._isLoaded = true;
      this.selection.keep([...items.map(entry => entry.path), ...this.deeperSelected()]);
    });
  }

  /** What lies further down is in a tree, which knows when it is gone. */
  private deeperSelected(): string[] {
    const start = this._path ? this._path.length + 1 : 0;
    return this.selection.paths.filter(path => path.includes('/', start));
  }

  /** Runs the newest look alone: an older one's answer is not wanted any more. */
  private async guarded(look: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this._loading?.abort();
    const loading = new AbortController();
    this._loading = loading;
    this.emit();
    try {
      await look(loading.signal);
      this._failure = null;
    } catch (error) {
      if (!(error instanceof Aborted)) {
        this.onFailure(error);
      }
    }
    if (this._loading === loading) {
      this._loading = null;
      this.emit();
    }
  }

  private page(
    after: string | null,
    signal: AbortSignal
  ): Promise<{ items: EntryView[]; next?: string | null }> {
    const { by: order, descending } = this._order;
    const asked = { q: this._filter, after, limit: PAGE, order, descending, signal };
    return this.api.entries(this.folderId, this._path, asked);
  }

  private onFailure(error: unknown): void {
    if (!(error instanceof NotThere)) {
      this._failure = sentenceOf(error);
    } else if (this._path && this._folder && !this._ending) {
      void this.stepUp();
    } else {
      this.end(this._ending);
    }
  }

  /** The directory shown is gone: its parent may still be there. */
  private async stepUp(): Promise<void> {
    await this.enter(this._path.split('/').slice(0, -1).join('/'));
  }

  private onFilesChanged(path: string): void {
    const within = !path || !this._path || path === this._path;
    if (within || path.startsWith(`${this._path}/`) || this._path.startsWith(`${path}/`)) {
      clearTimeout(this._settling);
      this._settling = setTimeout(() => void this.reload(), SETTLE_MS);
    }
  }

  private end(event: EventView | null): void {
    this._look++; // what is under way is older
    this._loading?.abort();
    this._ended = { event };
    this._folder = null;
    this.empty();
    this.emit();
  }

  private empty(): void {
    this.selection.set([]);
    this._entries = [];
    this._next = null;
    this._isLoaded = false;
  }

  private emit(): void {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private _changed = new Signal<this, void>(this);
  private _ended: Ended | null = null;
  /** Why it may not be open any more; the service says whether. */
  private _ending: EventView | null = null;
  private _entries: readonly EntryView[] = [];
  private _failure: string | null = null;
  private _filter = '';
  private _folder: FolderView | null = null;
  private _isDisposed = false;
  private _isLoaded = false;
  private _loading: AbortController | null = null;
  private _look = 0;
  private _next: string | null = null;
  private _order = FIRST_ORDER;
  private _path: string;
  private _settling: ReturnType<typeof setTimeout> | undefined;
}
