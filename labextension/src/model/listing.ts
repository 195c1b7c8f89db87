import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { DirectoryApi } from '../api/machinefiles';
import type { EntryView } from '../api/types';
import type { DirectoryModel } from './directory';
import type { Column, Order } from './order';
import { pressed } from './order';

const PAGE = 1000;

/** An entry where it is shown. */
export interface Row {
  entry: EntryView;
  /** How deep below the directory shown; 0: in it. */
  depth: number;
  /** Whether what is in it is shown, too; null for what has nothing in it. */
  isOpen: boolean | null;
}

/** What was read of an unfolded directory so far. */
interface Branch {
  entries: readonly EntryView[];
  /** Where it goes on; null: that is all. */
  next: string | null;
  isReading: boolean;
}

/** How a directory is looked at: as a list or a tree, in which order, what is unfolded. */
export class ListingModel implements IDisposable {
  constructor(
    private readonly api: DirectoryApi,
    readonly directory: DirectoryModel
  ) {
    directory.changed.connect(this.onDirectory);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isTree(): boolean {
    return this._isTree;
  }

  get order(): Order {
    return this.directory.order;
  }

  /** What is shown, from top to bottom. */
  get rows(): readonly Row[] {
    this._rows ??= this.below(this.directory.entries, 0);
    return this._rows;
  }

  /** Whether there is more than what is shown, here or in what is unfolded. */
  get hasMore(): boolean {
    return this.directory.hasMore || [...this._branches.values()].some(({ next }) => next !== null);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** These rows are in sight: what is unfolded is read on where it is about to end. */
  inSight(first: number, last: number): void {
    const paths = new Set(this.rows.slice(first, last).map(({ entry }) => entry.path));
    for (const [path, branch] of this._branches) {
      const end = branch.entries[branch.entries.length - 1];
      if (branch.next !== null && !branch.isReading && end && paths.has(end.path)) {
        void this.load(path, branch.entries.length + PAGE);
      }
    }
  }

  find(path: string): EntryView | undefined {
    return this.rows.find(row => row.entry.path === path)?.entry;
  }

  showAsTree(isTree: boolean): void {
    this._isTree = isTree;
    this.fold();
    this.emit();
  }

  /** Sorts by a column; by the one that it is sorted by, the other way round. */
  sortBy(column: Column): void {
    void this.directory.setOrder(pressed(this.order, column));
  }

  /** Shows or hides what is in a directory of the tree. */
  async setOpen(path: string, isOpen: boolean): Promise<void> {
    if (!isOpen) {
      this._branches.delete(path);
      this.emit();
      this.directory.selection.keep(this.paths());
    } else if (!this._branches.has(path)) {
      this._branches.set(path, { entries: [], next: null, isReading: false });
      await this.load(path, PAGE);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    this.directory.changed.disconnect(this.onDirectory);
    Signal.clearData(this);
  }

  private below(entries: readonly EntryView[], depth: number): Row[] {
    return entries.flatMap(entry => {
      const branch = this._branches.get(entry.path);
      const mayOpen = this._isTree && entry.kind === 'directory';
      const row = { entry, depth, isOpen: mayOpen ? branch !== undefined : null };
      return mayOpen && branch ? [row, ...this.below(branch.entries, depth + 1)] : [row];
    });
  }

  private readonly onDirectory = (): void => {
    const { path, entries } = this.directory;
    if (path !== this._path) {
      this._path = path;
      this.fold();
    } else if (entries !== this._entries) {
      // What made the directory look again may have happened further down.
      this._branches.forEach(({ entries: read }, branch) => void this.load(branch, read.length));
    }
    this._entries = entries;
    this.emit();
  };

  /** Reads a branch anew, until there are so many of its entries or all. */
  private async load(path: string, wanted: number): Promise<void> {
    const { order } = this;
    const before = this._branches.get(path);
    if (before) {
      this._branches.set(path, { ...before, isReading: true });
    }
    const read = await this.read(path, wanted).catch(() => null);
    // It may have been closed meanwhile; in another order, all of them are read again.
    if (this._branches.has(path) && order === this.order) {
      if (read) {
        this._branches.set(path, read);
      } else {
        this._branches.delete(path);
      }
      this.emit();
      this.directory.selection.keep(this.paths());
    }
  }

  private async read(path: string, wanted: number): Promise<Branch> {
    const entries: EntryView[] = [];
    const { by: order, descending } = this.order;
    let next: string | null = null;
    do {
      const asked = { after: next, limit: PAGE, order, descending };
      const page: { items: EntryView[]; next?: string | null } = await this.api.entries(
        this.directory.folderId,
        path,
        asked
      );
      entries.push(...page.items);
      next = page.next ?? null;
    } while (next !== null && entries.length < wanted);
    return { entries, next, isReading: false };
  }

  private fold(): void {
    this._branches.clear();
  }

  private paths(): string[] {
    return this.rows.map(row => row.entry.path);
  }

  private emit(): void {
    this._rows = null;
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  /** What is in each unfolded directory. */
  private _branches = new Map<string, Branch>();
  private _changed = new Signal<this, void>(this);
  private _entries: readonly EntryView[] = [];
  private _isDisposed = false;
  private _isTree = false;
  private _path = '';
  private _rows: readonly Row[] | null = null;
}
