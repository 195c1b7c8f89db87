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

  async load(): Promise<void> {
    clearTimeout(this._again);
    try {
      const [{ items }, { shown }] = await Promise.all([
        this.api.shownFolders(),
        this.api.shownHere()
      ]);
      Object.assign(this, { _items: items, _standing: shown, _failure: null });
    } catch (error) {
      this._failure = sentenceOf(error);
    }
    if (this._isDisposed) {
      return;
    }
    this._changed.emit(undefined);
    // What becomes of it is the notebook server's to know, and no event tells it.
    if (this._items.some(({ folder_id: f, machine_id: m }) => this.isComing(f, m))) {
      this._again = setTimeout(() => void this.load(), LOOK_AGAIN_MS);
    }
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

  private isComing(folderId: string, machineId: string): boolean {
    return this.standing(folderId, machineId)?.state === 'waiting';
  }

  private _again: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _isDisposed = false;
  private _items: readonly ShowingView[] = [];
  private _standing: readonly Standing[] = [];
}

function isAbout(
  folderId: string,
  machineId: string
): (one: { folder_id: string; machine_id: string }) => boolean {
  return one => one.folder_id === folderId && one.machine_id === machineId;
}
