import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { errorOf, sentenceOf } from '../api/problem';
import type { EventView, ManyResults, ShareView } from '../api/types';
import { LiveList } from './livelist';
import { SelectionModel } from './selection';
import type { Kept, ShareColumn, ShareOrder } from './sharelist';
import { fitsShare, orderedShares, turned } from './sharelist';

const PAGE = 200;
const AT_ONCE = 500;
const SETTLE_MS = 400;

/** From which side one looks: what one gives, or what one gets. */
export type Side = 'given' | 'received';

/** A share that was to be another, and is as it was. */
export interface Refusal {
  share: ShareView;
  because: string;
}

/** What became of a change of many. */
export interface Outcome {
  done: number;
  refused: readonly Refusal[];
  /** What was cut in running sessions, in a sentence. */
  inSessions: string | null;
}

/** Everything that the visitor shares, and everything that is shared with them. */
export class SharesModel implements IDisposable {
  constructor(private readonly api: ApiClient) {
    const list = (side: Side): LiveList<ShareView> =>
      new LiveList<ShareView>({
        page: (after, signal) => api.shares(side, { after, limit: PAGE, signal }),
        apply: items => ({ items, stale: false })
      });
    this.lists = { given: list('given'), received: list('received') };
    Object.values(this.lists).forEach(one => one.changed.connect(this.onChanged));
  }

  readonly selection = new SelectionModel();

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get side(): Side {
    return this._side;
  }

  get order(): ShareOrder {
    return this._order;
  }

  get kept(): Kept {
    return this._kept;
  }

  get query(): string {
    return this._query;
  }

  get isLoaded(): boolean {
    return this.lists[this._side].isLoaded;
  }

  get failure(): string | null {
    return this.lists[this._side].failure;
  }

  /** What is shown, from top to bottom. */
  get items(): readonly ShareView[] {
    const all = this.lists[this._side].items;
    const shown = all.filter(share => fitsShare(share, this._query, this._kept));
    return orderedShares(shown, this._order);
  }

  get selected(): readonly ShareView[] {
    return this.items.filter(({ id }) => this.selection.has(id));
  }

  /** What became of the last change of many; null until there is one. */
  get outcome(): Outcome | null {
    return this._outcome;
  }

  get isBusy(): boolean {
    return this._isBusy;
  }

  get isDisposed(): boolean {
    return this.lists.given.isDisposed;
  }

  async open(): Promise<void> {
    await Promise.all([this.lists.given.refresh(), this.lists.received.refresh()]);
  }

  look(side: Side): void {
    this._side = side;
    this._outcome = null;
    this.selection.set([]);
    this.emit();
  }

  narrow(query: string, kept: Kept): void {
    this._query = query;
    this._kept = kept;
    this.selection.keep(this.items.map(({ id }) => id));
    this.emit();
  }

  sortBy(column: ShareColumn): void {
    this._order = turned(this._order, column);
    this.emit();
  }

  /** Gives what is selected another level, or another end (null: none). */
  async change(change: { level?: string; ends_at?: string | null }): Promise<void> {
    await this.together(some =>
      this.api.changeMany(
        some.map(({ id, version }) => ({ id, version })),
        change
      )
    );
  }

  /** Takes what is selected away; what nobody has answered yet is cancelled. */
  async revoke(): Promise<void> {
    await this.together(some => this.api.revokeMany(some.map(({ id }) => id)));
  }

  async accept(): Promise<void> {
    await this.each(({ id }) => this.api.accept(id));
  }

  async decline(): Promise<void> {
    await this.each(({ id }) => this.api.decline(id));
  }

  async leave(): Promise<void> {
    const left = new Map<string, Promise<unknown>>();
    await this.each(({ thing_id: id }) => {
      // Two ways to one thing are left together.
      const leaving = left.get(id) ?? this.api.leave(id);
      left.set(id, leaving);
      return leaving;
    });
  }

  receive(event: EventView): void {
    if (/^(grant|team|folder|machine|drive|hand_over)\./u.test(event.type)) {
      this._settling ??= setTimeout(() => {
        this._settling = undefined;
        void this.open();
      }, SETTLE_MS);
    }
  }

  dispose(): void {
    clearTimeout(this._settling);
    Object.values(this.lists).forEach(one => one.dispose());
    Signal.clearData(this);
  }

  /** In as many requests as it takes; each share has a result of its own. */
  private async together(
    deed: (some: readonly ShareView[]) => Promise<ManyResults>
  ): Promise<void> {
    await this.run(async (shares, outcome) => {
      for (let at = 0; at < shares.length; at += AT_ONCE) {
        const some = shares.slice(at, at + AT_ONCE);
        const { results, in_sessions: told } = await deed(some);
        outcome.inSessions = told ?? outcome.inSessions;
        results.forEach(({ grant_id: id, problem }) => {
          const share = some.find(one => one.id === id);
          if (share && problem) {
            outcome.refused.push({ share, because: errorOf(problem).message });
          } else {
            outcome.done++;
          }
        });
      }
    });
  }

  /** One after the other, for what there is no request for many. */
  private async each(deed: (share: ShareView) => Promise<unknown>): Promise<void> {
    await this.run(async (shares, outcome) => {
      for (const share of shares) {
        try {
          await deed(share);
          outcome.done++;
        } catch (error) {
          outcome.refused.push({ share, because: sentenceOf(error) });
        }
      }
    });
  }

  private async run(
    deed: (shares: readonly ShareView[], outcome: OpenOutcome) => Promise<void>
  ): Promise<void> {
    const { selected } = this;
    const outcome: OpenOutcome = { done: 0, refused: [], inSessions: null };
    this._isBusy = true;
    this.emit();
    try {
      await deed(selected, outcome);
    } catch (error) {
      const told = outcome.done + outcome.refused.length;
      const because = sentenceOf(error);
      outcome.refused.push(...selected.slice(told).map(share => ({ share, because })));
    }
    this._isBusy = false;
    this._outcome = outcome;
    // Those that were refused stay selected: one may try something else with them.
    this.selection.set(outcome.refused.map(({ share }) => share.id));
    await this.open();
    this.emit();
  }

  private readonly onChanged = (): void => {
    this.selection.keep(this.items.map(({ id }) => id));
    this.emit();
  };

  private emit(): void {
    if (!this.isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private readonly lists: Record<Side, LiveList<ShareView>>;
  private _changed = new Signal<this, void>(this);
  private _isBusy = false;
  private _kept: Kept = 'all';
  private _order: ShareOrder = { by: 'thing', descending: false };
  private _outcome: Outcome | null = null;
  private _query = '';
  private _settling: ReturnType<typeof setTimeout> | undefined;
  private _side: Side = 'given';
}

interface OpenOutcome extends Outcome {
  done: number;
  refused: Refusal[];
  inSessions: string | null;
}
