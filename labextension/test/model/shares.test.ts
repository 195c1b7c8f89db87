import type { ShareView } from '../../src/api/types';
import { branchesOf, summaryOf } from '../../src/model/lineage';
import { fitsShare, orderedShares } from '../../src/model/sharelist';
import { SharesModel } from '../../src/model/shares';
import { FakeServer, refusal, settle } from '../fakes/server';
import { grant, happening, problem, share } from '../fakes/things';

const to = (name: string): Pick<ShareView, 'receiver'> => ({ receiver: { kind: 'person', name } });

const GIVEN = [
  share({ id: 'g1', thing_label: 'reef', ...to('cleo'), level: 'edit', version: 3 }),
  share({ id: 'g2', thing_label: 'bay', ...to('ben'), ends_at: '2099-01-01T00:00:00Z' }),
  share({ id: 'g3', thing_label: 'bay', ...to('dan'), state: 'pending', answer: 'none' })
];

function server(given: ShareView[] = GIVEN, received: ShareView[] = []): FakeServer {
  return new FakeServer()
    .on('GET api/shares/given', () => ({ items: given, next: null }))
    .on('GET api/shares/received', () => ({ items: received, next: null }));
}

async function opened(fake: FakeServer): Promise<SharesModel> {
  const model = new SharesModel(fake.client);
  await model.open();
  return model;
}

describe('the list of shares', () => {
  it.each([
    ['by folder, then by receiver', 'thing', false, ['g2', 'g3', 'g1']],
    ['by person', 'person', false, ['g2', 'g1', 'g3']],
    ['by level, the strongest first', 'level', true, ['g1', 'g3', 'g2']],
    ['by the end that comes first', 'end', false, ['g2', 'g3', 'g1']]
  ] as const)('is sorted %s', (_, by, descending, wanted) => {
    expect(orderedShares(GIVEN, { by, descending }).map(({ id }) => id)).toEqual(wanted);
  });

  it.each([
    ['by the name of a person', 'CLEO', 'all', ['g1']],
    ['to those that wait', '', 'waiting', ['g3']],
    ['to those that end', '', 'ending', ['g2']],
    ['to those that do not', 'bay', 'endless', ['g3']]
  ] as const)('is narrowed %s', (_, query, kept, wanted) => {
    const found = GIVEN.filter(one => fitsShare(one, query, kept));
    expect(found.map(({ id }) => id)).toEqual(wanted);
  });

  it('forgets a selection that it does not show any more', async () => {
    const model = await opened(server());
    model.selection.set(['g1', 'g2']);
    model.narrow('cleo', 'all');
    expect(model.selected.map(({ id }) => id)).toEqual(['g1']);
    model.look('received');
    expect(model.selection.size).toBe(0);
  });

  it('is asked for once after many events', async () => {
    jest.useFakeTimers();
    const fake = server();
    const model = await opened(fake);
    for (let event = 0; event < 1000; event++) {
      model.receive(happening('grant.changed'));
    }
    model.receive(happening('files.changed'));
    await jest.advanceTimersByTimeAsync(2000);
    expect(fake.calls('GET api/shares/given')).toHaveLength(2);
    jest.useRealTimers();
  });
});

describe('a change of many', () => {
  it('names the version that was seen of each, and tells what was refused', async () => {
    const refused = problem(412, 'changed', { detail: 'Somebody changed it.' });
    const fake = server().on('POST api/grants/change', () => ({
      results: [
        { grant_id: 'g2', grants: [] },
        { grant_id: 'g1', problem: refused }
      ],
      in_sessions: 'One session was cut.'
    }));
    const model = await opened(fake);
    model.selection.set(['g1', 'g2']);
    await model.change({ ends_at: null });
    expect(fake.calls('POST api/grants/change')[0]!.body).toEqual({
      grants: [
        { id: 'g2', version: 1 },
        { id: 'g1', version: 3 }
      ],
      ends_at: null
    });
    expect(model.outcome).toMatchObject({ done: 1, inSessions: 'One session was cut.' });
    expect(model.outcome?.refused.map(({ share: { id }, because }) => [id, because])).toEqual([
      ['g1', 'Somebody changed it.']
    ]);
    expect(model.selected.map(({ id }) => id)).toEqual(['g1']);
  });

  it('goes in several requests where it is large', async () => {
    const many = Array.from({ length: 1200 }, (_, at) => share({ id: `g${at}` }));
    const fake = server(many).on('POST api/grants/revoke', asked => ({
      results: (asked.body as { grants: string[] }).grants.map(id => ({ grant_id: id }))
    }));
    const model = await opened(fake);
    model.selection.set(many.map(({ id }) => id));
    await model.revoke();
    expect(fake.calls('POST api/grants/revoke')).toHaveLength(3);
    expect(model.outcome?.done).toBe(1200);
  });

  it('says of each that it is as it was when the service is away', async () => {
    const fake = server().on('POST api/grants/change', () => refusal(409, 'away'));
    const model = await opened(fake);
    model.selection.set(['g1', 'g3']);
    await model.change({ level: 'view' });
    expect(model.outcome?.refused.map(({ because }) => because)).toEqual([
      'It is away.',
      'It is away.'
    ]);
    expect(model.isBusy).toBe(false);
  });

  it.each([
    ['folder', 'fld_1', 'folders/fld_1'],
    ['machine', 'mch_1', 'machines/mch_1'],
    ['drive', 'drv_1', 'drives/drv_1']
  ])('leaves a %s once, whichever ways lead to it', async (_, thing_id, place) => {
    const team = { kind: 'team', name: 't' } as const;
    const ways = [share({ id: 'r1', thing_id }), share({ id: 'r2', thing_id, receiver: team })];
    const fake = server([], ways).on(`POST api/${place}/leave`, () => ({}));
    const model = await opened(fake);
    model.look('received');
    model.selection.set(['r1', 'r2']);
    await model.leave();
    expect(fake.calls(`POST api/${place}/leave`)).toHaveLength(1);
    expect(model.outcome).toMatchObject({ done: 2, refused: [] });
  });

  it('accepts one after the other, with a result for each', async () => {
    const fake = server([], [share({ id: 'r1' }), share({ id: 'r2', ...to('x') })])
      .on('POST api/invitations/r1/accept', () => ({}))
      .on('POST api/invitations/r2/accept', () => refusal(409, 'taken'));
    const model = await opened(fake);
    model.look('received');
    model.selection.set(['r1', 'r2']);
    await model.accept();
    await settle();
    expect(model.outcome).toMatchObject({ done: 1 });
    expect(model.outcome?.refused[0]?.because).toBe('It is taken.');
  });
});

describe('who has it from whom', () => {
  const team = { kind: 'team', name: 'genomics' } as const;
  const source = (id: string, answer: 'none' | 'accepted' = 'accepted'): object => ({
    grant_id: id,
    giver: 'ana',
    level: 'view',
    answer
  });
  const told = {
    owner: 'ana',
    grants: [
      grant({ id: 'g1', receiver: { kind: 'person', name: 'ben' } }),
      grant({ id: 'g2', receiver: { kind: 'person', name: 'dan' }, parent_id: 'g1' }),
      grant({ id: 'g3', receiver: team, ends_at: '2099-01-01T00:00:00Z' }),
      grant({ id: 'g4', receiver: { kind: 'person', name: 'eve' }, parent_id: 'gone' })
    ],
    people: [
      {
        name: 'ben',
        accepted: true,
        level: 'edit',
        sources: [source('g1'), { ...source('g3'), level: 'edit' }]
      },
      { name: 'cleo', accepted: false, level: null, sources: [source('g3', 'none')] }
    ]
  } as never;

  it('is a tree from the owner on, with the members of teams', () => {
    const branches = branchesOf(told);
    expect(branches.map(({ grant: { id } }) => id)).toEqual(['g1', 'g3', 'g4']);
    expect(branches[0]!.below.map(({ grant: { id } }) => id)).toEqual(['g2']);
    expect(branches[0]!.way).toEqual({ counts: 'edit', ways: 2, same: 1, gives: true });
    expect(branches[1]!.members.map(({ name, answer }) => [name, answer])).toEqual([
      ['ben', 'accepted'],
      ['cleo', 'none']
    ]);
  });

  it('is counted', () => {
    expect(summaryOf(told)).toEqual({ people: 2, waiting: 1, nextEnd: '2099-01-01T00:00:00Z' });
  });
});
