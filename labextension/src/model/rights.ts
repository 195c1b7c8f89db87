import type { GrantView } from '../api/types';

/** What the share dialog offers to the person; what they may not do is not there. */
export interface ShareRights {
  invite: boolean;
  /** The levels at which they may invite, weakest first. */
  levels: readonly string[];
  change: (grant: GrantView) => boolean;
  revoke: (grant: GrantView) => boolean;
  stop: boolean;
  /** The page of the service on which somebody is made a co-owner; null: not by this person. */
  coOwn: ((to: string) => string | null) | null;
}

/** The levels at which things are given, weakest first; co-ownership is given on a page apart. */
export const LEVELS_OF = {
  folder: ['view', 'edit', 'edit_delete'],
  machine: ['use', 'manage'],
  drive: ['attach_read', 'attach_write']
} as const;

/** For folders: who may invite may change and take away, too. */
export function folderRights(mayInvite: boolean): ShareRights {
  const may = (): boolean => mayInvite;
  const levels = LEVELS_OF.folder;
  return { invite: mayInvite, levels, change: may, revoke: may, stop: mayInvite, coOwn: null };
}

/** For a machine or a drive, from what the service says may be done with it. */
export function thingRights(
  thing: { id: string; level: string; actions: readonly string[] },
  me: string,
  known: () => readonly GrantView[],
  coOwnPage: (to: string) => string | null
): ShareRights {
  const may = (action: string): boolean => thing.actions.includes(action);
  const isOwner = thing.level === 'owner' || thing.level === 'co_own';
  // Others change and take away what they gave, and what flows from it.
  const mine = (grant: GrantView): boolean => isOwner || flowsFrom(known(), grant, me);
  const isDrive = thing.id.startsWith('drv_');
  const levels = LEVELS_OF.machine.filter(level => level !== 'manage' || may('invite_manager'));
  return {
    invite: may(isDrive ? 'invite' : 'invite_user'),
    levels: isDrive ? LEVELS_OF.drive : levels,
    change: grant => may(isDrive ? 'change_level' : 'change_grant') && mine(grant),
    revoke: grant => may(isDrive ? 'revoke' : 'revoke_grant') && mine(grant),
    stop: may(isDrive ? 'revoke' : 'stop_sharing_with_all'),
    coOwn: may('invite_co_owner') || (isDrive && may('invite')) ? coOwnPage : null
  };
}

/** Whether somebody gave a grant, or one that it flows from. */
export function flowsFrom(grants: readonly GrantView[], grant: GrantView, person: string): boolean {
  const seen = new Set<string>();
  let one: GrantView | undefined = grant;
  while (one && !seen.has(one.id)) {
    if (one.giver === person) {
      return true;
    }
    seen.add(one.id);
    const parent: string | null | undefined = one.parent_id;
    one = grants.find(({ id }) => id === parent);
  }
  return false;
}
