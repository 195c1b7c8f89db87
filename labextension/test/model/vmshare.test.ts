import { MountedElsewhere } from '../../src/api/problem';
import type { Session } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { FakeServer, refusal, settle } from '../fakes/server';
import { folder, grantEvent, here, invitation } from '../fakes/things';

const SESSION = here();

function serverWith(session: Partial<Session> = {}): FakeServer {
  return new FakeServer()
    .on('GET session', () => ({ ...SESSION, ...session }))
    .on('GET api/invitations', () => ({ items: [], next: null }))
    .on('GET api/folders', () => ({ items: [], next: null }));
}

async function started(server: FakeServer): Promise<VMShareModel> {
  const model = new VMShareModel(server.client);
  await model.start();
  return model;
}

describe('where the panel is', () => {
  it.each([
    ['without a hub', { hub: false }, 'no-hub'],
    [
      'on the server of somebody else',
      { own_server: false, server_owner: 'ana' },
      'foreign-server'
    ],
    ['on a hub without the service', { service: 'absent' }, 'no-service'],
    ['while the service is down', { service: 'unreachable' }, 'unreachable'],
    ['without a credential', { service: 'refused' }, 'refused'],
    ['at home', {}, 'ready']
  ] as [string, Partial<Session>, string][])('%s is known', async (_, session, kind) => {
    const model = await started(serverWith(session));
    expect(model.standing.kind).toBe(kind);
    model.dispose();
  });

  it('without the server extension is known', async () => {
    const server = new FakeServer().on('GET session', () => refusal(404, 'not-found'));
    expect((await started(server)).standing.kind).toBe('no-extension');
  });

  it("on somebody else's server nothing is asked of the service", async () => {
    const server = serverWith({ own_server: false, server_owner: 'ana' });
    await started(server);
    expect(server.asked.map(asked => asked.path)).toEqual(['session']);
    expect(server.sockets).toHaveLength(0);
  });

  it('while the service is down it tries again until it is there', async () => {
    jest.useFakeTimers();
    let service: Session['service'] = 'unreachable';
    const server = serverWith().on('GET session', () => ({ ...SESSION, service }));
    const model = await started(server);
    service = 'ok';
    await jest.advanceTimersByTimeAsync(3500);
    expect(model.standing.kind).toBe('ready');
    model.dispose();
    jest.useRealTimers();
  });
});

describe('what happens', () => {
  it('reaches the lists before it reaches those who listen', async () => {
    const server = serverWith().on('GET api/invitations', () => ({ items: [invitation()] }));
    const model = await started(server);
    const counts: number[] = [];
    model.happened.connect(() => {
      counts.push(model.invitations.items.length);
    });
    server.sockets[0]!.say({ type: 'ready', position: 0 });
    server.sockets[0]!.say({ type: 'event', event: grantEvent('grant.cancelled') });
    expect(counts).toEqual([0]);
    model.dispose();
  });

  it('during a gap is looked up when the stream is back', async () => {
    const server = serverWith();
    const model = await started(server);
    server.sockets[0]!.say({ type: 'ready', position: 0 });
    await settle();
    server.on('GET api/folders', asked => ({
      items: asked.query.get('state') === 'live' ? [folder()] : []
    }));
    server.sockets[0]!.say({ type: 'ready', position: 0 });
    await settle();
    expect(model.folders.items).toHaveLength(1);
    expect(model.trash.items).toHaveLength(0);
    model.dispose();
  });

  it('is told of a gap only when it is long', async () => {
    jest.useFakeTimers();
    const server = serverWith();
    const model = await started(server);
    server.sockets[0]!.say({ type: 'ready', position: 0 });
    server.sockets[0]!.say({ type: 'status', state: 'unreachable', because: 'It restarts.' });
    await jest.advanceTimersByTimeAsync(4000);
    expect(model.gap).toBeNull();
    await jest.advanceTimersByTimeAsync(2000);
    expect(model.gap).toMatchObject({ because: 'It restarts.' });
    server.sockets[0]!.say({ type: 'ready', position: 0 });
    expect(model.gap).toBeNull();
    model.dispose();
    jest.useRealTimers();
  });
});

describe('an answer to an invitation', () => {
  it('takes it off the list without waiting for the event, and shows the folder', async () => {
    let isOpen = true;
    const server = serverWith()
      .on('GET api/invitations', () => ({ items: isOpen ? [invitation()] : [] }))
      .on('GET api/folders', asked => ({
        items: !isOpen && asked.query.get('state') === 'live' ? [folder()] : []
      }))
      .on('POST api/invitations/gnt_1/accept', () => {
        isOpen = false;
        return { id: 'gnt_1' };
      });
    const model = await started(server);
    await model.accept('gnt_1');
    expect(model.invitations.items).toEqual([]);
    expect(model.folders.items).toHaveLength(1);
    expect(server.calls('POST api/invitations/gnt_1/accept')[0]?.body).toBeNull();
    model.dispose();
  });

  it('carries the alias where there is one', async () => {
    const server = serverWith().on('POST api/invitations/gnt_1/accept', () => ({}));
    const model = await started(server);
    await model.accept('gnt_1', 'tests (ana)');
    expect(server.calls('POST api/invitations/gnt_1/accept')[0]?.body).toEqual({
      alias: 'tests (ana)'
    });
    model.dispose();
  });

  it.each(['accept', 'decline'] as const)('to %s is sent again, without a key', async deed => {
    let attempts = 0;
    const route = `POST api/invitations/gnt_1/${deed}`;
    const server = serverWith().on(route, () =>
      ++attempts === 1 ? refusal(503, 'hub-unreachable') : { id: 'gnt_1' }
    );
    const model = await started(server);
    await model[deed]('gnt_1');
    const keys = server.calls(route).map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys).toEqual([null, null]);
    model.dispose();
  });
});

describe('a folder that others have in their sessions', () => {
  it('goes to the trash only when forced', async () => {
    const because = 'dan has this folder in their session just now.';
    const route = 'POST api/folders/fld_1/trash';
    const server = serverWith().on(route, ({ body }) =>
      (body as { force?: boolean } | null)?.force
        ? folder()
        : refusal(409, 'mounted-elsewhere', { because })
    );
    const model = await started(server);
    const refused = model.moveToTrash('fld_1');
    await expect(refused).rejects.toThrow(MountedElsewhere);
    await expect(refused).rejects.toThrow(because);
    await model.moveToTrash('fld_1', true);
    expect(server.calls(route).map(({ body }) => body)).toEqual([null, { force: true }]);
    model.dispose();
  });
});

describe('the page that deletes for ever', () => {
  it.each([
    [
      '/services/vmshare/',
      'https://hub.org',
      'https://hub.org/services/vmshare/confirm/delete-folder/fld_1'
    ],
    [
      '/services/vmshare',
      'https://hub.org',
      'https://hub.org/services/vmshare/confirm/delete-folder/fld_1'
    ],
    [
      'http://10.0.0.5:10201/services/vmshare/',
      'https://hub.org',
      'https://hub.org/services/vmshare/confirm/delete-folder/fld_1'
    ]
  ])('of the service at %s is where browsers reach it', async (service_url, origin, expected) => {
    const model = await started(serverWith({ service_url }));
    expect(model.confirmUrl('fld_1', origin)).toBe(expected);
    const page = expected.replace('confirm/delete-folder/fld_1', 'projects');
    expect(model.pageUrl('projects', origin)).toBe(page);
    model.dispose();
  });
});
