import { DirectoryModel } from '../../src/model/directory';
import { FakeServer, later, refusal, settle } from '../fakes/server';
import { ACTIONS, entry, folder, grantEvent, happening } from '../fakes/things';

const FOLDER = 'GET api/folders/fld_1';
const ENTRIES = 'GET api/folders/fld_1/entries';

function server(): FakeServer {
  return new FakeServer()
    .on(FOLDER, () => folder())
    .on(ENTRIES, asked => ({
      path: asked.query.get('path') ?? '',
      items: [entry(`${asked.query.get('path') ?? ''}/a.txt`)],
      next: null
    }));
}

async function opened(fake: FakeServer): Promise<DirectoryModel> {
  const model = new DirectoryModel(fake.client, 'fld_1', () => 'ben');
  await model.open();
  return model;
}

describe('a directory', () => {
  it('reads on when the next page is wanted', async () => {
    const fake = server().on(ENTRIES, asked =>
      asked.query.get('after') === 'p2'
        ? { path: '', items: [entry('b.txt')], next: null }
        : { path: '', items: [entry('a.txt')], next: 'p2' }
    );
    const model = await opened(fake);
    expect(model.hasMore).toBe(true);
    await model.loadMore();
    await model.loadMore();
    expect(model.entries.map(each => each.name)).toEqual(['a.txt', 'b.txt']);
    expect(fake.calls(ENTRIES)).toHaveLength(2);
  });

  it('shows the place that was asked for last, whatever answers last', async () => {
    const slow = later<unknown>();
    const fake = server();
    const model = await opened(fake);
    fake.on(ENTRIES, asked =>
      asked.query.get('path') === 'slow'
        ? slow.promise
        : { path: 'fast', items: [entry('fast/b.txt')], next: null }
    );
    const first = model.enter('slow');
    await model.enter('fast');
    slow.arrive({ path: 'slow', items: [entry('slow/a.txt')], next: null });
    await first;
    expect(model.path).toBe('fast');
    expect(model.entries.map(each => each.path)).toEqual(['fast/b.txt']);
  });

  it('reloads once for a burst of changes, and not for those elsewhere', async () => {
    jest.useFakeTimers();
    const fake = server();
    const model = new DirectoryModel(fake.client, 'fld_1', () => 'ben', 'sub');
    await model.open();
    const before = fake.calls(ENTRIES).length;
    ['sub/a', 'sub/b', 'sub'].forEach(path => {
      model.receive(happening('files.changed', { data: { path } }));
    });
    await jest.advanceTimersByTimeAsync(1000);
    expect(fake.calls(ENTRIES)).toHaveLength(before + 1);
    model.receive(happening('files.changed', { data: { path: 'other/c' } }));
    model.receive(happening('files.changed', { thing_id: 'fld_2', data: { path: '' } }));
    await jest.advanceTimersByTimeAsync(1000);
    expect(fake.calls(ENTRIES)).toHaveLength(before + 1);
    jest.useRealTimers();
  });

  it('steps up when it is deleted, while the folder is still there', async () => {
    const fake = server();
    const model = new DirectoryModel(fake.client, 'fld_1', () => 'ben', 'gone/deep');
    await model.open();
    fake.on(ENTRIES, asked =>
      asked.query.get('path') ? refusal(404, 'not-found') : { path: '', items: [], next: null }
    );
    await model.reload();
    await settle();
    expect(model.path).toBe('');
    expect(model.ended).toBeNull();
  });
});

describe('what one may do', () => {
  it('changes with the level, without a reload', async () => {
    const fake = server();
    const model = await opened(fake);
    expect(model.may('rename_file')).toBe(false);
    fake.on(FOLDER, () => folder({ level: 'edit_delete', actions: ACTIONS.edit_delete }));
    model.receive(grantEvent('grant.changed', { level: 'edit_delete' }));
    await settle();
    expect(model.may('rename_file')).toBe(true);
  });
});

describe('the end of access', () => {
  it.each(['grant.revoked', 'grant.expired', 'grant.ended', 'grant.left'])(
    'by %s takes the files away and says why',
    async type => {
      const fake = server();
      const model = await opened(fake);
      fake.on(FOLDER, () => refusal(404, 'not-found'));
      const event = grantEvent(type);
      model.receive(event);
      await settle();
      expect(model.ended).toEqual({ event });
      expect(model.entries).toEqual([]);
    }
  );

  it.each([
    ['before', ['grant.ended', 'mount.removed']],
    ['after', ['mount.removed', 'grant.ended']]
  ])('keeps its reason where a mount goes with it, told %s that', async (_, types) => {
    const fake = server();
    const model = await opened(fake);
    fake.on(FOLDER, () => refusal(404, 'not-found'));
    const events = types.map(type =>
      type === 'grant.ended' ? grantEvent(type, { why: 'team_left' }) : happening(type)
    );
    for (const event of events) {
      model.receive(event);
    }
    await settle();
    expect(model.ended?.event?.type).toBe('grant.ended');
    model.dispose();
  });

  it('has its reason also when that comes late', async () => {
    const fake = server();
    const model = await opened(fake);
    fake.on(FOLDER, () => refusal(404, 'not-found'));
    model.receive(happening('mount.removed'));
    await settle();
    expect(model.ended).toEqual({ event: null });
    const event = grantEvent('grant.ended', { why: 'team_left' });
    model.receive(event);
    expect(model.ended).toEqual({ event });
  });

  it('is none while another source opens the folder', async () => {
    const model = await opened(server());
    model.receive(grantEvent('grant.revoked'));
    await settle();
    expect(model.ended).toBeNull();
    expect(model.entries).toHaveLength(1);
  });

  it("is none when it is somebody else's", async () => {
    const model = await opened(server());
    model.receive(grantEvent('grant.revoked', { receiver: 'dan' }));
    await settle();
    expect(model.ended).toBeNull();
  });

  it('is over when the folder comes back', async () => {
    const model = await opened(server());
    model.receive(happening('folder.trashed'));
    expect(model.ended).not.toBeNull();
    model.receive(happening('folder.restored'));
    await settle();
    expect(model.ended).toBeNull();
    expect(model.entries).toHaveLength(1);
  });
});

describe('many entries', () => {
  const many = Array.from({ length: 1500 }, (_, at) => `sub/${at}`);
  const problem = { type: 'x', title: 'No', status: 404, code: 'not-found', detail: 'Not there.' };

  it('are deleted in batches, and what is left is told', async () => {
    const fake = server();
    const model = await opened(fake);
    fake.on('POST api/folders/fld_1/deletions', ({ body }) => {
      const { paths } = body as { paths: string[] };
      return {
        results: paths.map(path => ({ path, problem: path === 'sub/1200' ? problem : null }))
      };
    });
    expect(await model.removeMany(many)).toEqual([{ path: 'sub/1200', because: 'Not there.' }]);
    const asked = fake.calls('POST api/folders/fld_1/deletions').map(({ body }) => body);
    expect(asked.map(body => (body as { paths: string[] }).paths.length)).toEqual([1000, 500]);
    expect(asked.every(body => (body as { recursive: boolean }).recursive)).toBe(true);
  });

  it.each([
    ['deep', 'deep/1'],
    ['', '1']
  ])('are moved to "%s"', async (directory, target) => {
    const fake = server();
    const model = await opened(fake);
    fake.on('POST api/folders/fld_1/relocations', () => ({
      results: [{ source: 'sub/1', entry: null, problem: null }]
    }));
    expect(await model.moveMany(['sub/1'], directory)).toEqual([]);
    const [asked] = fake.calls('POST api/folders/fld_1/relocations');
    expect(asked!.body).toEqual({ moves: [{ source: 'sub/1', target }] });
  });
});
