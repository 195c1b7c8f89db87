import type { TranslationBundle } from '@jupyterlab/translation';

import type { DriveView, EventView, MachineView } from '../api/types';
import { detail } from '../model/application';
import type { ComingStep } from '../model/coming';
import type { Size, Source } from '../model/newmachine';
import { bytes, levelName } from './words';

/** Where a machine is, in a word or two. */
export function stateName(trans: TranslationBundle, machine: MachineView): string {
  const names: Record<string, string> = {
    making: trans.__('Being made…'),
    starting: trans.__('Starting…'),
    running: trans.__('Running'),
    stopping: trans.__('Stopping…'),
    stopped: trans.__('Stopped'),
    rebooting: trans.__('Rebooting…'),
    resizing: trans.__('Changing its size…'),
    rebuilding: trans.__('Getting a fresh system disk…'),
    changing: trans.__('Changing…'),
    deleting: trans.__('Being deleted…'),
    failed: trans.__('Failed'),
    missing: trans.__('Lost by the cloud')
  };
  return names[machine.state ?? ''] ?? machine.state ?? '';
}

/** One thing that happens while a machine comes up. */
export function stepName(trans: TranslationBundle, { what, name }: ComingStep): string {
  switch (what) {
    case 'ask':
      return trans.__('Ask the cloud for it');
    case 'make':
      return trans.__('Prepare its disk');
    case 'start':
      return trans.__('Start it');
    default:
      return trans.__('Attach "%1"', name ?? '');
  }
}

/** How far a step is, for who can't see its mark. */
export function stepState(trans: TranslationBundle, { state }: ComingStep): string {
  const names = {
    done: trans.__('done'),
    now: trans.__('under way'),
    next: trans.__('to come'),
    failed: trans.__('failed')
  };
  return names[state];
}

/** What a machine is called in somebody's list: others' with their owner. */
export function labelOf(
  trans: TranslationBundle,
  thing: { name: string; owner: string },
  me: string
): string {
  return thing.owner === me ? thing.name : trans.__('%1 (%2)', thing.name, thing.owner);
}

/** A size with what is in it. */
export function sizeStory(trans: TranslationBundle, size: Size): string {
  return trans._n(
    '%2: %1 processor, %3, disk of %4 GiB',
    '%2: %1 processors, %3, disk of %4 GiB',
    size.processors,
    size.name,
    bytes(trans, size.memory_mib * 1024 ** 2),
    size.disk_gib
  );
}

/** What a system disk is made from. */
export function sourceName(trans: TranslationBundle, { kind, name }: Source): string {
  return kind === 'image' ? name : trans.__('Snapshot "%1"', name);
}

/** Where a drive is, in a word or two. */
export function driveState(trans: TranslationBundle, { state }: DriveView): string {
  const names: Record<string, string> = {
    making: trans.__('Being made…'),
    changing: trans.__('Changing…'),
    ready: trans.__('Ready'),
    deleting: trans.__('Being deleted…'),
    failed: trans.__('Failed'),
    missing: trans.__('Lost by the cloud')
  };
  return names[state ?? ''] ?? state ?? '';
}

/** How a drive is on a machine. */
export function attachmentState(
  trans: TranslationBundle,
  { state, read_only: isReadOnly }: { state: string; read_only: boolean }
): string {
  const names: Record<string, string> = {
    attaching: trans.__('being attached…'),
    attached: isReadOnly ? trans.__('attached to read') : trans.__('attached'),
    detaching: trans.__('being detached…'),
    failed: trans.__('not attached')
  };
  return names[state] ?? state;
}

/** What happened to a machine, in a sentence; null where there is nothing to say. */
export function happened(trans: TranslationBundle, event: EventView): string | null {
  const who = event.actor ?? trans.__('The service');
  const receiver = detail(event, 'receiver') ?? '';
  const level = levelName(trans, detail(event, 'level') ?? '');
  switch (event.type) {
    case 'machine.created':
      return trans.__('%1 made it', who);
    case 'machine.renamed':
      return trans.__('%1 renamed it to "%2"', who, detail(event, 'to') ?? '');
    case 'machine.asked':
      return asked(trans, event, who);
    case 'machine.changed':
      return changed(trans, event);
    case 'machine.idle_policy_changed':
      return trans.__('%1 changed when it stops by itself', who);
    case 'machine.idle_warned':
      return trans.__('Nobody uses it: it stops soon');
    case 'machine.kept_on':
      return trans.__('%1 keeps it on for some hours', who);
    case 'machine.link_opened':
      return trans.__('%1 is on it', detail(event, 'person') ?? '');
    case 'machine.link_closed':
      return trans.__('%1 is not on it any more', detail(event, 'person') ?? '');
    case 'machine.link_cut':
      return trans.__('The connections of %1 were ended', detail(event, 'person') ?? '');
    case 'grant.invited':
      return trans.__('%1 invited %2 (%3)', who, receiver, level);
    case 'grant.accepted':
      return trans.__('%1 accepted', who);
    case 'grant.declined':
      return trans.__('%1 declined', who);
    case 'grant.changed':
      return trans.__('%1 changed what %2 may do', who, receiver);
    case 'grant.left':
      return trans.__('%1 left', who);
    case 'grant.cancelled':
    case 'grant.revoked':
    case 'grant.expired':
    case 'grant.ended':
      return trans.__('The access of %1 ended', receiver);
    default:
      return null;
  }
}

function asked(trans: TranslationBundle, event: EventView, who: string): string {
  if (detail(event, 'why') === 'idle') {
    return trans.__('It was stopped, since nobody used it');
  }
  const verbs: Record<string, string> = {
    start: trans.__('%1 started it', who),
    stop: trans.__('%1 stopped it', who),
    reboot: trans.__('%1 rebooted it', who),
    resize: trans.__('%1 gave it another size', who),
    rebuild: trans.__('%1 gave it a fresh system disk', who)
  };
  return verbs[detail(event, 'what') ?? ''] ?? trans.__('%1 asked something of it', who);
}

function changed(trans: TranslationBundle, event: EventView): string | null {
  const because = detail(event, 'because');
  const states: Record<string, string> = {
    running: trans.__('It runs'),
    stopped: trans.__('It is stopped'),
    failed: trans.__('It failed'),
    missing: trans.__('The cloud has it no more')
  };
  const told = states[detail(event, 'state') ?? ''];
  return because ? `${told ?? trans.__('It is not as it was wanted')}: ${because}` : (told ?? null);
}
