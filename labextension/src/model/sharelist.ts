import type { ThingKind } from '../api/things';
import { kindOf } from '../api/things';
import type { ShareView } from '../api/types';
import { LEVELS_OF } from './rights';

/** What shares can be sorted by. */
export type ShareColumn = 'thing' | 'person' | 'level' | 'end';

/** How shares follow each other. */
export interface ShareOrder {
  by: ShareColumn;
  descending: boolean;
}

/** Which shares are kept in the list. */
export type Kept = 'all' | 'waiting' | 'ending' | 'endless';

const LEVELS: readonly string[] = [...Object.values(LEVELS_OF).flat(), 'co_own'];
const CHANGES: Record<ThingKind, string> = {
  folder: 'change_level',
  drive: 'change_level',
  machine: 'change_grant'
};
const REVOKES: Record<ThingKind, string> = {
  folder: 'revoke',
  drive: 'revoke',
  machine: 'revoke_grant'
};
// After every date there is.
const NEVER = '9';

/** Whether a share is one of those that are looked for. */
export function fitsShare(share: ShareView, query: string, kept: Kept): boolean {
  const { thing_label: label, thing_name: name, owner, giver, receiver } = share;
  const text = [label, name, owner, giver, receiver.name].join(' ').toLocaleLowerCase();
  return text.includes(query.trim().toLocaleLowerCase()) && isKept(share, kept);
}

function isKept(share: ShareView, kept: Kept): boolean {
  switch (kept) {
    case 'waiting':
      return isWaiting(share);
    case 'ending':
      return share.ends_at != null;
    case 'endless':
      return share.ends_at == null;
    default:
      return true;
  }
}

/** Whether somebody's answer is still to come; of a team's or a project's it is each member's own. */
export function isWaiting({ state, receiver, answer }: ShareView): boolean {
  return state === 'pending' || (receiver.kind !== 'person' && answer === 'none');
}

/** Whether the visitor may give it another level or end: a co-owner's is confirmed on a page. */
export function mayChange({ thing_id: id, actions }: ShareView): boolean {
  return actions.includes(CHANGES[kindOf(id)]);
}

export function mayRevoke({ thing_id: id, actions }: ShareView): boolean {
  return actions.includes(REVOKES[kindOf(id)]);
}

/** The levels that all of these can have; none where things of several kinds are among them. */
export function levelsOf(shares: readonly ShareView[]): readonly string[] {
  const [kind, ...others] = new Set(shares.map(({ thing_id: id }) => kindOf(id)));
  return kind === undefined || others.length > 0 ? [] : LEVELS_OF[kind];
}

/** The order after the head of a column was pressed. */
export function turned(order: ShareOrder, by: ShareColumn): ShareOrder {
  return { by, descending: order.by === by && !order.descending };
}

/** Shares in an order; what is equal in it, by thing and receiver. */
export function orderedShares(
  shares: readonly ShareView[],
  { by, descending }: ShareOrder
): readonly ShareView[] {
  const sign = descending ? -1 : 1;
  const usual = (one: ShareView, other: ShareView): number =>
    one.thing_label.localeCompare(other.thing_label) ||
    one.receiver.name.localeCompare(other.receiver.name);
  return [...shares].sort((one, other) => sign * (compared(one, other, by) || usual(one, other)));
}

function compared(one: ShareView, other: ShareView, by: ShareColumn): number {
  switch (by) {
    case 'person':
      return one.receiver.name.localeCompare(other.receiver.name);
    case 'level':
      return LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level);
    case 'end':
      return (one.ends_at ?? NEVER).localeCompare(other.ends_at ?? NEVER);
    default:
      return 0;
  }
}
