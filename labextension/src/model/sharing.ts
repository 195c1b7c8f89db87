import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import { MachineClient } from '../api/machines';
import { ChangedMeanwhile, sentenceOf } from '../api/problem';
import { kindOf } from '../api/things';
import type {
  Cut,
  EventView,
  GrantChange,
  GrantResult,
  GrantView,
  PeopleOfThing,
  Why
} from '../api/types';
import type { Draft } from './drafts';
import { DraftsModel } from './drafts';

/** What the share dialog shows and does for one thing. */
export class SharingModel extends DraftsModel {
  constructor(
    api: ApiClient,
    readonly thingId: string,
    defaultLevel = 'view'
  ) {
    super(api, kindOf(thingId), defaultLevel);
    this.machines = new MachineClient(api.transport);
  }

  /** Emits sentences for a live region: what has just happened. */
  get said(): ISignal<this, Saying> {
    return this._said;
  }

  get people(): PeopleOfThing | null {
    return this._people;
  }

  get failure(): string | null {
    return this._failure;
  }

  /** Invites all drafts. Those that stand leave the list; the others say what is wrong. */
  async send(): Promise<void> {
    if (this.isSending || this._drafts.length === 0) {
      return;
    }
    this.sending(true);
    const sent = this._drafts;
    try {
      const to = this.thingKind === 'machine' ? this.machines : this.api;
      const { results } = await to.invite(this.thingId, this.grants(sent), this._key);
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
      const changed = await this.api.changeGrant(grant.id, change, grant.version);
      const { lowered = [] } = changed;
      [changed, ...lowered].forEach(one => this.put(one));
      const also = { ...cutOff(changed), ...(lowered.length > 0 ? { lowered } : {}) };
      this._said.emit({ kind: 'changed', names: [grant.receiver.name], ...also, text: null });
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
    await this.cut('ended', names, () => this.api.stopSharing(this.thingId));
  }

  /** Why somebody may do something; the owner's question about a receiver. */
  why(person: string, action: string): Promise<Why> {
    return this.api.whyOf(person, action, this.thingId, this._abort.signal);
  }

  /** What ends with a grant beside it: what was given on from there. */
  async endingWith(grant: GrantView): Promise<readonly GrantView[]> {
    const { grants } = await this.machines.lineage(grant.id, this._abort.signal);
    return grants.filter(other => other.id !== grant.id);
  }

  async load(): Promise<void> {
    const look = ++this._look;
    try {
      const people = await this.api.peopleOf(this.thingId, this._abort.signal);
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
    if (event.thing_id === this.thingId && event.type.startsWith('grant.')) {
      void this.load();
    }
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
      const cut = await deed();
      await this.load();
      this._said.emit({ kind, names, ...cutOff(cut), text: cut.cannot_undo });
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

  private fail(error: unknown): void {
    this._said.emit({ kind: 'failed', names: [], text: sentenceOf(error) });
  }

  private readonly machines: MachineClient;
  private _failure: string | null = null;
  private _look = 0;
  private _people: PeopleOfThing | null = null;
  private _said = new Signal<this, Saying>(this);
}

/** What the dialog tells the person after a deed of theirs. */
export interface Saying {
  kind: 'invited' | 'changed' | 'changed-meanwhile' | 'ended' | 'failed';
  names: string[];
  /** Of those who were invited: teams, which have it at once. */
  teams?: string[];
  /** Who was on the machine, and was cut off. */
  off?: string[];
  /** Of those: whose end the machine has not confirmed yet. */
  ending?: string[];
  /** What was given on from what was changed, and was lowered with it. */
  lowered?: readonly GrantView[];
  /** A sentence of the service's. */
  text: string | null;
}

/** Who was cut off a machine, each once. */
function cutOff({ links = [] }: Pick<Cut, 'links'>): Pick<Saying, 'off' | 'ending'> {
  const people = (some: NonNullable<Cut['links']>): string[] => [
    ...new Set(some.map(({ person }) => person))
  ];
  const ending = people(links.filter(({ confirmed }) => !confirmed));
  return {
    ...(links.length > 0 ? { off: people(links) } : {}),
    ...(ending.length > 0 ? { ending } : {})
  };
}
