import type { MachineView } from '../api/types';

/** One thing that has to happen until a machine is as it was wanted. */
export interface ComingStep {
  what: 'ask' | 'make' | 'start' | 'attach';
  /** Of a drive that is attached. */
  name: string | null;
  state: 'done' | 'now' | 'next' | 'failed';
}

const MOVING = new Set([
  'making',
  'starting',
  'stopping',
  'rebooting',
  'resizing',
  'rebuilding',
  'changing',
  'deleting'
]);

/** Whether something of a machine is being brought about just now. */
export function isUnderWay(machine: MachineView): boolean {
  const moves = (machine.drives ?? []).some(
    ({ state }) => state === 'attaching' || state === 'detaching'
  );
  return MOVING.has(machine.state ?? '') || moves;
}

/** Whether a machine is not as it was wanted, and no longer on its way there. */
export function hasFailed({ state, because }: MachineView): boolean {
  return state === 'failed' || state === 'missing' || (because != null && !MOVING.has(state ?? ''));
}

/** The steps of a machine that comes up, and which of them is taken now; none where it does not. */
export function comingUp(machine: MachineView): readonly ComingStep[] {
  const { state, step, desired, drives = [] } = machine;
  const comes = state === 'making' || state === 'starting' || state === 'rebuilding';
  if (desired !== 'running' || !comes) {
    return [];
  }
  const isAsked = state !== 'making' || step != null;
  const isMade = state === 'starting';
  const making: ComingStep[] = [
    { what: 'ask', name: null, state: isAsked ? 'done' : 'now' },
    { what: 'make', name: null, state: isMade ? 'done' : isAsked ? 'now' : 'next' }
  ];
  return [
    ...(state === 'starting' ? [] : making),
    { what: 'start', name: null, state: isMade ? 'now' : 'next' },
    ...drives.flatMap(({ drive_name: name, state: how }) => {
      const where = { attached: 'done', failed: 'failed', attaching: 'next' } as const;
      return how === 'detaching' ? [] : [{ what: 'attach' as const, name, state: where[how] }];
    })
  ];
}
