import { AlreadyThere } from '../../src/api/problem';
import { ClonesModel } from '../../src/model/clones';
import { QuotaModel } from '../../src/model/quota';
import { SnapshotsModel } from '../../src/model/snapshots';
import { FakeServer, refusal, settle } from '../fakes/server';
import { clone, entry, folder, happening, quota, snapshot } from '../fakes/things';

const SNAPSHOTS = 'GET api/folders/fld_1/snapshots';
const OWNER = ['read_snapshot', 'snapshot_folder', 'restore_from_snapshot'];

function snapshots(): FakeServer {
  return new FakeServer()
    .on('GET api/folders/fld_1', () => folder({ actions: OWNER }))
    .on('GET api/folders/fld_1/snapshot-policy', () => ({ every_hours: null, keep: null }))
    .on(SNAPSHOTS, () => ({ items: [snapshot()], next: null }));
}

describe('the room for folders', () => {
  it('is looked at once after many changes', async () => {
    jest.useFakeTimers();
    const server = new FakeServer().on('GET api/me/quota', () => quota());
    const model = new QuotaModel(server.client);
    await model.refresh();
    expect(model.usedBy('fld_1')).toBe(3 << 20);
    expect(model.usedBy('fld_2')).toBeNull();
    ['files.changed', 'folder.created', 'snapshot.ended', 'grant.invited'].forEach(type => {
      model.receive(happening(type));
    });
    await jest.advanceTimersByTimeAsync(5000);
    expect(server.calls('GET api/me/quota')).toHaveLength(2);
    model.receive(happening('grant.invited'));
    await jest.advanceTimersByTimeAsync(5000);
    expect(server.calls('GET api/me/quota')).toHaveLength(2);
    jest.useRealTimers();
  });

  it('keeps what it knows when the service is away', async () => {
    const server = new FakeServer().on('GET api/me/quota', () => quota());
    const model = new QuotaModel(server.client);
    await model.refresh();
    server.on('GET api/me/quota', () => refusal(409, 'away'));
    await model.refresh();
    expect(model.failure).toBe('It is away.');
    expect(model.quota).not.toBeNull();
  });
});

describe('copies', () => {
  it('are looked at again while they are under way, and not after', async () => {
    jest.useFakeTimers();
    let state: ReturnType<typeof clone>['state'] = 'copying';
    const server = new FakeServer().on('GET api/clones', () => ({
      items: [clone({ state }), clone({ id: 'cln_2', state: 'done' })],
      next: null
    }));
    const model = new ClonesModel(server.client);
    await model.refresh();
    expect(model.items.map(({ id }) => id)).toEqual(['cln_1']);
    await jest.advanceTimersByTimeAsync(2500);
    expect(server.calls('GET api/clones')).toHaveLength(2);
    state = 'done';
    await jest.advanceTimersByTimeAsync(2500);
    expect(model.items).toEqual([]);
    const asked = server.calls('GET api/clones').length;
    await jest.advanceTimersByTimeAsync(20_000);
    expect(server.calls('GET api/clones')).toHaveLength(asked);
    model.dispose();
    jest.useRealTimers();
  });

  it('begin with a key, and can be given up', async () => {
    let items = [clone()];
    const server = new FakeServer()
      .on('GET api/clones', () => ({ items, next: null }))
      .on('POST api/folders/fld_1/clones', () => clone())
      .on('DELETE api/clones/cln_1', () => {
        items = [];
        return {};
      });
    const model = new ClonesModel(server.client);
    await model.begin('fld_1', 'my tests', 'k1');
    const [asked] = server.calls('POST api/folders/fld_1/clones');
    expect([asked!.body, asked!.headers.get('Idempotency-Key')]).toEqual([
      { name: 'my tests' },
      'k1'
    ]);
    await model.forget('cln_1');
    await settle();
    expect(model.items).toEqual([]);
    model.dispose();
  });
});

describe('snapshots', () => {
  it('are taken, and listed when an event tells of one', async () => {
    const server = snapshots().on('POST api/folders/fld_1/snapshots', () => snapshot());
    const model = new SnapshotsModel(server.client, 'fld_1');
    await model.open();
    await model.take('k1');
    expect(
      server.calls('POST api/folders/fld_1/snapshots')[0]!.headers.get('Idempotency-Key')
    ).toBe('k1');
    const before = server.calls(SNAPSHOTS).length;
    model.receive(happening('snapshot.ended', { thing_id: 'fld_2' }));
    await settle();
    expect(server.calls(SNAPSHOTS)).toHaveLength(before);
    model.receive(happening('snapshot.ended'));
    await settle();
    expect(server.calls(SNAPSHOTS)).toHaveLength(before + 1);
    model.dispose();
  });

  it.each([
    ['every so many hours', 6, 28, { every_hours: 6, keep: 28 }],
    ['not by themselves', null, undefined, { every_hours: null }]
  ] as const)('are made %s', async (_, every, keep, wanted) => {
    const server = snapshots().on('PUT api/folders/fld_1/snapshot-policy', asked => asked.body);
    const model = new SnapshotsModel(server.client, 'fld_1');
    await model.open();
    await model.setPolicy(every, keep);
    expect(server.calls('PUT api/folders/fld_1/snapshot-policy')[0]!.body).toEqual(wanted);
    expect(model.policy?.every_hours).toBe(every);
    model.dispose();
  });

  it('are looked into, directory by directory', async () => {
    const server = snapshots().on('GET api/folders/fld_1/snapshots/snp_1/entries', asked => {
      const path = asked.query.get('path') ?? '';
      const next = path === 'deep' && !asked.query.get('after') ? 'p2' : null;
      const name = asked.query.get('after') ? 'deep/z.txt' : `${path}a.txt`;
      return { path, items: [entry(name)], next };
    });
    const model = new SnapshotsModel(server.client, 'fld_1');
    await model.open();
    model.look(snapshot());
    await settle();
    expect(model.past?.entries.map(({ path }) => path)).toEqual(['a.txt']);
    await model.past!.enter('deep');
    await model.past!.loadMore();
    await model.past!.loadMore();
    expect(model.past?.entries.map(({ path }) => path)).toEqual(['deepa.txt', 'deep/z.txt']);
    model.look(null);
    expect(model.past).toBeNull();
    model.dispose();
  });

  it('give a file back, over what is there only where that is asked', async () => {
    const RESTORE = 'POST api/folders/fld_1/snapshots/snp_1/restore';
    const server = snapshots()
      .on('GET api/folders/fld_1/snapshots/snp_1/entries', () => ({ path: '', items: [] }))
      .on(RESTORE, asked =>
        (asked.body as { overwrite: boolean }).overwrite ? entry('a') : refusal(409, 'exists')
      );
    const model = new SnapshotsModel(server.client, 'fld_1');
    model.look(snapshot());
    await expect(model.past!.restore('a', null, false)).rejects.toBeInstanceOf(AlreadyThere);
    await model.past!.restore('a', null, true);
    expect(server.calls(RESTORE).map(({ body }) => body)).toEqual([
      { path: 'a', target: null, overwrite: false },
      { path: 'a', target: null, overwrite: true }
    ]);
    model.dispose();
  });

  it('say why they can not be seen any more', async () => {
    const server = snapshots().on('GET api/folders/fld_1', () => refusal(404, 'not-found'));
    const model = new SnapshotsModel(server.client, 'fld_1');
    await model.open();
    expect(model.folder).toBeNull();
    expect(model.failure).toBe('It is not-found.');
    model.dispose();
  });
});
