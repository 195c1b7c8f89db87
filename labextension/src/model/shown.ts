import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { sentenceOf } from '../api/problem';
import type { EventView, ShowingView, Standing } from '../api/types';

const LOOK_AGAIN_MS = 2000;
const CHANGES = /^mount\.(shown|hidden)$/u;

/** Which of the visitor's folders are mounted on machines, too, and how they stand there. */
export class ShownModel implements IDisposable {
  constructor(private readonly api: ApiClient) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get items(): readonly ShowingView[] {
    return this._items;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The choice for a folder and a machine; null: it is not shown there. */
  of(folderId: string, machineId: string): ShowingView | null {
    return this._items.find(isAbout(folderId, machineId)) ?? null;
  }

  /** How it stands there; null where the machine is off, or this session does not have it. */
  standing(folderId: string, machineId: string): Standing | null {
    return this._standing.find(isAbout(folderId, machineId)) ?? null;
  }

  /**
   * Loads it, and looks again and again how it stands until the function that this gives is called:
   * what becomes of a choice is the notebook server's to know, and no event tells it.
   */
  watch(): () => void {
    this._watching += 1;
    void this.load();
    return () => {
      this._watching -= 1;
    };
  }

  load(): Promise<void> {
    return this.looked(async () => {
      const [{ items }, { shown }] = await Promise.all([
        this.api.shownFolders(),
        this.api.shownHere()
      ]);
      Object.assign(this, { _items: items, _standing: shown });
    });
  }

  /** Who could read it there, in a sentence for the person. */
  look(folderId: string, machineId: string): Promise<ShowingView> {
    return this.api.showing(folderId, machineId);
  }

  /** Has it there, after the person has read that sentence. */
  async show(folderId: string, machineId: string): Promise<void> {
    await this.api.show(folderId, machineId);
    await this.load();
  }

  async hide(folderId: string, machineId: string): Promise<void> {
    await this.api.hide(folderId, machineId);
    await this.load();
  }

  receive(event: EventView): void {
    if (CHANGES.test(event.type)) {
      void this.load();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._again);
    Signal.clearData(this);
  }

  private async looked(look: () => Promise<void>): Promise<void> {
    clearTimeout(this._again);
    try {
      await look();
      this._failure = null;
    } catch (error) {
      this._failure = sentenceOf(error);
    }
    if (this._isDisposed) {
      return;
    }
    this._changed.emit(undefined);
    clearTimeout(this._again);
    this._again = setTimeout(() => void this.lookAgain(), LOOK_AGAIN_MS);
  }

  private async lookAgain(): Promise<void> {
    if (this._watching > 0 && this._items.length > 0) {
      await this.looked(async () => {
        this._standing = (await this.api.shownHere()).shown;
      });
    }
  }

  private _again: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _isDisposed = false;
  private _items: readonly ShowingView[] = [];
  private _standing: readonly Standing[] = [];
  private _watching = 0;
}

function isAbout(
  folderId: string,
  machineId: string
): (one: { folder_id: string; machine_id: string }) => boolean {
  return one => one.folder_id === folderId && one.machine_id === machineId;
}
