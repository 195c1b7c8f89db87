import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { newKey } from '../api/transport';
import type { CloneView, EventView } from '../api/types';
import type { Applied } from './application';
import { LiveList } from './livelist';
import { WhileUnderWay } from './whileunderway';

const PAGE = 200;

/** The visitor's copies of folders that are under way, or that failed. */
export class ClonesModel implements IDisposable {
  constructor(private readonly api: ApiClient) {
    this.all = new LiveList<CloneView>({
      page: (after, signal) => api.clones({ after, limit: PAGE, signal }),
      apply: applyToClones
    });
    this.watch = new WhileUnderWay(this.all, clone => clone.state === 'copying');
  }

  get changed(): ISignal<LiveList<CloneView>, void> {
    return this.all.changed;
  }

  /** A copy that is whole is a folder among the others. */
  get items(): readonly CloneView[] {
    return this.all.items.filter(({ state }) => state === 'copying' || state === 'failed');
  }

  get isDisposed(): boolean {
    return this.all.isDisposed;
  }

  refresh(): Promise<void> {
    return this.all.refresh();
  }

  receive(event: EventView): void {
    this.all.receive(event);
  }

  /** Raises `NameTaken` when the visitor has a folder of that name. */
  async begin(folderId: string, name: string, key = newKey()): Promise<void> {
    await this.api.clone(folderId, name, key);
    await this.all.refresh();
  }

  /** Gives a copy up that is under way, or takes one that failed off the list. */
  async forget(id: string): Promise<void> {
    await this.api.forgetClone(id);
    this.all.remove(id);
  }

  dispose(): void {
    this.watch.dispose();
    this.all.dispose();
  }

  private readonly all: LiveList<CloneView>;
  private readonly watch: WhileUnderWay<CloneView>;
}

function applyToClones(items: readonly CloneView[], event: EventView): Applied<CloneView> {
  return { items, stale: event.type.startsWith('clone.') };
}
