import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { sentenceOf } from '../api/problem';
import type { EventView, FolderView, PeopleOfThing } from '../api/types';
import { movesMembers } from './application';

const SETTLE_MS = 250;

/** Who has one folder, kept up to date. */
export class PeopleModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    readonly folderId: string
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null until the service has answered, and after access has ended. */
  get folder(): FolderView | null {
    return this._folder;
  }

  get people(): PeopleOfThing | null {
    return this._people;
  }

  get failure(): string | null {
    return this._failure;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  async open(): Promise<void> {
    const look = ++this._look;
    try {
      const { api, folderId } = this;
      const [folder, people] = await Promise.all([api.folder(folderId), api.peopleOf(folderId)]);
      if (look === this._look) {
        Object.assign(this, { _folder: folder, _people: people, _failure: null });
      }
    } catch (error) {
      if (look === this._look) {
        Object.assign(this, { _folder: null, _people: null, _failure: sentenceOf(error) });
      }
    }
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  receive(event: EventView): void {
    const isAboutFiles = event.type === 'files.changed';
    if ((event.thing_id === this.folderId && !isAboutFiles) || movesMembers(event)) {
      clearTimeout(this._settling);
      this._settling = setTimeout(() => void this.open(), SETTLE_MS);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._settling);
    Signal.clearData(this);
  }

  private _changed = new Signal<this, void>(this);
  private _failure: string | null = null;
  private _folder: FolderView | null = null;
  private _isDisposed = false;
  private _look = 0;
  private _people: PeopleOfThing | null = null;
  private _settling: ReturnType<typeof setTimeout> | undefined;
}
