import { DirectoryModel } from '../../src/model/directory';
import { ListingModel } from '../../src/model/listing';
import { pressed } from '../../src/model/order';
import { FakeServer, later, refusal, settle } from '../fakes/server';
import { sorted } from '../fakes/sorting';
import { entry, folder } from '../fakes/things';

const ENTRIES = 'GET api/folders/fld_1/entries';
const directory = (path: string): ReturnType<typeof entry> =>
  entry(path, { kind: 'directory', size: null });

const TREE: Record<string, ReturnType<typeof entry>[]> = {
  '': [directory('reef'), entry('a.txt', { size: 3 }), entry('b.txt', { size: 9 })],
  reef: [
    directory('reef/deep'),
    entry('reef/c.txt', { size: 1 }),
    entry('reef/e.txt', { size: 7 })
  ],
  'reef/deep': [entry('reef/deep/d.txt')]
};

function server(): FakeServer {
  return new FakeServer()
    .on('GET api/folders/fld_1', () => folder())
    .on(ENTRIES, asked => {
      const path = asked.query.get('path') ?? '';
      return { path, items: sorted(TREE[path] ?? [], asked.query), next: null };
    });
}

async function shown(fake = server()): Promise<ListingModel> {
  const model = new DirectoryModel(fake.client, 'fld_1', () => 'ben');
  const listing = new ListingModel(fake.client, model);
  await model.open();
  return listing;
}

const paths = (listing: ListingModel): string[] => listing.rows.map(row => row.entry.path);

describe('the order of rows', () => {
  it.each([
    ['by name, as the service has it', [], ['reef', 'a.txt', 'b.txt']],
    ['by name, from the end', ['name'], ['reef', 'b.txt', 'a.txt']],
    ['by size, the largest first', ['size'], ['reef', 'b.txt', 'a.txt']],
    ['by size, the smallest first', ['size', 'size'], ['reef', 'a.txt', 'b.txt']]
  ] as const)('is %s', async (_, columns, wanted) => {
    const listing = await shown();
    columns.forEach(column => listing.sortBy(column));
    await settle();
    expect(paths(listing)).toEqual(wanted);
  });

  it('has the newest and the largest first, and names from the first', () => {
    const byName = { by: 'name', descending: false } as const;
    expect(pressed(byName, 'modified')).toEqual({ by: 'modified', descending: true });
    expect(pressed(pressed(byName, 'size'), 'name')).toEqual(byName);
  });

  it('is the service’s, a page at a time', async () => {
    const fake = server().on(ENTRIES, ({ query }) =>
      query.get('after')
        ? { path: '', items: [entry('a.txt', { size: 1 })], next: null }
        : { path: '', items: [entry('z.txt', { size: 99 })], next: 'more' }
    );
    const listing = await shown(fake);
    listing.sortBy('size');
    await settle();
    expect(paths(listing)).toEqual(['z.txt']);
    expect(fake.calls(ENTRIES)).toHaveLength(2);
    await listing.directory.loadMore();
    expect(paths(listing)).toEqual(['z.txt', 'a.txt']);
    expect(fake.calls(ENTRIES).map(({ query }) => query.get('order'))).toEqual([
      ...['name', 'size', 'size']
    ]);
  });

  it('goes on in no other order when that could not be had', async () => {
    const fake = server().on(ENTRIES, ({ query }) =>
      query.get('order') === 'size'
        ? refusal(503, 'unavailable')
        : { path: '', items: [entry('a.txt')], next: 'by name' }
    );
    const listing = await shown(fake);
    listing.sortBy('size');
    await settle();
    const asked = fake.calls(ENTRIES).length;
    await listing.directory.loadMore();
    expect(fake.calls(ENTRIES)).toHaveLength(asked);
    expect(listing.directory.failure).not.toBeNull();
  });

  it('shows what has grown between two pages once, where it belongs now', async () => {
    const grown = (size: number): ReturnType<typeof entry> => entry('g.txt', { size });
    const fake = server().on(ENTRIES, ({ query }) =>
      query.get('after')
        ? { path: '', items: [grown(50)], next: null }
        : { path: '', items: [grown(1), entry('b.txt', { size: 9 })], next: 'more' }
    );
    const listing = await shown(fake);
    await listing.directory.loadMore();
    expect(listing.rows.map(row => row.entry.size)).toEqual([9, 50]);
  });

  it('keeps of the selection what it shows', async () => {
    const fake = server().on(ENTRIES, ({ query }) =>
      query.get('order') === 'size'
        ? { path: '', items: [entry('b.txt')], next: 'more' }
        : { path: '', items: [entry('a.txt'), entry('b.txt')], next: 'more' }
    );
    const listing = await shown(fake);
    listing.directory.selection.set(['a.txt', 'b.txt']);
    listing.sortBy('size');
    await settle();
    expect(listing.directory.selection.paths).toEqual(['b.txt']);
  });
});

describe('a tree', () => {
  async function unfolded(): Promise<ListingModel> {
    const listing = await shown();
    listing.showAsTree(true);
    await listing.setOpen('reef', true);
    await listing.setOpen('reef/deep', true);
    return listing;
  }

  it('shows what is in a directory below it, deeper', async () => {
    const { rows } = await unfolded();
    expect(rows.map(({ entry: { path }, depth, isOpen }) => [path, depth, isOpen])).toEqual([
      ['reef', 0, true],
      ['reef/deep', 1, true],
      ['reef/deep/d.txt', 2, null],
      ['reef/c.txt', 1, null],
      ['reef/e.txt', 1, null],
      ['a.txt', 0, null],
      ['b.txt', 0, null]
    ]);
  });

  it('is sorted within each directory', async () => {
    const listing = await unfolded();
    listing.sortBy('size');
    await settle();
    expect(paths(listing)).toEqual([
      ...['reef', 'reef/deep', 'reef/deep/d.txt', 'reef/e.txt', 'reef/c.txt'],
      ...['b.txt', 'a.txt']
    ]);
  });

  it('does not take what comes late in an order that is not wanted any more', async () => {
    const late = later<unknown>();
    const fake = server();
    const listing = await shown(fake);
    listing.showAsTree(true);
    fake.on(ENTRIES, ({ query }) => {
      const path = query.get('path') ?? '';
      const isLate = path === 'reef' && query.get('order') === 'name';
      return isLate ? late.promise : { path, items: sorted(TREE[path] ?? [], query), next: null };
    });
    const opening = listing.setOpen('reef', true);
    listing.sortBy('size');
    await settle();
    late.arrive({ path: 'reef', items: TREE.reef, next: null });
    await opening;
    expect(paths(listing).slice(1, 4)).toEqual(['reef/deep', 'reef/e.txt', 'reef/c.txt']);
  });

  it('folds, and forgets what was selected in there', async () => {
    const listing = await unfolded();
    const { selection } = listing.directory;
    selection.set(['reef/c.txt', 'a.txt']);
    await listing.setOpen('reef', false);
    expect(paths(listing)).toEqual(['reef', 'a.txt', 'b.txt']);
    expect(selection.paths).toEqual(['a.txt']);
  });

  it('keeps up with what happens deep in it, with the selection', async () => {
    const fake = server();
    const listing = await shown(fake);
    listing.showAsTree(true);
    await listing.setOpen('reef', true);
    listing.directory.selection.set(['reef/c.txt']);
    fake.on(ENTRIES, asked => {
      const path = asked.query.get('path') ?? '';
      const more = path === 'reef' ? [entry('reef/new.txt')] : [];
      return { path, items: [...(TREE[path] ?? []), ...more], next: null };
    });
    await listing.directory.reload();
    await settle();
    expect(paths(listing)).toContain('reef/new.txt');
    expect(listing.directory.selection.paths).toEqual(['reef/c.txt']);
  });

  it('folds what is gone', async () => {
    const fake = server();
    const listing = await shown(fake);
    listing.showAsTree(true);
    await listing.setOpen('reef', true);
    fake.on(ENTRIES, asked =>
      asked.query.get('path')
        ? refusal(404, 'not-found')
        : { path: '', items: [entry('a.txt')], next: null }
    );
    await listing.directory.reload();
    await settle();
    expect(paths(listing)).toEqual(['a.txt']);
  });

  it('reads what is unfolded on where its end comes into sight, and keeps that', async () => {
    const many = Array.from({ length: 2500 }, (_, at) => entry(`reef/${at}.txt`));
    const fake = server();
    const listing = await shown(fake);
    listing.showAsTree(true);
    fake.on(ENTRIES, ({ query }) => {
      const [from, limit] = [Number(query.get('after') ?? 0), Number(query.get('limit'))];
      const to = from + limit;
      return query.get('path')
        ? { path: 'reef', items: many.slice(from, to), next: to < many.length ? `${to}` : null }
        : { path: '', items: TREE[''], next: null };
    });
    const read = (): number => listing.rows.length - TREE['']!.length;
    await listing.setOpen('reef', true);
    expect([read(), listing.hasMore]).toEqual([1000, true]);
    listing.inSight(0, 1000);
    await settle();
    expect(read()).toBe(1000);
    listing.inSight(990, 1003);
    listing.inSight(990, 1003);
    await settle();
    expect([read(), listing.hasMore]).toEqual([2000, true]);
    await listing.directory.reload();
    await settle();
    expect(read()).toBe(2000);
    listing.inSight(1990, 2003);
    await settle();
    expect([read(), listing.hasMore]).toEqual([2500, false]);
  });

  it('begins anew in another directory', async () => {
    const listing = await unfolded();
    await listing.directory.enter('reef');
    expect(listing.rows.map(row => row.isOpen)).toEqual([false, null, null]);
  });
});
