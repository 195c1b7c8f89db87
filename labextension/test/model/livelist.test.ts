import { Unreachable } from '../../src/api/problem';
import type { FolderView } from '../../src/api/types';
import { applyToFolders } from '../../src/model/application';
import { LiveList } from '../../src/model/livelist';
import { later, settle } from '../fakes/server';
import { folder, grantEvent, happening } from '../fakes/things';

interface Page {
  items: FolderView[];
  next?: string | null;
}

function listOf(page: (after: string | null) => Promise<Page>): LiveList<FolderView> {
  return new LiveList<FolderView>({
    page,
    apply: (items, event) => applyToFolders(items, event, 'ben')
  });
}

describe('a live list', () => {
  it('reads all pages', async () => {
    const list = listOf(after =>
      Promise.resolve(
        after === null
          ? { items: [folder({ id: 'fld_1' })], next: 'more' }
          : { items: [folder({ id: 'fld_2' })], next: null }
      )
    );
    await list.refresh();
    expect(list.items.map(item => item.id)).toEqual(['fld_1', 'fld_2']);
    expect(list.isLoaded).toBe(true);
  });

  it('keeps what an event says when an older reply comes after it', async () => {
    const replies = [later<Page>(), later<Page>()];
    let asked = 0;
    const list = listOf(() => replies[asked++]!.promise);
    const loading = list.refresh();
    list.receive(grantEvent('grant.revoked'));
    // The reply was on its way before the revoke: it still names the folder.
    replies[0]!.arrive({ items: [folder()] });
    await loading;
    expect(list.items).toEqual([]);
    replies[1]!.arrive({ items: [] });
    await settle();
    expect(asked).toBe(2);
    expect(list.items).toEqual([]);
  });

  it('shows the new name though an older reply has the old one', async () => {
    const reply = later<Page>();
    let asked = 0;
    const list = listOf(() =>
      ++asked === 1
        ? reply.promise
        : Promise.resolve({ items: [folder({ name: 'reef', label: 'reef' })] })
    );
    const loading = list.refresh();
    list.receive(happening('folder.renamed', { data: { from: 'tests', to: 'reef' } }));
    reply.arrive({ items: [folder()] });
    await loading;
    expect(list.items[0]?.label).toBe('reef');
    await settle();
    expect(asked).toBe(2);
  });

  it('looks once more, not many times, for all that happened while it looked', async () => {
    const reply = later<Page>();
    let asked = 0;
    const list = listOf(() => (++asked === 1 ? reply.promise : Promise.resolve({ items: [] })));
    const loading = list.refresh();
    for (let event = 0; event < 20; event++) {
      list.receive(happening('folder.created', { thing_id: `fld_${event}` }));
    }
    reply.arrive({ items: [] });
    await loading;
    await settle();
    expect(asked).toBe(2);
  });

  it('resolves a refresh only with a look that began after it was asked for', async () => {
    const first = later<Page>();
    let asked = 0;
    const list = listOf(() =>
      ++asked === 1 ? first.promise : Promise.resolve({ items: [folder({ id: 'fld_new' })] })
    );
    void list.refresh();
    const after = list.refresh();
    first.arrive({ items: [] });
    await after;
    expect(list.items.map(item => item.id)).toEqual(['fld_new']);
  });

  it('keeps its items when a look fails, and says why', async () => {
    let isDown = false;
    const list = listOf(() =>
      isDown
        ? Promise.reject(new Unreachable('It does not answer.', 503, 'hub-unreachable'))
        : Promise.resolve({ items: [folder()] })
    );
    await list.refresh();
    isDown = true;
    await list.refresh();
    expect(list.items).toHaveLength(1);
    expect(list.failure).toBe('It does not answer.');
    isDown = false;
    await list.refresh();
    expect(list.failure).toBeNull();
  });

  it('does not bother anybody with events about something else', async () => {
    const list = listOf(() => Promise.resolve({ items: [folder()] }));
    await list.refresh();
    await settle();
    let told = 0;
    list.changed.connect(() => {
      told += 1;
    });
    list.receive(happening('files.changed'));
    expect(told).toBe(0);
  });
});
