import type { EventView, FolderView, HandOverView, InvitationView } from '../api/types';

/** A list after an event; `stale` says that only the service knows the rest. */
export interface Applied<T> {
  items: readonly T[];
  stale: boolean;
}

const ENDINGS = new Set([
  'grant.cancelled',
  'grant.revoked',
  'grant.left',
  'grant.expired',
  'grant.ended'
]);

/** What one of many receivers does for themself. */
const ANSWERS = new Set(['grant.accepted', 'grant.declined', 'grant.left']);

/** Whether an event says that a grant is over. */
export function isEnding(event: EventView): boolean {
  return ENDINGS.has(event.type);
}

/** A text among an event's particulars; null when there is none of that name. */
export function detail(event: EventView, name: string): string | null {
  const value = event.data?.[name];
  return typeof value === 'string' ? value : null;
}

/** Whether a team or a project received the grant that the event is about. */
export function isOfMany(event: EventView): boolean {
  return ['team', 'project'].includes(detail(event, 'receiver_kind') ?? '');
}

/** Whether it may be about what the visitor has through a team or a project. */
export function movesMembers(event: EventView): boolean {
  return /^(team|project|override)\./u.test(event.type);
}

/**
 * Whether the person is who receives the grant that the event is about. Of a team's, its members
 * hear, and who gave it; of a project's, its members alone.
 */
export function concerns(event: EventView, me: string): boolean {
  if (detail(event, 'receiver_kind') === 'project') {
    return !ANSWERS.has(event.type) || event.actor === me;
  }
  return isOfMany(event) ? detail(event, 'giver') !== me : detail(event, 'receiver') === me;
}

/** Whether another member of a project answered: its administrators, members too, hear of that. */
function isOfAnother(event: EventView, me: string): boolean {
  return detail(event, 'receiver_kind') === 'project' && !concerns(event, me);
}

/** What is open to `me` after an event. Applying one twice changes nothing. */
export function applyToInvitations(
  items: readonly InvitationView[],
  event: EventView,
  me: string
): Applied<InvitationView> {
  const grant = detail(event, 'grant_id');
  const answered = event.type === 'grant.accepted' || event.type === 'grant.declined';
  if (isOfAnother(event, me)) {
    return { items, stale: false };
  }
  if (answered || isEnding(event)) {
    return { items: items.filter(item => item.id !== grant), stale: false };
  }
  switch (event.type) {
    case 'grant.invited':
      return { items, stale: concerns(event, me) };
    case 'grant.changed':
      return patch(items, item => item.id === grant, termsIn(event));
    case 'folder.trashed':
    case 'folder.deleted':
      return patch(items, item => item.thing_id === event.thing_id, { available: false });
    case 'folder.restored':
      return patch(items, item => item.thing_id === event.thing_id, { available: true });
    case 'folder.renamed':
    case 'machine.renamed':
    case 'drive.renamed':
      return patch(items, item => item.thing_id === event.thing_id, nameIn(event));
    default:
      return {
        items,
        stale: movesMembers(event) || event.type === 'hand_over.accepted'
      };
  }
}

/** The offers to hand something over that wait, after an event. */
export function applyToHandOvers(
  items: readonly HandOverView[],
  event: EventView
): Applied<HandOverView> {
  const id = detail(event, 'hand_over_id');
  if (event.type.startsWith('hand_over.') && event.type !== 'hand_over.offered') {
    return { items: items.filter(item => item.id !== id), stale: false };
  }
  const isAbout = items.some(item => item.thing_id === event.thing_id);
  const changes = isAbout && /^(folder|machine|drive)\./u.test(event.type);
  return { items, stale: changes || event.type === 'hand_over.offered' };
}

/** The folders that `me` sees after an event. Applying one twice changes nothing. */
export function applyToFolders(
  items: readonly FolderView[],
  event: EventView,
  me: string
): Applied<FolderView> {
  const listed = items.some(item => item.id === event.thing_id);
  const others = items.filter(item => item.id !== event.thing_id);
  switch (event.type) {
    case 'files.changed':
      return { items, stale: false };
    case 'folder.trashed':
    case 'folder.deleted':
      return { items: others, stale: false };
    case 'folder.renamed':
      return { items: renamed(items, event), stale: listed };
    case 'folder.created':
    case 'folder.restored':
    case 'folder.alias_chosen':
      return { items, stale: true };
    default:
      break;
  }
  if (isEnding(event) && concerns(event, me)) {
    // Another source may still open it: the list is asked for again.
    return { items: others, stale: true };
  }
  // What a team or a project has is listed at once; an invitation of one's own is not.
  const mayAppear = concerns(event, me) && (event.type !== 'grant.invited' || isOfMany(event));
  const maybe = movesMembers(event) || event.type.startsWith('hand_over.');
  return { items, stale: listed || mayAppear || maybe };
}

/** What is in the trash of `me` after an event. */
export function applyToTrash(items: readonly FolderView[], event: EventView): Applied<FolderView> {
  const others = items.filter(item => item.id !== event.thing_id);
  switch (event.type) {
    case 'folder.trashed':
      return { items, stale: true };
    case 'folder.restored':
    case 'folder.deleted':
      return { items: others, stale: others.length !== items.length };
    default:
      return { items, stale: false };
  }
}

function patch(
  items: readonly InvitationView[],
  concerned: (item: InvitationView) => boolean,
  change: Partial<InvitationView>
): Applied<InvitationView> {
  return {
    items: items.map(item => (concerned(item) ? { ...item, ...change } : item)),
    stale: items.some(concerned)
  };
}

function termsIn(event: EventView): Partial<InvitationView> {
  const level = detail(event, 'level');
  return { ...(level === null ? {} : { level }), ends_at: detail(event, 'ends_at') };
}

function nameIn(event: EventView): Partial<InvitationView> {
  const name = detail(event, 'to');
  return name === null ? {} : { thing_name: name };
}

function renamed(items: readonly FolderView[], event: EventView): FolderView[] {
  const name = detail(event, 'to');
  return items.map(item =>
    item.id === event.thing_id && name !== null
      ? { ...item, name, label: item.alias ?? name }
      : item
  );
}
