import { fileIcon } from '@jupyterlab/ui-components';
import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { QuotaView } from '../../src/api/types';
import { ClonesModel } from '../../src/model/clones';
import { SnapshotsModel } from '../../src/model/snapshots';
import { VMShareModel } from '../../src/model/vmshare';
import { Clones } from '../../src/views/clones';
import { Quota } from '../../src/views/quota';
import { Snapshots } from '../../src/views/snapshots';
import { FakeServer, settle } from '../fakes/server';
import { clone, entry, folder, quota, snapshot } from '../fakes/things';

describe('the room for folders', () => {
  async function shown(over: Partial<QuotaView> = {}): Promise<void> {
    const server = new FakeServer()
      .on('GET api/me/quota', () => quota(over))
      .on('GET api/folders', asked => ({
        items: asked.query.get('state') === 'live' ? [folder()] : [],
        next: null
      }));
    const model = new VMShareModel(server.client);
    await Promise.all([model.quota.refresh(), model.folders.refresh()]);
    render(<Quota model={model} />);
  }

  it('says how much of how much, and where it goes', async () => {
    await shown();
    const [files, folders] = screen.getAllByRole('meter', { hidden: true });
    expect(files!.getAttribute('aria-valuetext')).toBe('3 MiB of 10 MiB');
    expect(folders!.getAttribute('aria-valuetext')).toBe('2 of 20');
    const largest = screen.getByRole('list', { name: 'Your largest folders', hidden: true });
    expect(largest.textContent).toBe('tests2 MiB and 1 MiB of snapshots');
  });

  it.each([
    ['has no bar without a limit', { used: 5, limit: null }, 0, false],
    ['warns when it is nearly used up', { used: 95, limit: 100 }, 1, true],
    ['does not warn before', { used: 50, limit: 100 }, 1, false],
    ['is full at a limit of nothing', { used: 0, limit: 0 }, 1, true]
  ] as const)('%s', async (_, bytes, bars, warns) => {
    await shown({ bytes, folders: { used: 1, limit: null } });
    expect(screen.queryAllByRole('meter', { hidden: true })).toHaveLength(bars);
    expect(document.querySelector('.jp-mod-nearly') !== null).toBe(warns);
  });
});

describe('copies', () => {
  it('say how far they are or why there are none, and can be dismissed', async () => {
    let items = [
      clone(),
      clone({ id: 'cln_2', name: 'other', state: 'failed', because: 'No room.' })
    ];
    const server = new FakeServer()
      .on('GET api/clones', () => ({ items, next: null }))
      .on('DELETE api/clones/cln_2', () => {
        items = items.slice(0, 1);
        return {};
      });
    const model = new ClonesModel(server.client);
    await model.refresh();
    render(<Clones model={model} />);
    expect(screen.getByText(/7 files so far, 84 B/)).toBeTruthy();
    expect(screen.getByText(/No room\./)).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Dismiss the copy "other"' }));
    await act(settle);
    expect(screen.queryByText(/No room\./)).toBeNull();
    act(() => model.dispose());
  });
});

describe('the tab of snapshots', () => {
  const OWNER = ['read_snapshot', 'snapshot_folder', 'restore_from_snapshot'];
  let shownLast: SnapshotsModel | null = null;
  // One that is being made is looked at again and again.
  afterEach(() => act(() => shownLast?.dispose()));

  async function shown(actions = OWNER): Promise<{ server: FakeServer; told: string[] }> {
    const items = [
      snapshot({ id: 'snp_2', state: 'making', automatic: true }),
      snapshot(),
      snapshot({ id: 'snp_0', state: 'failed', because: 'No room.' })
    ];
    const server = new FakeServer()
      .on('GET api/folders/fld_1', () => folder({ actions }))
      .on('GET api/folders/fld_1/snapshot-policy', () => ({ every_hours: null, keep: null }))
      .on('PUT api/folders/fld_1/snapshot-policy', asked => asked.body)
      .on('GET api/folders/fld_1/snapshots', () => ({ items, next: null }))
      .on('GET api/folders/fld_1/snapshots/snp_1/entries', asked => {
        const path = asked.query.get('path') ?? '';
        const inside = [entry('deep', { kind: 'directory', size: null }), entry('a.txt')];
        return { path, items: path ? [entry('deep/b.txt')] : inside, next: null };
      });
    const model = new SnapshotsModel(server.client, 'fld_1');
    shownLast = model;
    const told: string[] = [];
    await model.open();
    render(
      <Snapshots
        model={model}
        deeds={{
          take: () => told.push('take'),
          remove: one => told.push(`delete ${one.id}`),
          download: (_, one) => told.push(`download ${one.path}`),
          restore: (_, one) => told.push(`restore ${one.path}`),
          iconOf: () => fileIcon
        }}
      />
    );
    return { server, told };
  }

  const row = (id: string): HTMLElement =>
    document.querySelector<HTMLElement>(`[data-snapshot="${id}"]`)!;

  it('lists them, with what became of each', async () => {
    await shown();
    expect(row('snp_2').textContent).toContain('is being made…');
    expect(row('snp_2').textContent).toContain('by itself');
    expect(row('snp_0').textContent).toContain('No room.');
    expect(within(row('snp_2')).queryByRole('button')).toBeNull();
    expect(within(row('snp_1')).getAllByRole('button')).toHaveLength(2);
  });

  it('opens one, walks in it, and takes a file back', async () => {
    const { told } = await shown();
    await userEvent.click(within(row('snp_1')).getAllByRole('button')[0]!);
    await act(settle);
    await userEvent.click(
      screen.getByRole('button', { name: 'Take "a.txt" back into the folder' })
    );
    await userEvent.click(screen.getByRole('button', { name: 'Download "a.txt" as it was' }));
    await userEvent.click(screen.getByRole('button', { name: 'deep' }));
    await act(settle);
    expect(screen.getByRole('button', { name: 'b.txt' })).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'All snapshots' }));
    expect(row('snp_1')).toBeTruthy();
    expect(told).toEqual(['restore a.txt', 'download a.txt']);
  });

  it('has only the controls of what may be done', async () => {
    await shown(['read_snapshot']);
    expect(screen.queryByRole('button', { name: 'Take a snapshot now' })).toBeNull();
    expect(screen.queryByRole('button', { name: /^Delete/ })).toBeNull();
    expect(screen.queryByRole('button', { name: /by themselves/ })).toBeNull();
    await userEvent.click(within(row('snp_1')).getByRole('button'));
    await act(settle);
    expect(screen.queryByRole('button', { name: /back into the folder/ })).toBeNull();
  });

  it('says how they are made, and changes it', async () => {
    const { server } = await shown();
    await userEvent.click(screen.getByRole('button', { name: 'Make them by themselves…' }));
    const hours = screen.getByRole('spinbutton', { name: 'Hours between two' });
    await userEvent.clear(hours);
    await userEvent.type(hours, '6');
    await userEvent.click(screen.getByRole('button', { name: 'Save' }));
    await act(settle);
    const [asked] = server.calls('PUT api/folders/fld_1/snapshot-policy');
    expect(asked!.body).toMatchObject({ keep: 24 });
    expect(screen.getByText(/^Every \d+ hours by itself/)).toBeTruthy();
  });
});
