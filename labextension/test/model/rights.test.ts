import { thingRights } from '../../src/model/rights';
import { profileOf, PROFILES, ticked } from '../../src/model/ticks';
import { drive, machine, MACHINE_ACTIONS, toUse } from '../fakes/machines';

const GRANTS = [
  toUse({ id: 'gnt_1', giver: 'ana', receiver: { kind: 'person', name: 'ben' } }),
  toUse({ id: 'gnt_2', giver: 'ben', parent_id: 'gnt_1' }),
  toUse({ id: 'gnt_3', giver: 'cleo', parent_id: 'gnt_2' }),
  toUse({ id: 'gnt_4', giver: 'ana' })
];
const page = (): string => '/confirm';

function rightsOf(level: keyof typeof MACHINE_ACTIONS): ReturnType<typeof thingRights> {
  const thing = machine({ level, owner: 'ana', actions: MACHINE_ACTIONS[level] });
  return thingRights(thing, 'ben', () => GRANTS, page);
}

describe('what the share dialog of a machine offers', () => {
  it.each([
    ['owner', ['use', 'manage'], [true, true, true, true], true, true],
    ['manage', ['use'], [false, true, true, false], false, false],
    ['use', ['use'], [false, true, true, false], false, false]
  ] as const)('at %s', (level, levels, changeable, stop, coOwn) => {
    const rights = rightsOf(level);
    expect(rights.levels).toEqual(levels);
    expect(GRANTS.map(grant => rights.change(grant))).toEqual(changeable);
    expect(GRANTS.map(grant => rights.revoke(grant))).toEqual(changeable);
    expect([rights.stop, rights.coOwn !== null]).toEqual([stop, coOwn]);
  });

  it('is nothing for a user without the tick', () => {
    const actions = ['see_in_list', 'see_people', 'start', 'leave'];
    const rights = thingRights(machine({ level: 'use', actions }), 'ben', () => GRANTS, page);
    expect([rights.invite, rights.change(GRANTS[1]!), rights.revoke(GRANTS[1]!)]).toEqual([
      false,
      false,
      false
    ]);
  });

  it('ends with grants that go round in a circle', () => {
    const round = [toUse({ id: 'gnt_1', giver: 'ana', parent_id: 'gnt_1' })];
    const rights = thingRights(machine({ level: 'manage' }), 'ben', () => round, page);
    expect(rights.change(round[0]!)).toBe(false);
  });

  it('of a drive has its levels', () => {
    const rights = thingRights(drive(), 'ben', () => [], page);
    expect([rights.invite, rights.levels]).toEqual([true, ['attach_read', 'attach_write']]);
  });
});

describe('ticks', () => {
  it.each(Object.entries(PROFILES))('of the profile %s have its name', (name, ticks) => {
    expect(profileOf([...ticks].reverse())).toBe(name);
  });

  it('set by hand are custom, and back in a profile they are that', () => {
    const custom = ticked(PROFILES.standard, 'upload', false);
    expect(profileOf(custom)).toBe('custom');
    expect(profileOf(ticked(custom, 'upload', true))).toBe('standard');
  });
});
