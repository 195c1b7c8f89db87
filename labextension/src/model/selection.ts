import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

/** How a row joins the selection: alone, besides the others, or with all between it and the last. */
export type Picking = 'one' | 'toggle' | 'extend';

/** Which entries of a directory the person has selected. */
export class SelectionModel {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get size(): number {
    return this._paths.size;
  }

  /** In the order of selecting. */
  get paths(): readonly string[] {
    return [...this._paths];
  }

  has(path: string): boolean {
    return this._paths.has(path);
  }

  /** Selects, in a directory that shows `all` in this order. */
  pick(path: string, how: Picking, all: readonly string[]): void {
    if (how === 'extend') {
      const ends = [all.indexOf(this._anchor ?? path), all.indexOf(path)];
      const first = Math.max(0, Math.min(...ends));
      this._paths = new Set([...this._paths, ...all.slice(first, Math.max(...ends) + 1)]);
    } else {
      const isIn = this._paths.has(path) && (how === 'toggle' || this._paths.size === 1);
      this._paths = new Set(how === 'toggle' ? this._paths : []);
      this._paths[isIn ? 'delete' : 'add'](path);
      this._anchor = path;
    }
    this._changed.emit(undefined);
  }

  set(paths: Iterable<string>): void {
    this._paths = new Set(paths);
    this._anchor = null;
    this._changed.emit(undefined);
  }

  /** Forgets what is not there any more. */
  keep(present: Iterable<string>): void {
    const there = new Set(present);
    const left = this.paths.filter(path => there.has(path));
    if (left.length < this.size) {
      this.set(left);
    }
  }

  private _anchor: string | null = null;
  private _changed = new Signal<this, void>(this);
  private _paths = new Set<string>();
}
