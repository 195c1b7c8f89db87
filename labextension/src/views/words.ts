import type { TranslationBundle } from '@jupyterlab/translation';

import type { ThingKind } from '../api/things';
import type { EventView, GrantView } from '../api/types';
import { detail } from '../model/application';

/** A level as people call it. */
export function levelName(trans: TranslationBundle, level: string): string {
  const names: Record<string, string> = {
    view: trans.__('View'),
    edit: trans.__('Edit'),
    edit_delete: trans.__('Edit + Delete'),
    use: trans.__('Use'),
    manage: trans.__('Manage'),
    attach_read: trans.__('Attach to read'),
    attach_write: trans.__('Attach to write'),
    co_own: trans.__('Co-own'),
    owner: trans.__('Owner'),
    project: trans.__('In the project')
  };
  return names[level] ?? level;
}

/** What a thing is, in a sentence. */
export function kindName(trans: TranslationBundle, kind: ThingKind): string {
  const names = {
    folder: trans.__('folder'),
    machine: trans.__('machine'),
    drive: trans.__('drive')
  };
  return names[kind];
}

/** What a level lets people do, in a sentence. */
export function levelMeaning(trans: TranslationBundle, level: string): string {
  const meanings: Record<string, string> = {
    view: trans.__('May list, read and download files, and change nothing.'),
    edit: trans.__('May also add and change files, but not rename or delete them.'),
    edit_delete: trans.__('May also rename and delete files.'),
    use: trans.__('May start it, and do on it what is ticked.'),
    manage: trans.__('May also invite people to use it, and take that away again.'),
    attach_read: trans.__('May have it on machines of their own, to read.'),
    attach_write: trans.__('May have it on a machine of their own, to read and write.'),
    co_own: trans.__('May do everything but hand it over.'),
    owner: trans.__('May do everything, and decides who else may.'),
    project: trans.__('By a role in its project, and no more than its menu says.')
  };
  return meanings[level] ?? '';
}

/** A moment in the person's own time, with its zone where asked. */
export function moment(iso: string, zone = false): string {
  const options: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    ...(zone ? { timeZoneName: 'short' } : {})
  };
  return new Intl.DateTimeFormat(language(), options).format(new Date(iso));
}

/** The same, short enough for a narrow list. */
export function shortMoment(iso: string): string {
  const then = new Date(iso);
  const thisYear = then.getFullYear() === new Date().getFullYear();
  const options: Intl.DateTimeFormatOptions = {
    ...(thisYear ? {} : { year: 'numeric' }),
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit'
  };
  return new Intl.DateTimeFormat(language(), options).format(then);
}

/** The name of the person's time zone, such as "CET". */
export function zoneName(): string {
  const parts = new Intl.DateTimeFormat(language(), { timeZoneName: 'short' }).formatToParts();
  return parts.find(part => part.type === 'timeZoneName')?.value ?? '';
}

/** Bytes as people read them: in steps of 1024, as quotas are set and the file browser counts. */
export function bytes(trans: TranslationBundle, size: number): string {
  const units = [trans.__('B'), trans.__('KiB'), trans.__('MiB'), trans.__('GiB'), trans.__('TiB')];
  const power = size < 1 ? 0 : Math.min(Math.floor(Math.log2(size) / 10), units.length - 1);
  const digits = power === 0 ? 0 : 1;
  const number = new Intl.NumberFormat(language(), { maximumFractionDigits: digits });
  return `${number.format(size / 1024 ** power)} ${units[power] ?? ''}`;
}

/** Several names in a sentence. */
export function listing(names: readonly string[]): string {
  return new Intl.ListFormat(language(), { type: 'conjunction' }).format(names);
}

/** How a grant stands, for who may see the folder's people. */
export function grantStory(trans: TranslationBundle, grant: GrantView): string {
  const since = moment(grant.answered_at ?? grant.created_at);
  if (grant.receiver.kind === 'team') {
    return trans.__(
      'Team, given by %1 on %2; each member accepts for themself',
      grant.giver,
      since
    );
  }
  if (grant.receiver.kind === 'project') {
    return trans.__(
      'Project: all members since %1, made by %2; each accepts for themself',
      since,
      grant.giver
    );
  }
  return grant.state === 'pending'
    ? trans.__('Invited by %1 on %2, not answered yet', grant.giver, since)
    : trans.__('Invited by %1, has access since %2', grant.giver, since);
}

/** What a member of a team or a project says to what it has. */
export function memberStory(trans: TranslationBundle, name: string, answer: string): string {
  switch (answer) {
    case 'accepted':
      return trans.__('%1 has accepted', name);
    case 'declined':
      return trans.__('%1 has declined', name);
    default:
      return trans.__('%1 has not answered yet', name);
  }
}

/** Why the person's access to a folder ended; `event` is null when nobody told. */
export function endedBecause(trans: TranslationBundle, event: EventView | null): string {
  switch (event?.type) {
    case 'grant.revoked':
      return trans.__('%1 no longer shares this folder with you.', actor(trans, event));
    case 'grant.expired':
      return trans.__('Your access to this folder had an end date, and it has come.');
    case 'grant.left':
      return trans.__('You left this folder.');
    case 'grant.ended':
      return endedElsewhere(trans, event);
    case 'folder.trashed':
      return trans.__('%1 moved this folder to the trash.', actor(trans, event));
    case 'folder.deleted':
      return trans.__('%1 deleted this folder for ever.', actor(trans, event));
    default:
      return trans.__('The folder is gone, or it is not shared with you any more.');
  }
}

/** The same in the few words of a notification. */
export function endedNotice(trans: TranslationBundle, event: EventView): string {
  const name = event.thing_name ?? trans.__('something');
  switch (event.type) {
    case 'grant.expired':
      return trans.__('Your access to "%1" has ended: its end date has come.', name);
    case 'grant.ended':
      return trans.__('Your access to "%1" has ended. %2', name, endedElsewhere(trans, event));
    case 'folder.trashed':
      return trans.__('%1 moved "%2" to the trash.', actor(trans, event), name);
    case 'folder.deleted':
    case 'machine.deleted':
    case 'drive.deleted':
      return trans.__('%1 deleted "%2" for ever.', actor(trans, event), name);
    default:
      return trans.__('%1 no longer shares "%2" with you.', actor(trans, event), name);
  }
}

function endedElsewhere(trans: TranslationBundle, event: EventView): string {
  switch (detail(event, 'why')) {
    case 'team_left':
      return detail(event, 'receiver_kind') === 'project'
        ? trans.__('You are no longer in the project %1.', detail(event, 'receiver') ?? '')
        : trans.__('You are no longer in the team it was shared with.');
    case 'giver_lost':
      return trans.__('Who shared it with you may no longer do so.');
    case 'handed_over':
      return trans.__('It has another owner now.');
    case 'thing_deleted':
      return trans.__('It was deleted.');
    default:
      return trans.__('Another invitation has taken its place.');
  }
}

function actor(trans: TranslationBundle, event: EventView): string {
  return event.actor ?? detail(event, 'giver') ?? trans.__('Its owner');
}

/** JupyterLab's language; the browser's where that is not a language tag. */
function language(): string | undefined {
  const lang = document.documentElement.lang.replace('_', '-');
  try {
    return lang ? Intl.getCanonicalLocales(lang)[0] : undefined;
  } catch {
    return undefined;
  }
}
