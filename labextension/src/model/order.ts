import type { EntryView } from '../api/types';

/** What the rows of a directory can be sorted by. */
export type Column = 'name' | 'modified' | 'size';

/** How rows follow each other; directories come before everything else in any case. */
export interface Order {
  by: Column;
  descending: boolean;
}

/** The order in which the service lists a directory, page by page. */
export const FIRST_ORDER: Order = { by: 'name', descending: false };

/** Whether the service's own order will do. */
export function isFirst(order: Order): boolean {
  return order.by === 'name' && !order.descending;
}

/** The order after the head of a column was pressed: its other way round, or that column's. */
export function pressed(order: Order, by: Column): Order {
  // The newest and the largest are what one looks for.
  return { by, descending: order.by === by ? !order.descending : by !== 'name' };
}

/** The entries of one directory in an order. */
export function inOrder(entries: readonly EntryView[], order: Order): readonly EntryView[] {
  if (isFirst(order)) {
    return entries;
  }
  const sign = order.descending ? -1 : 1;
  const kept = new Map(entries.map((entry, at) => [entry, at]));
  const place = (entry: EntryView): number => kept.get(entry) ?? 0;
  return [...entries].sort(
    (one, other) =>
      Number(other.kind === 'directory') - Number(one.kind === 'directory') ||
      sign * (valueOf(one, order.by, place) - valueOf(other, order.by, place)) ||
      place(one) - place(other)
  );
}

function valueOf(entry: EntryView, by: Column, place: (entry: EntryView) => number): number {
  switch (by) {
    case 'modified':
      return Date.parse(entry.modified_at);
    case 'size':
      return entry.size ?? 0;
    default:
      return place(entry);
  }
}
