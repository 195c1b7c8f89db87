import type { PageAsked } from './client';
import type { Asking, Sender } from './sender';
import type { AuditPage, AuditVerdict, HoldingsPage, PeoplePage } from './types';

/** What is looked for in the audit trail; what is empty narrows nothing. */
export interface AuditAsked {
  person?: string;
  thing?: string;
  verb?: string;
  since?: string;
  until?: string;
}

/** The contract's requests of those who answer for others, on the hub's pages alone. */
export class OperatorClient {
  constructor(private readonly sender: Sender) {}

  /** People by how their name begins. */
  people({ q, after, limit, signal }: PageAsked): Promise<PeoplePage> {
    return this.call('people', { query: { q, after, limit }, signal });
  }

  /** What somebody holds, and why; `project`: of that project alone. */
  holdings(person: string, project: string | null, page: PageAsked): Promise<HoldingsPage> {
    const { after, limit, signal } = page;
    const path = `people/${encodeURIComponent(person)}/things`;
    return this.call(path, { query: { project, after, limit }, signal });
  }

  /** The audit trail, newest first. */
  audit(asked: AuditAsked, { after, limit, signal }: PageAsked): Promise<AuditPage> {
    return this.call('audit', { query: { ...asked, after, limit }, signal });
  }

  /** Walks the whole trail; `head`: and holds it to what was noted down. */
  verify(head: string): Promise<AuditVerdict> {
    return this.call('audit/verification', { query: { head } });
  }

  private call<T>(path: string, asking: Asking = {}): Promise<T> {
    return this.sender.json(`api/${path}`, asking);
  }
}
