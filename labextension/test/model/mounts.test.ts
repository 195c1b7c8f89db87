import type { MountView, Session, SessionView } from '../../src/api/types';
import type { MountChange } from '../../src/model/mounts';
import { MountsModel } from '../../src/model/mounts';
import { FakeServer, settle } from '../fakes/server';
import { happening, here, mount, running } from '../fakes/things';

interface World {
  server: FakeServer;
  mounts: MountsModel;
  sessions: SessionView[];
  moved: MountChange[];
}

async function world(mounts: MountView[], session: Partial<Session> = {}): Promise<World> {
  const made: World = {
    server: new FakeServer(),
    sessions: [running({ mounts })],
    moved: []
  } as unknown as World;
  made.server.on('GET api/sessions', () => ({ items: made.sessions, next: null }));
  made.mounts = new MountsModel(made.server.client, () => here(session));
  await made.mounts.sessions.refresh();
  made.mounts.moved.connect((_, change) => void made.moved.push(change));
  return made;
}

describe('where a folder is', () => {
  it.each([
    ['mounted', mount(), 'shared/tests', '/home/ben/shared/tests'],
    ['on its way', mount({ state: 'waiting' }), null, null],
    ['failed', mount({ state: 'failed', because: 'No room.' }), null, null],
    ['on its way out', mount({ state: 'closing' }), null, null]
  ])('that is %s', async (_, one, path, absolute) => {
    const { mounts } = await world([one]);
    expect([mounts.path('fld_1'), mounts.absolutePath('fld_1')]).toEqual([path, absolute]);
    expect(mounts.of('fld_1')).toEqual(one);
    expect(mounts.of('fld_2')).toBeNull();
  });

  it('is what is said of this session, not of the other servers of the person', async () => {
    const { mounts, sessions } = await world([]);
    sessions.push(running({ id: 'ses_2', server_name: 'big', mounts: [mount()] }));
    await mounts.sessions.refresh();
    expect(mounts.of('fld_1')).toBeNull();
  });

  it('is known to programs where the file browser does not show it', async () => {
    const because = 'Shared folders are at /srv, which this file browser does not show.';
    const { mounts } = await world([mount()], { shared_dir: null, mounts_because: because });
    expect(mounts.path('fld_1')).toBeNull();
    expect(mounts.absolutePath('fld_1')).toBe('/home/ben/shared/tests');
    expect(mounts.because).toBe(because);
  });
});

describe('a path of the file browser', () => {
  it.each([
    ['shared/tests/a/b.ipynb', 'a/b.ipynb'],
    ['shared/tests', ''],
    ['shared/testsuite/a', null],
    ['shared', null],
    ['sharedness/tests/a', null],
    ['shared-tests/a', null],
    ['other/shared/tests/a', null]
  ])('%s is in the folder at %p', async (path, expected) => {
    const { mounts } = await world([mount()]);
    expect(mounts.at(path)?.path ?? null).toBe(expected);
  });

  it('is found below a name with every special character', async () => {
    const { mounts } = await world([mount({ name: 'tests (ana) [1]+' })]);
    expect(mounts.at('shared/tests (ana) [1]+/a')?.path).toBe('a');
  });
});

describe('why there are no mounts', () => {
  it.each([
    ['all is well', [running()], {}, null],
    [
      'the node can not',
      [running({ mounts_available: false, because: 'There is no /dev/fuse.' })],
      {},
      'There is no /dev/fuse.'
    ],
    [
      'this session started without, on a node that can',
      [running()],
      { shared_dir: null, shared_path: null, mounts_because: 'It took too long.' },
      'It took too long.'
    ],
    [
      'the session started without',
      [],
      { shared_dir: null, shared_path: null, mounts_because: 'Nothing is set up.' },
      'Nothing is set up.'
    ]
  ])('when %s', async (_, sessions, session, expected) => {
    const made = await world([], session);
    made.sessions = sessions;
    await made.mounts.sessions.refresh();
    expect(made.mounts.because).toBe(expected);
    expect(made.mounts.areAvailable).toBe(expected === null);
  });
});

describe('what happens to mounts', () => {
  it.each(['mount.mounted', 'mount.changed', 'mount.unmounted', 'mount.failed', 'session.started'])(
    '%s is looked up',
    async type => {
      const made = await world([]);
      made.sessions = [running({ mounts: [mount()] })];
      made.mounts.sessions.receive(happening(type));
      await settle();
      expect(made.moved).toEqual([{ folderId: 'fld_1', before: null, after: mount() }]);
    }
  );

  it('is told once a folder, with what was before', async () => {
    const made = await world([mount(), mount({ folder_id: 'fld_2', name: 'reef' })]);
    made.sessions = [
      running({ mounts: [mount({ folder_id: 'fld_2', name: 'reef', level: 'edit' })] })
    ];
    made.mounts.sessions.receive(happening('mount.changed'));
    made.mounts.sessions.receive(happening('mount.unmounted'));
    await settle();
    expect(made.moved.map(({ folderId, after }) => [folderId, after?.level])).toEqual([
      ['fld_1', undefined],
      ['fld_2', 'edit']
    ]);
  });

  it('is of no interest where it is about files', async () => {
    const made = await world([mount()]);
    made.mounts.sessions.receive(happening('files.changed'));
    await settle();
    expect(made.server.calls('GET api/sessions')).toHaveLength(1);
  });

  it('is gone at once with the session that ended', async () => {
    const made = await world([mount()]);
    made.sessions = [];
    const over = { data: { session_id: 'ses_1', server_name: '' } };
    made.mounts.sessions.receive(happening('session.ended', over));
    expect(made.mounts.session).toBeNull();
    await settle();
  });
});
