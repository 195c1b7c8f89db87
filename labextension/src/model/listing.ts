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

  get isDisposed(): boolean {
    return this._isDisposed;
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
      this._branches.set(path, []);
      await this.load(path);
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
      return mayOpen && branch ? [row, ...this.below(branch, depth + 1)] : [row];
    });
  }

  private readonly onDirectory = (): void => {
    const { path, entries } = this.directory;
    if (path !== this._path) {
      this._path = path;
      this.fold();
    } else if (entries !== this._entries) {
      // What made the directory look again may have happened further down.
      [...this._branches.keys()].forEach(branch => void this.load(branch));
    }
    this._entries = entries;
    this.emit();
  };

  private async load(path: string): Promise<void> {
    const { order } = this;
    const loaded = await this.all(path).catch(() => null);
    // It may have been closed meanwhile; in another order, all of them are read again.
    if (this._branches.has(path) && order === this.order) {
      if (loaded) {
        this._branches.set(path, loaded);
      } else {
        this._branches.delete(path);
      }
      this.emit();
      this.directory.selection.keep(this.paths());
    }
  }

  /** What is unfolded is shown whole: only the directory itself is read on when it is scrolled. */
  private async all(path: string): Promise<EntryView[]> {
    const found: EntryView[] = [];
    const { by: order, descending } = this.order;
    let after: string | null = null;
    do {
      const asked = { after, limit: PAGE, order, descending };
      const page: { items: EntryView[]; next?: string | null } = await this.api.entries(
        this.directory.folderId,
        path,
        asked
      );
      found.push(...page.items);
      after = page.next ?? null;
    } while (after !== null);
    return found;
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
  private _branches = new Map<string, readonly EntryView[]>();
  private _changed = new Signal<this, void>(this);
  private _entries: readonly EntryView[] = [];
  private _isDisposed = false;
  private _isTree = false;
  private _path = '';
  private _rows: readonly Row[] | null = null;
}
