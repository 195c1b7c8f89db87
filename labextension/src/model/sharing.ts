import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { ChangedMeanwhile, sentenceOf } from '../api/problem';
import { newKey } from '../api/transport';
import type {
  Cut,
  EventView,
  GrantChange,
  GrantResult,
  GrantView,
  PeopleOfThing,
  Problem,
  Why
} from '../api/types';
import type { Offer, ReceiverKind } from './receivers';
import { Receivers } from './receivers';

/** One receiver who is about to be invited. */
export interface Draft {
  /** Tells drafts apart while the name is being corrected. */
  id: number;
  name: string;
  kind: ReceiverKind;
  level: string;
  /** What was wrong with this one when it was sent. */
  problem: Problem | null;
}

/** What the share dialog shows and does for one folder. */
export class SharingModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    readonly folderId: string,
    public defaultLevel = 'view'
  ) {
    this._receivers = new Receivers(api);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits sentences for a live region: what has just happened. */
  get said(): ISignal<this, Saying> {
    return this._said;
  }

  get drafts(): readonly Draft[] {
    return this._drafts;
  }

  /** When the invitations end by themselves (UTC, ISO 8601); null: never. */
  get endsAt(): string | null {
    return this._endsAt;
  }

  get people(): PeopleOfThing | null {
    return this._people;
  }

  get failure(): string | null {
    return this._failure;
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
        problem: null
      };
      this.edit([...this._drafts, draft]);
    }
  }

  /** Corrects a receiver in place. */
  amend(id: number, change: Partial<Pick<Draft, 'name' | 'level'>>): void {
    const { name } = change;
    const kind = name === undefined ? {} : { kind: this._receivers.kindOf(name.trim()) };
    this.edit(
      this._drafts.map(draft =>
        draft.id === id ? { ...draft, ...change, ...kind, problem: null } : draft
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

  /** Invites all drafts. Those that stand leave the list; the others say what is wrong. */
  async send(): Promise<void> {
    if (this._isSending || this._drafts.length === 0) {
      return;
    }
    this.sending(true);
    const sent = this._drafts;
    try {
      const grants = sent.map(({ name, kind, level }) => ({
        receiver: name,
        receiver_kind: kind,
        level,
        ends_at: this._endsAt
      }));
      const { results } = await this.api.invite(this.folderId, grants, this._key);
      this.sort(sent, results);
      await this.load();
    } catch (error) {
      this.fail(error);
    } finally {
      this.sending(false);
    }
  }

  /** Raises no error: a refusal, or somebody else's change, is said. */
  async change(grant: GrantView, change: GrantChange): Promise<void> {
    try {
      this.put(await this.api.changeGrant(grant.id, change, grant.version));
      this._said.emit({ kind: 'changed', names: [grant.receiver.name], text: null });
    } catch (error) {
      if (error instanceof ChangedMeanwhile) {
        await this.load();
        this._said.emit({ kind: 'changed-meanwhile', names: [grant.receiver.name], text: null });
      } else {
        this.fail(error);
      }
    }
  }

  /** Revokes a live grant, or cancels a pending one. */
  async end(grant: GrantView): Promise<void> {
    await this.cut('ended', [grant.receiver.name], () => this.api.endGrant(grant.id));
  }

  async stopSharing(): Promise<void> {
    const names = this._people?.grants.map(grant => grant.receiver.name) ?? [];
    await this.cut('ended', names, () => this.api.stopSharing(this.folderId));
  }

  /** Why somebody may do something; the owner's question about a receiver. */
  why(person: string, action: string): Promise<Why> {
    return this.api.whyOf(person, action, this.folderId, this._abort.signal);
  }

  /** Teams and team-mates whose names begin with `q`, but for those who are drafts already. */
  search(q: string): Promise<Offer[]> {
    return this._receivers.search(q, new Set(this._drafts.map(draft => draft.name)));
  }

  /** The visitor's teams, so that they are offered. */
  loadTeams(): Promise<void> {
    return this._receivers.load(this._abort.signal);
  }

  async load(): Promise<void> {
    const look = ++this._look;
    try {
      const people = await this.api.peopleOf(this.folderId, this._abort.signal);
      if (look === this._look) {
        this._people = people;
        this._failure = null;
      }
    } catch (error) {
      this._failure = sentenceOf(error);
    }
    this.emit();
  }

  receive(event: EventView): void {
    if (event.thing_id === this.folderId && event.type.startsWith('grant.')) {
      void this.load();
    }
  }

  dispose(): void {
    this._abort.abort();
    this._receivers.abort();
    Signal.clearData(this);
  }

  private sort(sent: readonly Draft[], results: readonly GrantResult[]): void {
    const failed = sent.flatMap((draft, at) => {
      const problem = results[at]?.problem;
      return problem ? [{ ...draft, problem }] : [];
    });
    const stood = sent.filter((_, at) => !results[at]?.problem);
    const added = this._drafts.filter(draft => !sent.some(other => other.id === draft.id));
    this.edit([...failed, ...added]);
    const invited = stood.filter(draft => draft.kind === 'person').map(draft => draft.name);
    const teams = stood.filter(draft => draft.kind === 'team').map(draft => draft.name);
    const given = teams.length > 0 ? { teams } : {};
    if (stood.length > 0) {
      this._said.emit({ kind: 'invited', names: invited, ...given, text: null });
    }
  }

  private async cut(
    kind: Saying['kind'],
    names: string[],
    deed: () => Promise<Cut>
  ): Promise<void> {
    try {
      const { cannot_undo: cannotUndo } = await deed();
      await this.load();
      this._said.emit({ kind, names, text: cannotUndo });
    } catch (error) {
      await this.load();
      this.fail(error);
    }
  }

  private put(grant: GrantView): void {
    if (this._people) {
      const grants = this._people.grants.map(other => (other.id === grant.id ? grant : other));
      this._people = { ...this._people, grants };
      this.emit();
    }
  }

  /** Another content is another deed: it gets a key of its own. */
  private edit(drafts: readonly Draft[]): void {
    this._drafts = drafts;
    this._key = newKey();
    this.emit();
  }

  private sending(isSending: boolean): void {
    this._isSending = isSending;
    this.emit();
  }

  private fail(error: unknown): void {
    this._said.emit({ kind: 'failed', names: [], text: sentenceOf(error) });
  }

  private emit(): void {
    if (!this.isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private _abort = new AbortController();
  private _changed = new Signal<this, void>(this);
  private _drafts: readonly Draft[] = [];
  private _endsAt: string | null = null;
  private _failure: string | null = null;
  private _isSending = false;
  private _key = newKey();
  private _lastId = 0;
  private _look = 0;
  private _people: PeopleOfThing | null = null;
  private _receivers: Receivers;
  private _said = new Signal<this, Saying>(this);
}

/** What the dialog tells the person after a deed of theirs. */
export interface Saying {
  kind: 'invited' | 'changed' | 'changed-meanwhile' | 'ended' | 'failed';
  names: string[];
  /** Of those who were invited: teams, which have it at once. */
  teams?: string[];
  /** A sentence of the service's. */
  text: string | null;
}
