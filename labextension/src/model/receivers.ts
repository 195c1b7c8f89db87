import type { ApiClient } from '../api/client';
import type { PersonView, TeamView } from '../api/types';

/** Somebody, or a team of the visitor's, whom a folder can be shared with. */
export type Offer = ({ kind: 'person' } & PersonView) | ({ kind: 'team' } & TeamView);

export type ReceiverKind = Offer['kind'];

const AT_MOST = 8;

/** Finds receivers by the beginning of their names: people, and the visitor's own teams. */
export class Receivers {
  constructor(private readonly api: ApiClient) {}

  /** The visitor's teams; nobody has to know them for people to be found. */
  async load(signal: AbortSignal): Promise<void> {
    try {
      this._teams = (await this.api.teams(signal)).items;
    } catch {
      this._teams = [];
    }
  }

  /** What a typed name is: a team's, if the visitor is in one of exactly that name. */
  kindOf(name: string): ReceiverKind {
    return this._teams.some(team => team.name === name) ? 'team' : 'person';
  }

  /** Teams first; an older question's answer never wins. */
  async search(q: string, known: ReadonlySet<string>): Promise<Offer[]> {
    this.abort();
    this._searching = new AbortController();
    const { signal } = this._searching;
    const found = await this.api.people({ q, limit: AT_MOST, signal });
    const begun = q.toLowerCase();
    const teams = this._teams.filter(team => team.name.toLowerCase().startsWith(begun));
    const offers: Offer[] = [
      ...teams.slice(0, AT_MOST).map(team => ({ kind: 'team' as const, ...team })),
      ...found.items.map(person => ({ kind: 'person' as const, ...person }))
    ];
    return offers.filter(offer => !known.has(offer.name));
  }

  abort(): void {
    this._searching.abort();
  }

  private _searching = new AbortController();
  private _teams: readonly TeamView[] = [];
}
