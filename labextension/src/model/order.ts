/** What the rows of a directory can be sorted by. */
export type Column = 'name' | 'modified' | 'size';

/** How rows follow each other; directories come before everything else in any case. */
export interface Order {
  by: Column;
  descending: boolean;
}

/** The order in which a directory is shown at first. */
export const FIRST_ORDER: Order = { by: 'name', descending: false };

/** The order after the head of a column was pressed: its other way round, or that column's. */
export function pressed(order: Order, by: Column): Order {
  // The newest and the largest are what one looks for.
  return { by, descending: order.by === by ? !order.descending : by !== 'name' };
}
