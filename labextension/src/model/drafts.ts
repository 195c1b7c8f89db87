import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import type { ThingKind } from '../api/things';
import { newKey } from '../api/transport';
import type { NewGrant, Problem } from '../api/types';
import type { Offer, ReceiverKind } from './receivers';
import { Receivers } from './receivers';
import type { Tick } from './ticks';
import { usualTicks } from './ticks';

/** One receiver who is about to be invited. */
export interface Draft {
  /** Tells drafts apart while the name is being corrected. */
  id: number;
  name: string;
  kind: ReceiverKind;
  level: string;
  /** Of a machine: what they may do there. */
  ticks: readonly Tick[] | null;
  /** What was wrong with this one when it was sent. */
  problem: Problem | null;
}

/** Who is to be invited to a thing, which need not be there yet. */
export class DraftsModel implements IDisposable {
  constructor(
    protected readonly api: ApiClient,
    readonly thingKind: ThingKind,
    public defaultLevel: string
  ) {
    this._receivers = new Receivers(api);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get drafts(): readonly Draft[] {
    return this._drafts;
  }

  /** When the invitations end by themselves (UTC, ISO 8601); null: never. */
  get endsAt(): string | null {
    return this._endsAt;
  }

  get isSending(): boolean {
    return this._isSending;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  /**
   * Adds a receiver; a name that is there already is not added twice. Without a `kind`, a name
   * that one of the visitor's teams has is that team's.
   */
  add(name: string, kind?: ReceiverKind): void {
    const trimmed = name.trim();
    if (trimmed && !this._drafts.some(draft => draft.name === trimmed)) {
      const draft = {
        id: ++this._lastId,
        name: trimmed,
        kind: kind ?? this._receivers.kindOf(trimmed),
        level: this.defaultLevel,
        ticks: this.usual(this.defaultLevel),
        problem: null
      };
      this.edit([...this._drafts, draft]);
    }
  }

  /** Corrects a receiver in place; another level has its usual ticks. */
  amend(id: number, change: Partial<Pick<Draft, 'name' | 'level' | 'ticks'>>): void {
    const { name, level } = change;
    const kind = name === undefined ? {} : { kind: this._receivers.kindOf(name.trim()) };
    const usual = level === undefined ? {} : { ticks: this.usual(level) };
    this.edit(
      this._drafts.map(draft =>
        draft.id === id ? { ...draft, ...usual, ...change, ...kind, problem: null } : draft
      )
    );
  }

  drop(id: number): void {
    this.edit(this._drafts.filter(draft => draft.id !== id));
  }

  setEndsAt(endsAt: string | null): void {
    this._endsAt = endsAt;
    this.edit(this._drafts);
  }

  /** The drafts as the service takes them. */
  grants(drafts: readonly Draft[] = this._drafts): NewGrant[] {
    return drafts.map(({ name, kind, level, ticks }) => ({
      receiver: name,
      receiver_kind: kind,
      level,
      ends_at: this._endsAt,
      ...(ticks === null ? {} : { ticks: [...ticks] })
    }));
  }

  /** Teams and team-mates whose names begin with `q`, but for those who are drafts already. */
  search(q: string): Promise<Offer[]> {
    return this._receivers.search(q, new Set(this._drafts.map(draft => draft.name)));
  }

  /** The visitor's teams, so that they are offered. */
  loadTeams(): Promise<void> {
    return this._receivers.load(this._abort.signal);
  }

  dispose(): void {
    this._abort.abort();
    this._receivers.abort();
    Signal.clearData(this);
  }

  /** Another content is another deed: it gets a key of its own. */
  protected edit(drafts: readonly Draft[]): void {
    this._drafts = drafts;
    this._key = newKey();
    this.emit();
  }

  protected sending(isSending: boolean): void {
    this._isSending = isSending;
    this.emit();
  }

  protected emit(): void {
    if (!this.isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private usual(level: string): readonly Tick[] | null {
    return this.thingKind === 'machine' ? usualTicks(level) : null;
  }

  protected _abort = new AbortController();
  protected _drafts: readonly Draft[] = [];
  protected _key = newKey();
  private _changed = new Signal<this, void>(this);
  private _endsAt: string | null = null;
  private _isSending = false;
  private _lastId = 0;
  private _receivers: Receivers;
}
