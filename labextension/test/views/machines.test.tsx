import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { CloudView, DriveView, MachineView } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { Machines } from '../../src/views/machines';
import { FakeServer, settle } from '../fakes/server';
import { cloud, drive, machine, MACHINE_ACTIONS } from '../fakes/machines';
import { happening, here } from '../fakes/things';

interface Site {
  cloud?: CloudView;
  machines?: MachineView[];
  drives?: DriveView[];
}

async function shown(site: Site, server = new FakeServer()): Promise<string[]> {
  server
    .on('GET session', () => here())
    .on('GET api/cloud', () => site.cloud ?? cloud())
    .on('GET api/machines', () => ({ items: site.machines ?? [], next: null }))
    .on('GET api/drives', () => ({ items: site.drives ?? [], next: null }))
    .on('GET api/machine-snapshots', () => ({ items: [], next: null }));
  const model = new VMShareModel(server.client);
  await model.start();
  const done: string[] = [];
  const note = (deed: string) => (one?: { id: string }) => void done.push(`${deed} ${one?.id}`);
  const deeds = {
    open: note('open'),
    create: () => void done.push('create'),
    createDrive: () => void done.push('create drive'),
    shareDrive: note('share'),
    console: note('console')
  };
  render(<Machines model={model} deeds={deeds} />);
  return done;
}

const row = (): HTMLElement =>
  within(screen.getByRole('list', { name: 'Machines' })).getAllByRole('listitem')[0]!;

describe('the section of machines', () => {
  it('says in a sentence that the site has no cloud, and offers nothing', async () => {
    await shown({ cloud: cloud({ offered: false, because: 'This site has no machines.' }) });
    expect(screen.getByText('This site has no machines.')).toBeTruthy();
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('offers the first machine where there is none', async () => {
    const done = await shown({});
    expect(screen.getByText('No machines yet')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'New machine…' }));
    expect(done).toEqual(['create']);
  });

  it("says how one's own is, and with how many it is shared", async () => {
    await shown({ machines: [machine({ shared_with: 2 })] });
    expect(row().textContent).toContain('Running');
    expect(row().textContent).toContain('With 2 people');
    expect(within(row()).getByRole('button', { name: 'Stop "gpu-box"' })).toBeTruthy();
  });

  it("says whose another's is, at which level; what one may not is not there", async () => {
    const actions = MACHINE_ACTIONS.use;
    await shown({ machines: [machine({ owner: 'ana', level: 'use', actions })] });
    expect(within(row()).getByRole('button', { name: 'gpu-box (ana)' })).toBeTruthy();
    expect(row().textContent).toContain('of ana');
    expect(row().textContent).toContain('Use');
    expect(within(row()).queryByRole('button', { name: /Stop/ })).toBeNull();
    expect(row().dataset.actions?.split(' ')).toEqual(actions);
  });

  it('says who is on it', async () => {
    await shown({ machines: [machine({ on: ['cleo', 'dan'] })] });
    expect(within(row()).getByText('On it: cleo and dan')).toBeTruthy();
  });

  it('starts one that is off, whosever it is', async () => {
    const off = machine({ state: 'stopped', desired: 'stopped', owner: 'ana', level: 'use' });
    const server = new FakeServer().on('POST api/machines/mch_1/start', () =>
      machine({ ...off, state: 'starting', desired: 'running', step: 'start' })
    );
    const site = { machines: [{ ...off, actions: MACHINE_ACTIONS.use }] };
    await shown(site, server);
    await userEvent.click(screen.getByRole('button', { name: 'Start "gpu-box"' }));
    expect(server.calls('POST api/machines/mch_1/start')).toHaveLength(1);
  });

  it('shows the steps while one comes up, and follows by events', async () => {
    const server = new FakeServer();
    const site = { machines: [machine({ state: 'making', step: 'create' })] };
    await shown(site, server);
    const steps = screen.getByRole('list', { name: 'While "gpu-box" comes up' });
    const now = within(steps).getAllByRole('listitem', { current: 'step' });
    expect(now.map(each => each.textContent)).toEqual(['Prepare its disk under way']);
    site.machines = [machine()];
    const told = { state: 'running', because: null };
    const event = happening('machine.changed', { thing_id: 'mch_1', data: told });
    server.sockets[0]!.say({ type: 'event', event });
    await waitFor(() => expect(row().textContent).toContain('Running'));
    expect(screen.queryByRole('list', { name: /comes up/ })).toBeNull();
  });

  it('says why one failed, tries again, and shows what it wrote', async () => {
    const because = 'No host has room.';
    const failed = machine({ state: 'failed', because });
    const server = new FakeServer().on('POST api/machines/mch_1/start', () => failed);
    const done = await shown({ machines: [failed] }, server);
    expect(screen.getByRole('alert').textContent).toContain(because);
    await userEvent.click(screen.getByRole('button', { name: 'Console log' }));
    await userEvent.click(screen.getByRole('button', { name: 'Try again "gpu-box"' }));
    expect(done).toEqual(['console mch_1']);
    expect(server.calls('POST api/machines/mch_1/start')).toHaveLength(1);
  });

  it('shows why one failed to whoever may not read what it wrote, or keep it on', async () => {
    const stops = new Date(Date.now() + 5 * 60_000).toISOString();
    const actions: string[] = [];
    const machines = [
      machine({ state: 'failed', because: 'No host has room.', actions }),
      machine({ id: 'mch_2', name: 'cpu-box', stops_at: stops, actions })
    ];
    await shown({ machines });
    expect(screen.getByText(/No host has room/)).toBeTruthy();
    expect(screen.getByText(/Nobody uses it: it stops at/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Console log' })).toBeNull();
    expect(screen.queryByRole('button', { name: /Keep it on/ })).toBeNull();
  });

  it('says why the service refused', async () => {
    await shown({ machines: [machine()] });
    await userEvent.click(screen.getByRole('button', { name: 'Stop "gpu-box"' }));
    expect((await screen.findByRole('alert')).textContent).toContain('It is not-found.');
  });

  it('offers to keep one on that stops soon', async () => {
    const stops = new Date(Date.now() + 5 * 60_000).toISOString();
    const server = new FakeServer().on('POST api/machines/mch_1/keep-on', () => machine());
    await shown({ machines: [machine({ stops_at: stops })] }, server);
    await userEvent.click(screen.getByRole('button', { name: 'Keep it on for 2 hours' }));
    expect(server.calls('POST api/machines/mch_1/keep-on')[0]?.body).toEqual({ hours: 2 });
  });

  it('says nothing of one that stops much later', async () => {
    const stops = new Date(Date.now() + 3600_000).toISOString();
    await shown({ machines: [machine({ stops_at: stops })] });
    expect(screen.queryByRole('button', { name: /Keep it on/ })).toBeNull();
  });

  it('lists drives, and where they are', async () => {
    const on = {
      ...{ machine_id: 'mch_1', machine_name: 'gpu-box', because: null },
      ...{ read_only: false, state: 'attached' as const }
    };
    const done = await shown({ drives: [drive({ machines: [on] })] });
    const drives = within(screen.getByRole('list', { name: 'Drives' }));
    expect(drives.getByText('gpu-box: attached')).toBeTruthy();
    await userEvent.click(drives.getByRole('button', { name: 'data' }));
    expect(done).toEqual(['share drv_1']);
  });

  it('shows names as text, whatever is in them', async () => {
    await shown({ machines: [machine({ name: '<img src=x onerror=alert(1)>' })] });
    await settle();
    expect(document.querySelector('img')).toBeNull();
    expect(screen.getByText('<img src=x onerror=alert(1)>')).toBeTruthy();
  });

  it('is rid of what was taken away, and of what is gone', async () => {
    const server = new FakeServer();
    const theirs = machine({ owner: 'ana', level: 'use', actions: MACHINE_ACTIONS.use });
    const site: Site = { machines: [theirs] };
    await shown(site, server);
    site.machines = [];
    const data = { grant_id: 'gnt_1', level: 'use', receiver: 'ben', giver: 'ana' };
    const event = happening('grant.revoked', { thing_id: 'mch_1', data });
    server.sockets[0]!.say({ type: 'event', event });
    await waitFor(() => expect(screen.queryByText('gpu-box (ana)')).toBeNull());
  });
});
