import type { IDisposable } from '@lumino/disposable';

import type { LiveList } from './livelist';

const PAUSE_MS = 2000;

/** Looks at a list again while something in it is under way: how far it is has no events. */
export class WhileUnderWay<T extends { id: string }> implements IDisposable {
  constructor(
    private readonly list: LiveList<T>,
    private readonly isUnderWay: (item: T) => boolean
  ) {
    list.changed.connect(this.onChanged);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.list.changed.disconnect(this.onChanged);
    clearTimeout(this._next);
  }

  private readonly onChanged = (): void => {
    if (!this._isDisposed && this.list.items.some(this.isUnderWay)) {
      this._next ??= setTimeout(() => {
        this._next = undefined;
        void this.list.refresh();
      }, PAUSE_MS);
    }
  };

  private _isDisposed = false;
  private _next: ReturnType<typeof setTimeout> | undefined;
}
