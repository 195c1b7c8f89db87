import { DirectoryModel } from '../../src/model/directory';
import { ListingModel } from '../../src/model/listing';
import { inOrder, pressed } from '../../src/model/order';
import { FakeServer, refusal, settle } from '../fakes/server';
import { entry, folder } from '../fakes/things';

const ENTRIES = 'GET api/folders/fld_1/entries';
const directory = (path: string): ReturnType<typeof entry> =>
  entry(path, { kind: 'directory', size: null });

const TREE: Record<string, ReturnType<typeof entry>[]> = {
  '': [directory('reef'), entry('a.txt', { size: 3 }), entry('b.txt', { size: 9 })],
  reef: [directory('reef/deep'), entry('reef/c.txt')],
  'reef/deep': [entry('reef/deep/d.txt')]
};

function server(): FakeServer {
  return new FakeServer()
    .on('GET api/folders/fld_1', () => folder())
    .on(ENTRIES, asked => {
      const path = asked.query.get('path') ?? '';
      return { path, items: TREE[path], next: null };
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
    expect(paths(listing)).toEqual(wanted);
  });

  it('has the newest first, and keeps what is equal as it was', () => {
    const [old, young, twin] = [
      entry('old', { modified_at: '2026-01-01T00:00:00Z' }),
      entry('young', { modified_at: '2026-02-01T00:00:00Z' }),
      entry('twin', { modified_at: '2026-02-01T00:00:00Z' })
    ];
    const order = pressed({ by: 'name', descending: false }, 'modified');
    expect(inOrder([old, young, twin], order)).toEqual([young, twin, old]);
  });

  it('asks for all pages first where it is not the one of the service', async () => {
    const fake = server().on(ENTRIES, asked =>
      asked.query.get('after')
        ? { path: '', items: [entry('z.txt', { size: 99 })], next: null }
        : { path: '', items: [entry('a.txt', { size: 1 })], next: 'more' }
    );
    const listing = await shown(fake);
    expect(paths(listing)).toEqual(['a.txt']);
    listing.sortBy('size');
    await settle();
    expect(paths(listing)).toEqual(['z.txt', 'a.txt']);
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
      ['a.txt', 0, null],
      ['b.txt', 0, null]
    ]);
  });

  it('is sorted within each directory', async () => {
    const listing = await unfolded();
    listing.sortBy('name');
    expect(paths(listing)).toEqual([
      ...['reef', 'reef/deep', 'reef/deep/d.txt', 'reef/c.txt'],
      ...['b.txt', 'a.txt']
    ]);
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

  it('begins anew in another directory', async () => {
    const listing = await unfolded();
    await listing.directory.enter('reef');
    expect(listing.rows.map(row => row.isOpen)).toEqual([false, null]);
  });
});
