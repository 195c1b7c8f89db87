import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { HandOverView } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { HandOvers } from '../../src/views/handovers';
import { FakeServer, refusal } from '../fakes/server';
import { folder, happening, here } from '../fakes/things';

// scenario: F14
function offer(over: Partial<HandOverView> = {}): HandOverView {
  return {
    id: 'hnd_1',
    thing_id: 'fld_1',
    thing_kind: 'folder',
    thing_name: 'tests',
    owner: 'ana',
    receiver: 'ben',
    by: 'ana',
    keep: true,
    created_at: '2026-11-23T00:00:00.000Z',
    available: true,
    ...over
  };
}

async function shown(server: FakeServer, me = 'ben', over = {}): Promise<VMShareModel> {
  let waiting = [offer(over)];
  server
    .on('GET session', () => here({ user: me, server_owner: me }))
    .on('GET api/hand-overs', () => ({ items: waiting, next: null }))
    .on('GET api/folders', () => ({ items: [], next: null }))
    .on('GET api/invitations', () => ({ items: [], next: null }))
    .on('DELETE api/hand-overs/hnd_1', () => {
      waiting = [];
      return {};
    });
  const model = new VMShareModel(server.client);
  await model.start();
  render(<HandOvers model={model} />);
  return model;
}

describe('handing over', () => {
  it('asks who is offered a folder, and takes it over', async () => {
    const taken: unknown[] = [];
    const server = new FakeServer().on('POST api/hand-overs/hnd_1/accept', asked => {
      taken.push(asked.body);
      return folder({ owner: 'ben', level: 'owner' });
    });
    await shown(server);
    expect(screen.getByText(/ana offers to hand this folder over to you/)).toBeTruthy();
    expect(screen.getByText(/ana keeps Edit\+Delete/)).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Take "tests" over' }));
    expect(taken).toHaveLength(1);
  });

  it('asks for another name where there is one of that name', async () => {
    const names: unknown[] = [];
    const server = new FakeServer().on('POST api/hand-overs/hnd_1/accept', asked => {
      names.push((asked.body as { name?: string } | null)?.name);
      return names.length === 1
        ? refusal(409, 'name-taken', { suggestion: 'tests 2' })
        : folder({ owner: 'ben', level: 'owner' });
    });
    await shown(server);
    await userEvent.click(screen.getByRole('button', { name: 'Take "tests" over' }));
    expect(await screen.findByDisplayValue('tests 2')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Take "tests" over' }));
    expect(names).toEqual([undefined, 'tests 2']);
  });

  it('says that a hub admin hands over what somebody left', async () => {
    await shown(new FakeServer(), 'ben', { by: 'root-hub', keep: false });
    expect(screen.getByText(/root-hub, a hub admin, offers you this folder of ana/)).toBeTruthy();
  });

  it('shows who made the offer that it waits, and takes it back', async () => {
    await shown(new FakeServer(), 'ana');
    expect(screen.getByText(/ben was asked to take this folder over/)).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Take back the offer of "tests"' }));
    expect(screen.queryByText(/ben was asked/)).toBeNull();
  });

  it('goes when it is answered elsewhere', async () => {
    const model = await shown(new FakeServer());
    const data = { hand_over_id: 'hnd_1', from: 'ana', to: 'ben', keep: true };
    model.handOvers.receive(happening('hand_over.cancelled', { data }));
    expect(model.handOvers.items).toEqual([]);
  });
});
