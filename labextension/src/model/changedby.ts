import type { ApiClient } from '../api/client';
import type { EntryView, EventView } from '../api/types';
import { detail } from './application';

/** As far back as one page goes. */
const LOOKED_AT = 200;
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
  const { items } = await api.events(LOOKED_AT);
  return items.find(event => isOf(event, folderId, entry))?.actor ?? null;
}

function isOf(event: EventView, folderId: string, entry: EntryView): boolean {
  const path = detail(event, 'path');
  if (event.type !== 'files.changed' || event.thing_id !== folderId || path === null) {
    return false;
  }
  const later = Date.parse(event.at) - Date.parse(entry.modified_at);
  const isThen = later >= -TOLD_WITHIN_MS.before && later <= TOLD_WITHIN_MS.after;
  return isThen && (path === '' || path === entry.path || entry.path.startsWith(`${path}/`));
}
