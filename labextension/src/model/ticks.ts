import type { GrantView } from '../api/types';

export type Tick = NonNullable<GrantView['ticks']>[number];

/** What a machine's grant can let its receiver do there, in the order in which it is shown. */
export const TICKS: readonly Tick[] = [
  'terminal',
  'files',
  'upload',
  'download',
  'apps',
  'invite',
  'power'
];

export type Profile = 'standard' | 'everything' | 'files' | 'reading' | 'programs';

/** Names for some choices; any other one is custom. As the service has them. */
export const PROFILES: Record<Profile, readonly Tick[]> = {
  standard: TICKS.filter(tick => tick !== 'power'),
  everything: TICKS,
  files: ['files', 'upload', 'download'],
  reading: ['files', 'download'],
  programs: ['apps']
};

/** The name of a choice; `custom` when it has none. */
export function profileOf(ticks: readonly Tick[]): Profile | 'custom' {
  const names = Object.keys(PROFILES) as Profile[];
  return names.find(name => isSame(PROFILES[name], ticks)) ?? 'custom';
}

/** What a new grant of a level has unless its giver says otherwise. */
export function usualTicks(level: string): readonly Tick[] {
  return level === 'manage' ? TICKS : PROFILES.standard;
}

/** A choice with one tick set or cleared, in their order. */
export function ticked(ticks: readonly Tick[], tick: Tick, isSet: boolean): readonly Tick[] {
  return TICKS.filter(each => (each === tick ? isSet : ticks.includes(each)));
}

function isSame(one: readonly Tick[], other: readonly Tick[]): boolean {
  return one.length === other.length && one.every(tick => other.includes(tick));
}
