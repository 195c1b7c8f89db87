import type { TranslationBundle } from '@jupyterlab/translation';

import type { EventView } from '../api/types';
import { concerns, detail, isEnding, isOfMany } from '../model/application';
import { endedNotice, levelName, moment } from '../views/words';

/** What to tell the person about an event, in one sentence. */
export interface Notice {
  message: string;
  kind: 'info' | 'success' | 'warning';
  /** The invitation that the person can answer from here. */
  invitation: string | null;
  /** The folder that sessions hold, though it was taken from them: the person can end these. */
  held?: string | null;
}

const GONE = new Set(['folder.trashed', 'folder.deleted', 'machine.deleted', 'drive.deleted']);

/** The notice for an event; null where the person knows (it was them), or need not. */
export function noticeOf(event: EventView, me: string, trans: TranslationBundle): Notice | null {
  if (event.type === 'mount.failed') {
    return notice('warning', notMounted(event, trans));
  }
  if (event.type === 'clone.ended' || event.type === 'snapshot.ended') {
    return ofKeeping(event, trans);
  }
  const isMine = event.actor === me;
  if (isMine) {
    return null;
  }
  if (event.type === 'mount.held' || event.type === 'session.stopped') {
    return ofHolders(event, me, trans);
  }
  if (event.type.startsWith('grant.')) {
    return concerns(event, me) ? toReceiver(event, trans) : toGiver(event, trans);
  }
  if (event.type.startsWith('hand_over.')) {
    return ofHandOver(event, me, trans);
  }
  if (event.type === 'machine.idle_warned') {
    const name = event.thing_name ?? '';
    return notice(
      'warning',
      trans.__('Nobody uses "%1": it stops soon. Its row in the panel keeps it on.', name)
    );
  }
  return GONE.has(event.type) ? notice('warning', endedNotice(trans, event)) : null;
}

/** Copies and snapshots take their time: who asked for one may be doing something else by now. */
function ofKeeping(event: EventView, trans: TranslationBundle): Notice | null {
  const thing = event.thing_name ?? '';
  const because = detail(event, 'because') ?? '';
  const isFailed = detail(event, 'state') === 'failed';
  if (event.type === 'snapshot.ended') {
    return isFailed
      ? notice('warning', trans.__('There is no snapshot of "%1". %2', thing, because))
      : null;
  }
  if (isFailed) {
    return notice('warning', trans.__('There is no copy "%1". %2', thing, because));
  }
  return detail(event, 'state') === 'done'
    ? notice('success', trans.__('Your copy "%1" is whole.', thing))
    : null;
}

/** A fast mount that was taken away and is open still, and a session that ended for it. */
function ofHolders(event: EventView, me: string, trans: TranslationBundle): Notice | null {
  const thing = event.thing_name ?? '';
  const person = detail(event, 'person') ?? '';
  if (event.type === 'session.stopped') {
    return person === me
      ? notice('warning', trans.__('%1 ended your session, which held "%2".', event.actor, thing))
      : null;
  }
  const message = trans.__(
    '"%1" was a fast mount, and programs of %2 have something of it open still.',
    thing,
    person
  );
  return person === me ? null : { ...notice('warning', message), held: event.thing_id ?? null };
}

function ofHandOver(event: EventView, me: string, trans: TranslationBundle): Notice | null {
  const thing = event.thing_name ?? '';
  const who = event.actor ?? '';
  const isOwner = detail(event, 'from') === me;
  switch (event.type) {
    case 'hand_over.offered':
      return detail(event, 'to') === me
        ? notice('info', trans.__('%1 offers to hand "%2" over to you.', who, thing))
        : null;
    case 'hand_over.accepted':
      return isOwner
        ? notice('success', trans.__('%1 has taken "%2" over.', who, thing))
        : notice('info', trans.__('"%1" belongs to %2 now.', thing, detail(event, 'to') ?? who));
    case 'hand_over.declined':
      return isOwner ? notice('info', trans.__('%1 did not take "%2" over.', who, thing)) : null;
    default:
      return notice('info', trans.__('%1 took back the offer of "%2".', who, thing));
  }
}

function toReceiver(event: EventView, trans: TranslationBundle): Notice | null {
  const thing = event.thing_name ?? '';
  const giver = event.actor ?? detail(event, 'giver') ?? '';
  const level = levelName(trans, detail(event, 'level') ?? '');
  const team = detail(event, 'receiver') ?? '';
  switch (event.type) {
    case 'grant.invited':
      return {
        ...notice(
          'info',
          isOfMany(event)
            ? trans.__('%1 shares "%2" with %3 (%4).', giver, thing, team, level)
            : trans.__('%1 invites you to "%2" (%3).', giver, thing, level)
        ),
        invitation: detail(event, 'grant_id')
      };
    case 'grant.changed':
      return notice('info', changed(event, giver, thing, trans));
    case 'grant.cancelled':
      return notice('info', trans.__('%1 took back the invitation to "%2".', giver, thing));
    default:
      break;
  }
  // The deletion has an event, and so a notice, of its own.
  const isTwofold = detail(event, 'why') === 'thing_deleted';
  return isEnding(event) && !isTwofold ? notice('warning', endedNotice(trans, event)) : null;
}

function changed(event: EventView, giver: string, thing: string, trans: TranslationBundle): string {
  const from = detail(event, 'from') ?? '';
  const to = detail(event, 'to') ?? '';
  const endsAt = detail(event, 'ends_at');
  if (from !== to) {
    const [before, after] = [levelName(trans, from), levelName(trans, to)];
    return trans.__('%1 changed your level on "%2" from %3 to %4.', giver, thing, before, after);
  }
  return endsAt
    ? trans.__('Your access to "%1" now ends %2.', thing, moment(endsAt, true))
    : trans.__('Your access to "%1" no longer has an end date.', thing);
}

function notMounted(event: EventView, trans: TranslationBundle): string {
  const name = event.thing_name ?? detail(event, 'name') ?? '';
  return trans.__(
    '"%1" could not be mounted in your session. It is tried again; the panel says why.',
    name
  );
}

function toGiver(event: EventView, trans: TranslationBundle): Notice | null {
  const thing = event.thing_name ?? '';
  // A member of a team or project answers for themself.
  const who = (isOfMany(event) ? event.actor : null) ?? detail(event, 'receiver') ?? '';
  switch (event.type) {
    case 'grant.accepted':
      return notice('success', trans.__('%1 accepted your invitation to "%2".', who, thing));
    case 'grant.declined':
      return notice('info', trans.__('%1 declined your invitation to "%2".', who, thing));
    case 'grant.left':
      return notice('info', trans.__('%1 left "%2".', who, thing));
    default:
      return null;
  }
}

function notice(kind: Notice['kind'], message: string): Notice {
  return { kind, message, invitation: null };
}
