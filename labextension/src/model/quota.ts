import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { sentenceOf } from '../api/problem';
import type { EventView, QuotaView } from '../api/types';

const SETTLE_MS = 1000;
const CHANGES = /^(files|folder|snapshot|clone|quota|hand_over)\./u;

/** What the visitor's folders hold, and may hold together. */
export class QuotaModel implements IDisposable {
  constructor(private readonly api: ApiClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the service has answered. */
  get quota(): QuotaView | null {
    return this._quota;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Bytes of a folder of the visitor's, with its snapshots; null for others'. */
  usedBy(folderId: string): number | null {
    const found = this._quota?.by_folder.find(one => one.folder_id === folderId);
    return found ? found.used + (found.snapshots ?? 0) : null;
  }

  async refresh(): Promise<void> {
    try {
      this._quota = await this.api.quota();
      this._failure = null;
    } catch (error) {
      this._failure = sentenceOf(error);
    }
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  /** Looks again after what may have changed it; once for many such events. */
  receive(event: EventView): void {
    if (CHANGES.test(event.type)) {
      this._settling ??= setTimeout(() => {
        this._settling = undefined;
        void this.refresh();
      }, SETTLE_MS);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._settling);
    Signal.clearData(this);
  }

  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _isDisposed = false;
  private _quota: QuotaView | null = null;
  private _settling: ReturnType<typeof setTimeout> | undefined;
}
