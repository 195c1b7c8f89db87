import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { MachineSnapshotView, MachineView } from '../../src/api/types';
import { RebuildModel, ResizeModel } from '../../src/model/machinechange';
import { VMShareModel } from '../../src/model/vmshare';
import { RebuildForm, ResizeForm } from '../../src/views/machinechange';
import { cloud, machine } from '../fakes/machines';
import { FakeServer, json, refusal } from '../fakes/server';
import { here } from '../fakes/things';

const RESIZE = 'PUT api/machines/mch_1/size';
const REBUILD = 'POST api/machines/mch_1/rebuild';
const SIZES = [
  { id: 'small', name: 'Small', processors: 1, memory_mib: 1024, disk_gib: 5 },
  { id: 'tiny', name: 'Tiny', processors: 1, memory_mib: 256, disk_gib: 1 },
  { id: 'large', name: 'Large', processors: 8, memory_mib: 16384, disk_gib: 50 }
];
const STORED = {
  ...{
    id: 'mss_1',
    name: 'with tools',
    machine_id: 'mch_1',
    machine_name: 'gpu-box',
    owner: 'ben'
  },
  ...{ state: 'ready' as const, because: null, disk_gib: 20 },
  created_at: '2026-11-23T00:00:00.000Z'
};

async function site(
  server: FakeServer,
  snapshots: MachineSnapshotView[] = []
): Promise<VMShareModel> {
  server
    .on('GET session', () => here())
    .on('GET api/cloud', () => cloud({ sizes: SIZES }))
    .on('GET api/machines', () => ({
      items: [machine({ size: server.calls(RESIZE).length > 0 ? 'large' : 'small' })],
      next: null
    }))
    .on('GET api/drives', () => ({ items: [], next: null }))
    .on('GET api/machine-snapshots', () => ({ items: snapshots, next: null }));
  const model = new VMShareModel(server.client);
  await model.start();
  return model;
}

/** The answers of the form: whether the service took it. */
async function resizing(
  server: FakeServer,
  over: Partial<MachineView> = {}
): Promise<{ model: VMShareModel; sent: boolean[] }> {
  const model = await site(server);
  const change = new ResizeModel(model.machines, machine(over));
  const sent: boolean[] = [];
  const send = (): void => void change.send().then(answer => sent.push(answer));
  render(<ResizeForm model={change} send={send} cancel={() => undefined} />);
  return { model, sent };
}

async function rebuilding(
  server: FakeServer,
  snapshots: MachineSnapshotView[] = []
): Promise<{ sent: boolean[] }> {
  const model = await site(server, snapshots);
  const change = new RebuildModel(model.machines, machine());
  const sent: boolean[] = [];
  const send = (): void => void change.send().then(answer => sent.push(answer));
  render(<RebuildForm model={change} send={send} cancel={() => undefined} />);
  return { sent };
}

const missing = (): string => screen.getByRole('status').textContent;
const button = (name: string): HTMLButtonElement => screen.getByRole('button', { name });
const options = (label: string): string[] =>
  Array.from(screen.getByLabelText<HTMLSelectElement>(label).options).map(each => each.text);
const sure = (): HTMLElement =>
  screen.getByRole('checkbox', { name: 'What is on the system disk of "gpu-box" may go' });

describe('the dialog that resizes a machine', () => {
  it('says which size it has, and takes none but another', async () => {
    const server = new FakeServer().on(RESIZE, () => json(202, machine({ size: 'large' })));
    const { model, sent } = await resizing(server);
    expect(options('Size')).toEqual([
      'Small: 1 processor, 1 GiB, disk of 5 GiB (what it has)',
      'Tiny: 1 processor, 256 MiB, disk of 1 GiB',
      'Large: 8 processors, 16 GiB, disk of 50 GiB'
    ]);
    expect(missing()).toBe('Still missing: another size than it has');
    expect(button('Resize').disabled).toBe(true);
    await userEvent.selectOptions(screen.getByLabelText('Size'), 'large');
    expect(missing()).toBe('');
    expect(screen.queryByRole('note')).toBeNull();
    await userEvent.click(button('Resize'));
    await waitFor(() => expect(sent).toEqual([true]));
    expect(server.calls(RESIZE)[0]?.body).toEqual({ size: 'large' });
    expect(model.machines.machines.find('mch_1')?.size).toBe('large');
  });

  it('warns of a smaller disk', async () => {
    await resizing(new FakeServer());
    await userEvent.selectOptions(screen.getByLabelText('Size'), 'tiny');
    expect(screen.getByRole('note').textContent).toContain('is 5 GiB, and this size has 1.');
    expect(button('Resize').disabled).toBe(false);
  });

  it('asks for a choice where its size is offered no more', async () => {
    await resizing(new FakeServer(), { size: 'gone' });
    expect(options('Size')[0]).toBe('Choose…');
    expect(button('Resize').disabled).toBe(true);
  });

  it('says why it was refused', async () => {
    const because = 'Stop gpu-box first.';
    const server = new FakeServer().on(RESIZE, () => refusal(409, 'wrong-state', { because }));
    const { sent } = await resizing(server);
    await userEvent.selectOptions(screen.getByLabelText('Size'), 'large');
    await userEvent.click(button('Resize'));
    expect((await screen.findByRole('alert')).textContent).toContain(because);
    expect(sent).toEqual([false]);
  });
});

describe('the dialog that rebuilds a machine', () => {
  it('says what is lost and what stays, and does nothing before the tick', async () => {
    const server = new FakeServer().on(REBUILD, () => json(202, machine({ state: 'rebuilding' })));
    const { sent } = await rebuilding(server);
    expect(screen.getByText(/is lost: .*home directories of everybody/)).toBeTruthy();
    expect(screen.getByText(/drives with all that is on them, .* address stay/)).toBeTruthy();
    expect(missing()).toBe('Still missing: your tick that what is on the disk may go');
    expect(button('Rebuild').disabled).toBe(true);
    await userEvent.click(sure());
    await userEvent.click(button('Rebuild'));
    await waitFor(() => expect(sent).toEqual([true]));
    expect(server.calls(REBUILD)[0]?.body).toEqual({ image: 'debian' });
  });

  it('is all done from the keyboard', async () => {
    const server = new FakeServer().on(REBUILD, () => json(202, machine()));
    const { sent } = await rebuilding(server);
    await userEvent.tab();
    expect(document.activeElement).toBe(screen.getByLabelText('Made from'));
    await userEvent.tab();
    await userEvent.keyboard(' ');
    await userEvent.tab();
    expect(document.activeElement).toBe(button('Rebuild'));
    await userEvent.keyboard('{Enter}');
    await waitFor(() => expect(sent).toEqual([true]));
  });

  it('offers snapshots that are stored, and says which does not fit on its disk', async () => {
    const making = { ...STORED, id: 'mss_2', name: 'half', state: 'making' as const };
    await rebuilding(new FakeServer(), [STORED, making]);
    expect(options('Made from')).toEqual(['Choose…', 'Debian', 'Snapshot "with tools"']);
    await userEvent.click(sure());
    await userEvent.selectOptions(screen.getByLabelText('Made from'), 'snapshot:mss_1');
    expect(missing()).toContain('"with tools" needs a disk of 20 GiB, and "Small" has 5');
    expect(button('Rebuild').disabled).toBe(true);
  });

  it('sends the snapshot that was chosen', async () => {
    const server = new FakeServer().on(REBUILD, () => json(202, machine()));
    await rebuilding(server, [{ ...STORED, disk_gib: 2 }]);
    await userEvent.selectOptions(screen.getByLabelText('Made from'), 'snapshot:mss_1');
    await userEvent.click(sure());
    await userEvent.click(button('Rebuild'));
    expect(server.calls(REBUILD)[0]?.body).toEqual({ snapshot_id: 'mss_1' });
  });
});
