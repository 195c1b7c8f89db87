import type { MachineView } from '../../src/api/types';
import { comingUp, hasFailed, isUnderWay } from '../../src/model/coming';
import { machine } from '../fakes/machines';

type Drives = NonNullable<MachineView['drives']>;

const on = (state: Drives[number]['state']): Drives => [
  { drive_id: 'drv_1', drive_name: 'data', read_only: false, state, because: null }
];

describe('the steps of a machine that comes up', () => {
  it.each<[string, Partial<MachineView>, string]>([
    ['nothing was asked of the cloud yet', { state: 'making' }, 'ask:now make:next start:next'],
    [
      'the cloud makes it',
      { state: 'making', step: 'create', drives: on('attaching') },
      'ask:done make:now start:next attach:next'
    ],
    ['it is started again', { state: 'starting', step: 'start' }, 'start:now'],
    [
      'its drive is on it before it runs',
      { state: 'starting', drives: on('attached') },
      'start:now attach:done'
    ],
    ['a drive failed', { state: 'starting', drives: on('failed') }, 'start:now attach:failed'],
    ['a drive goes', { state: 'starting', drives: on('detaching') }, 'start:now'],
    [
      'it gets a fresh disk',
      { state: 'rebuilding', step: 'rebuild' },
      'ask:done make:now start:next'
    ],
    ['it runs', { state: 'running' }, ''],
    ['it stops', { state: 'stopping', desired: 'stopped' }, ''],
    ['it is made, to be stopped', { state: 'making', desired: 'stopped' }, ''],
    ['it failed', { state: 'failed', because: 'No host has room.' }, '']
  ])('when %s', (_, over, expected) => {
    const steps = comingUp(machine(over)).map(({ what, state }) => `${what}:${state}`);
    expect(steps.join(' ')).toBe(expected);
  });

  it.each<[string, Partial<MachineView>, boolean, boolean]>([
    ['runs', {}, false, false],
    ['is made', { state: 'making' }, true, false],
    ['is made, after a first attempt', { state: 'making', because: 'No room.' }, true, false],
    ['is gone from the cloud', { state: 'missing' }, false, true],
    ['could not be started', { state: 'stopped', because: 'It broke.' }, false, true],
    ['waits for a drive', { drives: on('attaching') }, true, false]
  ])('one that %s is under way, or has failed', (_, over, underWay, failed) => {
    expect([isUnderWay(machine(over)), hasFailed(machine(over))]).toEqual([underWay, failed]);
  });
});
