import type { ApiClient } from '../api/client';
import type { EntryView, EventView } from '../api/types';
import { detail } from './application';

/** Changes are told once a second, after they have happened. */
const TOLD_WITHIN_MS = { before: 1000, after: 3000 };

/**
 * Who changed an entry, as far as times tell: who changed something at or above it through the
 * service when it was modified. Null: nobody that the visitor's own events tell of.
 */
export async function changedBy(
  api: ApiClient,
  folderId: string,
  entry: EntryView
): Promise<string | null> {
  const then = Date.parse(entry.modified_at);
  const since = new Date(then - TOLD_WITHIN_MS.before);
  const until = new Date(then + TOLD_WITHIN_MS.after);
  const { items } = await api.eventsOf(folderId, since, until);
  return items.find(event => isAbout(event, entry))?.actor ?? null;
}

function isAbout(event: EventView, entry: EntryView): boolean {
  const path = detail(event, 'path');
  const isAtOrAbove = path === '' || path === entry.path || entry.path.startsWith(`${path}/`);
  return event.type === 'files.changed' && path !== null && isAtOrAbove;
}
