import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { CloudView } from '../../src/api/types';
import { MachineClient } from '../../src/api/machines';
import { NewMachineModel } from '../../src/model/newmachine';
import { NewMachineForm } from '../../src/views/newmachine';
import { cloud, machine } from '../fakes/machines';
import { project } from '../fakes/projects';
import { FakeServer, json, refusal } from '../fakes/server';

const MAKE = 'POST api/machines';

function shown(server: FakeServer, over: Partial<CloudView> = {}): { made: unknown[] } {
  const { client } = server;
  const model = new NewMachineModel(client, new MachineClient(client.transport), cloud(over), []);
  const made: unknown[] = [];
  const make = (): void => void model.make().then(one => made.push(one));
  void model.lookForPlaces();
  render(<NewMachineForm model={model} make={make} cancel={() => undefined} />);
  return { made };
}

const missing = (): string =>
  screen
    .getAllByRole('status')
    .map(each => each.textContent)
    .join('');
const create = (): HTMLButtonElement => screen.getByRole('button', { name: 'Create' });

async function fill(name: string, size: string): Promise<void> {
  await userEvent.type(screen.getByLabelText('Name'), name);
  await userEvent.selectOptions(screen.getByLabelText('Size'), size);
}

async function invite(name: string): Promise<void> {
  await userEvent.type(screen.getByRole('combobox', { name: 'Invite people' }), `${name}{Enter}`);
}

describe('the dialog that makes a machine', () => {
  it('says what is missing until it can be made', async () => {
    const server = new FakeServer().on(MAKE, () => json(201, machine()));
    shown(server);
    expect(missing()).toBe('Still missing: a name, a size');
    expect(create().disabled).toBe(true);
    await fill('gpu-box', 'small');
    expect(missing()).toBe('');
    await userEvent.click(create());
    expect(server.calls(MAKE)[0]?.body).toEqual({
      name: 'gpu-box',
      image: 'debian',
      size: 'small',
      drive_gib: 10,
      grants: []
    });
  });

  it('makes it in a project, and says first what is left there', async () => {
    const page = { items: [project({ actions: ['machine.create'] })], next: null };
    const IN = 'POST api/projects/prj_1/machines';
    const server = new FakeServer()
      .on('GET api/projects', () => page)
      .on('GET api/projects/prj_1/meters', () => ({
        meters: [
          { name: 'machines', used: 3, limit: 4, left: 1 },
          { name: 'drives', used: 3, limit: null, left: null }
        ]
      }))
      .on(IN, () => json(201, machine()));
    shown(server);
    await userEvent.selectOptions(await screen.findByLabelText('In'), 'genome');
    expect(await screen.findByText('Left there: Machines: 1 of 4.')).toBeTruthy();
    await fill('gpu-box', 'small');
    await userEvent.click(create());
    expect(server.calls(IN)).toHaveLength(1);
    expect(server.calls(MAKE)).toHaveLength(0);
  });

  it('says that an image does not fit on a size', async () => {
    shown(new FakeServer());
    await fill('gpu-box', 'tiny');
    expect(missing()).toContain('"Debian" needs a disk of 2 GiB, and "Tiny" has 1');
    expect(create().disabled).toBe(true);
  });

  it('takes a drive of whole GiB only', async () => {
    shown(new FakeServer());
    await fill('gpu-box', 'small');
    await userEvent.clear(screen.getByLabelText('Drive (GiB)'));
    expect(missing()).toContain('how large its drive is');
    await userEvent.type(screen.getByLabelText('Drive (GiB)'), '0');
    expect(missing()).toBe('');
  });

  it('invites at once, with a profile or with ticks set by hand', async () => {
    const server = new FakeServer().on(MAKE, () => json(201, machine()));
    shown(server);
    await fill('gpu-box', 'small');
    await invite('ana');
    await invite('cleo');
    await userEvent.selectOptions(screen.getByLabelText('Profile of ana'), 'reading');
    const box = screen.getByRole('group', { name: 'What cleo may do on it' });
    await userEvent.click(box.querySelectorAll('input')[0]!);
    expect(screen.getByLabelText<HTMLSelectElement>('Profile of cleo').value).toBe('custom');
    await userEvent.click(create());
    const { grants } = server.calls(MAKE)[0]!.body as { grants: unknown[] };
    expect(grants).toMatchObject([
      { receiver: 'ana', level: 'use', ticks: ['files', 'download'] },
      { receiver: 'cleo', level: 'use', ticks: ['files', 'upload', 'download', 'apps', 'invite'] }
    ]);
  });

  it('says why it was refused, and can be tried again', async () => {
    const because = 'dan shares no team with you. Machines are shared within one team.';
    const server = new FakeServer().on(MAKE, () => refusal(403, 'forbidden', { because }));
    const { made } = shown(server);
    await fill('gpu-box', 'small');
    await userEvent.click(create());
    expect((await screen.findByRole('alert')).textContent).toContain(because);
    expect(made).toEqual([null]);
    expect(create().disabled).toBe(false);
  });
});
