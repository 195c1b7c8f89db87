import type { JSX } from 'react';

import type { AuditAsked } from '../api/operators';
import { OperatorClient } from '../api/operators';
import { PagedList } from '../model/pagedlist';
import { Audit, eventsOf } from '../views/operators/audit';
import { Holdings } from '../views/operators/holdings';
import { everybody, People } from '../views/operators/people';
import type { PageSender } from './sender';
import { xsrfToken } from './sender';
import type { Opened, Told } from './views';

const PAGE = 100;

/** What a page for operators is, beside where it lies and who asks. */
type Shown = Omit<Opened, 'places' | 'sender'>;

/** Everybody; or what one of them holds. */
export function openPeople(told: Told, sender: PageSender): Shown {
  const api = new OperatorClient(sender);
  const { about, project = null } = told;
  if (about === undefined) {
    const found = new PagedList(everybody(api, ''));
    return shown(found, () => <People api={api} found={found} />);
  }
  const held = new PagedList((after, signal) =>
    api.holdings(about, project, { after, limit: PAGE, signal })
  );
  const ofAdmin = told.answers !== undefined;
  return shown(held, () => (
    <Holdings person={about} project={project} ofAdmin={ofAdmin} held={held} />
  ));
}

/** The audit trail. */
export function openAudit(sender: PageSender): Shown {
  const api = new OperatorClient(sender);
  const found = new PagedList(eventsOf(api, {}));
  // Saved by the browser itself, however long it is; its answer leaves the page where it is.
  const keep = (asked: AuditAsked): void =>
    window.location.assign(sender.url('api/audit/export', { ...asked, _xsrf: xsrfToken() }));
  return shown(found, () => <Audit api={api} found={found} keep={keep} />);
}

/** A look is told to people, so the page looks once, and again only where that failed. */
function shown<T>(list: PagedList<T>, draw: () => JSX.Element): Shown {
  const refresh = async (): Promise<void> => {
    if (!list.isLoading && (!list.isLoaded || list.error !== null)) {
      await list.begin();
    }
  };
  return { draw, receive: () => undefined, refresh };
}
