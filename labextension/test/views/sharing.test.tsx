import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { PeopleOfThing, ShareView } from '../../src/api/types';
import { PeopleModel } from '../../src/model/people';
import { SharesModel } from '../../src/model/shares';
import { Lineage } from '../../src/views/lineage';
import { Shares } from '../../src/views/shares';
import { FakeServer, settle } from '../fakes/server';
import { folder, grant, happening, problem, share } from '../fakes/things';

const to = (name: string): Pick<ShareView, 'receiver'> => ({ receiver: { kind: 'person', name } });

describe('sharing at a glance', () => {
  async function shown(
    given: ShareView[],
    received: ShareView[] = []
  ): Promise<{ server: FakeServer; model: SharesModel; told: string[] }> {
    const server = new FakeServer()
      .on('GET api/shares/given', () => ({ items: given, next: null }))
      .on('GET api/shares/received', () => ({ items: received, next: null }));
    const model = new SharesModel(server.client);
    const told: string[] = [];
    await model.open();
    render(
      <Shares
        model={model}
        deeds={{
          people: id => told.push(`people of ${id}`),
          open: id => told.push(`open ${id}`)
        }}
      />
    );
    return { server, model, told };
  }

  const bar = (): HTMLElement => screen.getByRole('group', { name: 'Selection' });
  const names = (): (string | null)[] =>
    within(bar())
      .getAllByRole('button')
      .map(button => button.textContent);

  it('lists what, with whom, at which level, until when', async () => {
    const { told } = await shown([
      share({ ...to('cleo'), level: 'edit', state: 'pending', answer: 'none' })
    ]);
    const [row] = screen.getAllByRole('row').slice(1);
    expect(row!.textContent).toBe('testscleonot answeredEditno end');
    await userEvent.click(within(row!).getByRole('button', { name: 'tests' }));
    await userEvent.click(within(row!).getByRole('button', { name: 'Open "tests"' }));
    expect(told).toEqual(['people of fld_1', 'open fld_1']);
  });

  it.each([
    ['given, all that may be done', ['change_level', 'revoke'], 'given', true],
    ['given, nothing that may not be done', [], 'given', false]
  ] as const)('offers for what is %s', async (_, actions, __, isThere) => {
    const { model } = await shown([share({ actions: [...actions] })]);
    act(() => model.selection.set(['gnt_1']));
    const all = ['Level…', 'End date…', 'Take away…', 'Select nothing'];
    expect(names()).toEqual(isThere ? all : ['Select nothing']);
  });

  it.each([
    ['machines', ['mch_1', 'mch_2'], ['Use', 'Manage']],
    ['drives', ['drv_1', 'drv_2'], ['Attach to read', 'Attach to write']],
    ['a folder and a machine', ['fld_1', 'mch_1'], null]
  ] as const)('offers the levels that %s can have', async (_, things, levels) => {
    const actions = ['change_level', 'change_grant', 'revoke', 'revoke_grant'];
    const given = things.map((thing_id, at) => share({ id: `g${at}`, thing_id, actions }));
    const { model } = await shown(given);
    act(() => model.selection.set(['g0', 'g1']));
    const ways = ['End date…', 'Take away…', 'Select nothing'];
    expect(names()).toEqual(levels ? ['Level…', ...ways] : ways);
    if (levels) {
      await userEvent.click(within(bar()).getByRole('button', { name: 'Level…' }));
      const step = screen.getByRole('group', { name: 'Another level' });
      const told = within(step).getAllByRole('button');
      expect(told.map(button => button.textContent)).toEqual(levels);
    }
  });

  it('opens a machine, of which no file is listed', async () => {
    const { told } = await shown([
      share({ thing_id: 'mch_1', thing_label: 'gpu-box', actions: [] })
    ]);
    await userEvent.click(screen.getByRole('button', { name: 'Open "gpu-box"' }));
    expect(told).toEqual(['open mch_1']);
  });

  it.each([
    [
      'not answered',
      share({ state: 'pending', answer: 'none', actions: [] }),
      ['Accept', 'Decline']
    ],
    ['accepted', share({ actions: ['leave'] }), ['Leave…']]
  ] as const)('offers an answer to what is %s', async (_, one, wanted) => {
    const { model } = await shown([], [one]);
    await userEvent.click(screen.getByRole('tab', { name: 'Shared with me' }));
    act(() => model.selection.set(['gnt_1']));
    expect(names()).toEqual([...wanted, 'Select nothing']);
  });

  it('changes the level of all that are selected, and tells of each that was refused', async () => {
    const { server } = await shown([share({ ...to('ben') }), share({ id: 'g2', ...to('cleo') })]);
    server.on('POST api/grants/change', () => ({
      results: [
        { grant_id: 'gnt_1' },
        { grant_id: 'g2', problem: problem(409, 'no', { detail: 'It has ended.' }) }
      ]
    }));
    act(() => screen.getAllByRole('row')[1]!.focus());
    await userEvent.keyboard('{Control>}a{/Control}');
    await userEvent.click(within(bar()).getByRole('button', { name: 'Level…' }));
    await userEvent.click(within(bar()).getByRole('button', { name: 'Edit + Delete' }));
    await act(settle);
    expect(server.calls('POST api/grants/change')[0]!.body).toMatchObject({ level: 'edit_delete' });
    expect(screen.getByRole('alert').textContent).toContain('1 done. 1 is as it was:');
    expect(screen.getByRole('alert').textContent).toContain('tests, cleo: It has ended.');
  });

  it('asks before it takes anything away', async () => {
    const { server, model } = await shown([share()]);
    server.on('POST api/grants/revoke', () => ({ results: [{ grant_id: 'gnt_1' }] }));
    act(() => model.selection.set(['gnt_1']));
    await userEvent.click(within(bar()).getByRole('button', { name: 'Take away…' }));
    expect(server.calls('POST api/grants/revoke')).toHaveLength(0);
    await userEvent.click(within(bar()).getByRole('button', { name: 'Take 1 share away' }));
    await act(settle);
    expect(server.calls('POST api/grants/revoke')[0]!.body).toEqual({ grants: ['gnt_1'] });
  });

  it('is turned with the arrow keys', async () => {
    const { model } = await shown([]);
    act(() => screen.getByRole('tab', { name: 'Shared by me' }).focus());
    await userEvent.keyboard('{ArrowRight}');
    expect(model.side).toBe('received');
    expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'Shared with me' }));
    expect(screen.getByText('Nothing is shared with you')).toBeTruthy();
  });
});

describe('the picture of a folder’s people', () => {
  type Source = NonNullable<PeopleOfThing['people']>[number]['sources'][number];

  function bens(
    grantId: string,
    level: string,
    team: string | null = null,
    answer: Source['answer'] = 'accepted'
  ): Source {
    return { grant_id: grantId, giver: 'ana', level, team, answer };
  }

  const people: PeopleOfThing = {
    owner: 'ana',
    grants: [
      grant(),
      grant({ id: 'g2', ...to('dan'), giver: 'ben', parent_id: 'gnt_1', state: 'pending' }),
      grant({ id: 'g3', receiver: { kind: 'team', name: 'genomics' }, level: 'edit' })
    ],
    people: [
      {
        name: 'ben',
        accepted: true,
        level: 'edit',
        sources: [bens('gnt_1', 'view'), bens('g3', 'edit', 'genomics')]
      }
    ],
    handed_over: [
      { id: 'h1', owner: 'ana', owner_before: 'eve', by: 'eve', at: '2026-11-01T00:00:00Z' }
    ]
  };

  async function drawn(
    actions = ['see_people', 'invite'],
    told = people
  ): Promise<{
    server: FakeServer;
    model: PeopleModel;
  }> {
    const server = new FakeServer()
      .on('GET api/folders/fld_1', () => folder({ actions }))
      .on('GET api/folders/fld_1/people', () => told);
    const model = new PeopleModel(server.client, 'fld_1');
    await model.open();
    render(<Lineage model={model} share={() => undefined} />);
    return { server, model };
  }

  const node = (grantId: string): HTMLElement =>
    document.querySelector<HTMLElement>(`[data-grant="${grantId}"]`)!;

  it('names a project as receiver, with each member’s answer and own level', async () => {
    const ofReef = { grant_id: 'g1', giver: 'ana', level: 'edit', project: 'reef' };
    await drawn(['see_people'], {
      owner: 'reef',
      administrators: ['ana'],
      grants: [grant({ id: 'g1', receiver: { kind: 'project', name: 'reef' }, level: 'edit' })],
      people: [
        {
          name: 'ben',
          accepted: false,
          level: 'view',
          sources: [{ ...ofReef, override: 'view', answer: 'none' }]
        },
        {
          name: 'cleo',
          accepted: true,
          level: 'edit',
          sources: [{ ...ofReef, answer: 'accepted' }]
        }
      ]
    });
    const branch = node('g1').closest('li')!;
    expect(node('g1').textContent).toContain('reef');
    const ben = branch.querySelector('[data-person="ben"]')!;
    expect(ben.textContent).toContain('View');
    expect(ben.textContent).toContain('level set by an administrator');
    const cleo = branch.querySelector('[data-person="cleo"]')!;
    expect(cleo.textContent).not.toContain('administrator');
  });

  it('hangs what was given on below who gave it on', async () => {
    await drawn();
    const below = node('gnt_1').closest('li')!;
    expect(below.contains(node('g2'))).toBe(true);
    expect(below.contains(node('g3'))).toBe(false);
    expect(node('g2').textContent).toContain('asked by ben, not answered yet');
  });

  it('says of who has it in several ways which one counts', async () => {
    await drawn();
    expect(node('gnt_1').textContent).toContain('one of 2 ways; a stronger one counts: Edit');
    const member = document.querySelectorAll('[data-person="ben"]')[1]!;
    expect(member.textContent).toContain('one of 2 ways; this level counts');
  });

  it.each([
    ['both give it', 'edit', [bens('gnt_1', 'edit'), bens('g3', 'edit', 'genomics')], 'both give'],
    [
      'two of three give it',
      'edit',
      [bens('gnt_1', 'edit'), bens('g3', 'edit', 'genomics'), bens('g9', 'view')],
      'one of 3 ways; 2 of them give this level, which counts'
    ],
    [
      'a stronger one waits for an answer',
      'view',
      [bens('gnt_1', 'edit', null, 'none'), bens('g3', 'view', 'genomics')],
      'one of 2 ways; another one counts: View'
    ]
  ])('says where %s', async (_, level, sources, wanted) => {
    const ben = { name: 'ben', accepted: true, level, sources };
    const own = grant({ level: sources[0]!.level });
    await drawn(undefined, { ...people, grants: [own, ...people.grants.slice(1)], people: [ben] });
    expect(node('gnt_1').textContent).toContain(wanted);
  });

  it('says how it came to its owner', async () => {
    await drawn();
    expect(screen.getByText(/^eve handed it over to ana on/)).toBeTruthy();
  });

  it.each([
    [['see_people', 'invite'], true],
    [['see_people'], false]
  ] as const)('with %s may be changed: %s', async (actions, isThere) => {
    await drawn([...actions]);
    expect(screen.queryByRole('button', { name: /^Invite people/ }) !== null).toBe(isThere);
  });

  it('follows what happens', async () => {
    const { server, model } = await drawn();
    server.on('GET api/folders/fld_1/people', () => ({ ...people, grants: [] }));
    jest.useFakeTimers();
    model.receive(happening('grant.revoked'));
    await act(() => jest.advanceTimersByTimeAsync(1000));
    jest.useRealTimers();
    expect(node('gnt_1')).toBeNull();
  });
});
