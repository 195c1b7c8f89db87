import type { EntryView } from '../../src/api/types';

/** Entries as the service sorts them; by name, they are as they were given. */
export function sorted(entries: readonly EntryView[], query: URLSearchParams): EntryView[] {
  const by = query.get('order');
  const sign = query.get('descending') === 'true' ? -1 : 1;
  const value = (entry: EntryView, at: number): number =>
    by === 'size' ? (entry.size ?? 0) : by === 'modified' ? Date.parse(entry.modified_at) : at;
  const rows = entries.map((entry, at) => ({ entry, at, value: sign * value(entry, at) }));
  const rank = ({ entry }: { entry: EntryView }): number => Number(entry.kind !== 'directory');
  rows.sort(
    (one, other) => rank(one) - rank(other) || one.value - other.value || one.at - other.at
  );
  return rows.map(({ entry }) => entry);
}
