import type { TranslationBundle } from '@jupyterlab/translation';

import type {
  EventView,
  MembershipEnded,
  ProjectMeter,
  ProjectQuota,
  ProjectView
} from '../../api/types';
import { moment } from '../words';

/** A role as people call it. */
export function roleName(trans: TranslationBundle, role: string): string {
  return role === 'administrator' ? trans.__('Administrator') : trans.__('Member');
}

/** How the person stands to a project. */
export function standingIn(trans: TranslationBundle, project: ProjectView): string {
  if (project.role) {
    return roleName(trans, project.role);
  }
  switch (project.state) {
    case 'requested':
      return trans.__('Asked for');
    case 'declined':
      return trans.__('Declined');
    default:
      return project.ask_id ? trans.__('You asked to join') : trans.__('Not in it');
  }
}

/** What each limit of a project is of. */
export function quotaNames(
  trans: TranslationBundle
): readonly (readonly [keyof ProjectQuota, string])[] {
  return [
    ['machines', trans.__('Machines')],
    ['cores', trans.__('Processor cores')],
    ['ram_gib', trans.__('Memory (GiB)')],
    ['drives', trans.__('Drives')],
    ['drive_gib', trans.__('Drives (GiB)')],
    ['machine_snapshots', trans.__('Snapshots of machines')],
    ['folder_gib', trans.__('Folders (GiB)')]
  ];
}

/** Limits in a line, such as "Machines: 4, Drives: 2". */
export function quotaLine(trans: TranslationBundle, quota: ProjectQuota): string {
  const set = quotaNames(trans).filter(([name]) => quota[name] != null);
  return set.length === 0
    ? trans.__('No limits')
    : set.map(([name, label]) => trans.__('%1: %2', label, String(quota[name]))).join(', ');
}

/** What is left of the limits of a project, in a line. */
export function leftLine(trans: TranslationBundle, meters: readonly ProjectMeter[]): string {
  const names = new Map<string, string>(quotaNames(trans));
  const limited = meters.filter(({ limit }) => limit != null);
  return limited.length === 0
    ? trans.__('This project has no limits.')
    : trans.__(
        'Left there: %1.',
        limited
          .map(({ name, left, limit }) =>
            trans.__('%1: %2 of %3', names.get(name) ?? name, left ?? 0, limit ?? 0)
          )
          .join(', ')
      );
}

/** What somebody lost with their membership, and what of theirs stays. */
export function endedStory(trans: TranslationBundle, told: MembershipEnded): string {
  const { stays, links = [], in_sessions: mounts } = told;
  const left = stays.machines + stays.drives + stays.snapshots;
  return [
    trans.__('%1 is out of the project.', told.person),
    ...(mounts ? [mounts] : []),
    ...(links.length > 0
      ? [trans._n('Cut on %1 machine.', 'Cut on %1 machines.', links.length)]
      : []),
    ...(left > 0
      ? [
          trans.__(
            'What they made stays: machines %1, drives %2, snapshots %3.',
            stays.machines,
            stays.drives,
            stays.snapshots
          )
        ]
      : [])
  ].join(' ');
}

/** Why the person is not in a project any more; `event` is null when nobody told. */
export function outBecause(trans: TranslationBundle, event: EventView | null): string {
  const actor = event?.actor ?? trans.__('An administrator');
  switch (event?.type) {
    case 'project.removed':
      return trans.__('%1 took you out of this project on %2.', actor, moment(event.at));
    case 'project.ask_declined':
      return trans.__('%1 did not let you in.', actor);
    case 'project.ask_cancelled':
      return trans.__('You no longer ask to join.');
    case 'project.left':
      return trans.__('You left this project.');
    case 'project.member_ended':
      return trans.__('Your membership had an end date, and it has come.');
    default:
      return trans.__('This project is not there for you any more.');
  }
}
