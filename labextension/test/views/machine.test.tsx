import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { DriveView, GrantView, MachineView } from '../../src/api/types';
import { MachinePageModel } from '../../src/model/machinepage';
import type { TerminalView } from '../../src/model/terminals';
import { VMShareModel } from '../../src/model/vmshare';
import { Machine } from '../../src/views/machine';
import { cloud, drive, machine, toUse } from '../fakes/machines';
import { FakeServer } from '../fakes/server';
import { happening, here } from '../fakes/things';

interface Site {
  machines: MachineView[];
  drives?: DriveView[];
  grants?: GrantView[];
}

const ON_IT = {
  ...{ drive_id: 'drv_1', drive_name: 'data', because: null },
  ...{ read_only: false, state: 'attached' as const }
};

let page: MachinePageModel;

async function shown(site: Site, server = new FakeServer()): Promise<string[]> {
  const events = [
    happening('machine.asked', { thing_id: 'mch_1', data: { what: 'start' } }),
    happening('machine.changed', { thing_id: 'mch_1', data: { state: 'running', because: null } })
  ];
  server
    .on('GET session', () => here())
    .on('GET api/cloud', () => cloud())
    .on('GET api/machines', () => ({ items: site.machines, next: null }))
    .on('GET api/drives', () => ({ items: site.drives ?? [], next: null }))
    .on('GET api/machine-snapshots', () => ({ items: [], next: null }))
    .on('GET api/machines/mch_1/people', () => ({ owner: 'ben', grants: site.grants ?? [] }))
    .on('GET api/events', () => ({ items: events, next: null }));
  const model = new VMShareModel(server.client);
  await model.start();
  page = new MachinePageModel(model, 'mch_1');
  await page.open();
  const done: string[] = [];
  const note = (deed: string) => (one: { id: string }) => void done.push(`${deed} ${one.id}`);
  const [share, reboot, console] = [note('share'), note('reboot'), note('console')];
  const [snapshot, extend, clone] = [note('snapshot'), note('extend'), note('clone')];
  const [resize, rebuild, rename] = [note('resize'), note('rebuild'), note('rename')];
  const [remove, files] = [note('remove'), note('files')];
  const more = { snapshot, extend, clone, resize, rebuild, rename, remove };
  const terminal = (one: { id: string }, keep: boolean): void =>
    void done.push(`${keep ? 'kept terminal' : 'terminal'} ${one.id}`);
  const goOn = ({ name }: TerminalView): void => void done.push(`go on ${name}`);
  const deeds = { terminal, goOn, files, share, reboot, console, ...more };
  render(<Machine model={page} deeds={deeds} />);
  return done;
}

const card = (name: string): HTMLElement => screen.getByRole('region', { name });

describe('the page of a machine', () => {
  it('lists its users and, apart, who owns and manages it', async () => {
    const grants = [
      toUse({ id: 'gnt_1', receiver: { kind: 'person', name: 'cleo' }, level: 'co_own' }),
      toUse({ id: 'gnt_2', receiver: { kind: 'team', name: 'genomics' } }),
      toUse({ id: 'gnt_3', receiver: { kind: 'person', name: 'dan' }, state: 'pending' })
    ];
    await shown({ machines: [machine()], grants });
    const names = (list: string): string[] =>
      within(screen.getByRole('list', { name: list }))
        .getAllByRole('listitem')
        .map(each => each.textContent);
    expect(names('Owners and managers')).toEqual(['benOwner', 'cleoCo-own']);
    expect(names('Users')).toEqual(['genomicsUse', 'danUsenot answered yet']);
  });

  it('opens terminals, where there are any, and goes on with what runs on', async () => {
    const on = { machine: 'mch_1', keep: true, open: false, since: '2026-11-27T12:00:00+00:00' };
    const left = [
      { name: 'gpu_box_1', session: 't1', ...on },
      { name: 'gpu_box_2', session: 't2', ...on, machine: 'mch_2' }
    ];
    const server = new FakeServer().on('GET terminals', () => ({ terminals: left }));
    const done = await shown({ machines: [machine({ actions: ['open_terminal'] })] }, server);
    expect(screen.queryByRole('button', { name: 'Terminal' })).toBeNull();
    await act(() => page.shared.terminals.refresh());
    await userEvent.click(screen.getByRole('button', { name: 'Terminal' }));
    await userEvent.click(screen.getByRole('button', { name: 'Terminal that keeps running' }));
    await userEvent.click(screen.getByRole('button', { name: /^Go on with the terminal of / }));
    expect(done).toEqual(['terminal mch_1', 'kept terminal mch_1', 'go on gpu_box_1']);
  });

  it('tells what happened', async () => {
    await shown({ machines: [machine()] });
    const told = within(screen.getByRole('list', { name: 'Activity' })).getAllByRole('listitem');
    expect(told.map(each => each.firstElementChild?.textContent)).toEqual([
      'ana started it',
      'It runs'
    ]);
  });

  it('attaches a drive, and takes one off', async () => {
    const free = drive({ id: 'drv_2', name: 'more' });
    const server = new FakeServer()
      .on('PUT api/drives/drv_2/writer/mch_1', () => free)
      .on('DELETE api/drives/drv_1/machines/mch_1', () => drive());
    const on = machine({ drives: [ON_IT] });
    await shown({ machines: [on], drives: [drive(), free] }, server);
    await userEvent.click(screen.getByRole('button', { name: 'Attach' }));
    await userEvent.click(screen.getByRole('button', { name: 'Detach "data"' }));
    expect(server.calls('PUT api/drives/drv_2/writer/mch_1')).toHaveLength(1);
    await waitFor(() =>
      expect(server.calls('DELETE api/drives/drv_1/machines/mch_1')).toHaveLength(1)
    );
    expect(screen.queryByRole('button', { name: 'Attach to read' })).toBeNull();
  });

  it("takes a drive of somebody else's off from the machine's side", async () => {
    const server = new FakeServer().on('DELETE api/machines/mch_1/drives/drv_1', () => machine());
    await shown({ machines: [machine({ drives: [ON_IT] })] }, server);
    await userEvent.click(screen.getByRole('button', { name: 'Detach "data"' }));
    expect(server.calls('DELETE api/machines/mch_1/drives/drv_1')).toHaveLength(1);
  });

  it('keeps it on, and says when it stops by itself', async () => {
    const server = new FakeServer()
      .on('POST api/machines/mch_1/keep-on', () => machine())
      .on('PUT api/machines/mch_1/idle-policy', () => machine());
    await shown({ machines: [machine({ idle_minutes: 30 })] }, server);
    const idle = within(card('When nobody uses it'));
    expect(idle.getByText('It stops after 30 minutes without use.')).toBeTruthy();
    await userEvent.click(idle.getByRole('button', { name: 'Keep it on' }));
    await userEvent.click(idle.getByRole('button', { name: 'Never stop it' }));
    expect(server.calls('POST api/machines/mch_1/keep-on')[0]?.body).toEqual({ hours: 2 });
    await waitFor(() =>
      expect(server.calls('PUT api/machines/mch_1/idle-policy')[0]?.body).toEqual({ minutes: null })
    );
  });

  it('has no buttons for what a user may not', async () => {
    const actions = ['see_in_list', 'see_people', 'start', 'leave'];
    await shown({ machines: [machine({ owner: 'ana', level: 'use', actions })] });
    const buttons = screen.getAllByRole('button').map(each => each.textContent);
    expect(buttons).toEqual(['Share…']);
    expect(screen.queryByRole('region', { name: 'Drives' })).toBeNull();
    expect(screen.queryByRole('region', { name: 'Snapshots' })).toBeNull();
  });

  it('asks the shell for what takes a question', async () => {
    const done = await shown({ machines: [machine({ drives: [ON_IT] })], drives: [drive()] });
    const asks = [
      'Files',
      'Share…',
      'Reboot…',
      'Resize…',
      'Rebuild…',
      'Rename…',
      'Console log',
      'Delete…'
    ];
    for (const name of [...asks, 'Take a snapshot…']) {
      await userEvent.click(screen.getByRole('button', { name }));
    }
    await userEvent.click(screen.getByRole('button', { name: 'Make "data" larger' }));
    expect(done).toEqual([
      ...[
        'files mch_1',
        'share mch_1',
        'reboot mch_1',
        'resize mch_1',
        'rebuild mch_1',
        'rename mch_1'
      ],
      ...['console mch_1', 'remove mch_1', 'snapshot mch_1'],
      'extend drv_1'
    ]);
  });

  it.each([
    ['grant.revoked', { receiver: 'ben' }, 'ana no longer shares "gpu-box" with you.'],
    ['grant.expired', { receiver: 'ben' }, /its end date has come/],
    ['grant.ended', { receiver: 'ben', why: 'giver_lost' }, /Who shared it .* may no longer do so/],
    ['machine.deleted', {}, 'ana deleted "gpu-box" for ever.'],
    ['grant.revoked', { receiver: 'cleo' }, /gone, or it is not shared/]
  ] as const)('says why it is not open any more: %s of %j', async (type, data, said) => {
    const server = new FakeServer();
    const site = { machines: [machine({ owner: 'ana', level: 'use' })] };
    await shown(site, server);
    site.machines = [];
    const about = { thing_id: 'mch_1', thing_name: 'gpu-box', actor: 'ana' };
    const event = happening(type, { ...about, data: { grant_id: 'gnt_1', giver: 'ana', ...data } });
    page.receive(event);
    server.sockets[0]!.say({ type: 'event', event });
    expect(await screen.findByText(said)).toBeTruthy();
  });

  it('says so once it is not shared any more', async () => {
    await shown({ machines: [] });
    expect(screen.getByText(/gone, or it is not shared/)).toBeTruthy();
  });
});
