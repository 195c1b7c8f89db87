import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { InvitationView } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { Invitations } from '../../src/views/invitations';
import { FakeServer, refusal } from '../fakes/server';
import { invitation } from '../fakes/things';

const ACCEPT = 'POST api/invitations/gnt_1/accept';
const DECLINE = 'POST api/invitations/gnt_1/decline';

async function shown(
  server: FakeServer,
  over: Partial<InvitationView> = {}
): Promise<ReturnType<typeof userEvent.setup>> {
  let items = [invitation(over)];
  server.on('GET api/invitations', () => ({ items, next: null }));
  server.on('GET api/folders', () => ({ items: [], next: null }));
  const model = new VMShareModel(server.client);
  await model.invitations.refresh();
  items = [];
  render(<Invitations model={model} />);
  return userEvent.setup();
}

describe('an invitation', () => {
  it('says who invites to what, at which level, until when', async () => {
    await shown(new FakeServer(), { ends_at: '2099-11-27T18:00:00.000Z' });
    expect(screen.getByText('tests')).toBeTruthy();
    expect(screen.getByText('ana invites you')).toBeTruthy();
    expect(screen.getByText('View')).toBeTruthy();
    expect(screen.getByText(/list, read and download/)).toBeTruthy();
    expect(screen.getByText(/^until .*2099/)).toBeTruthy();
  });

  it('says to which project something belongs', async () => {
    await shown(new FakeServer(), {
      owner: 'reef',
      receiver: { kind: 'project', name: 'reef' }
    });
    expect(screen.getByText(/belongs to the project reef, and is in your list/)).toBeTruthy();
  });

  it('is accepted with one press, and then gone', async () => {
    const server = new FakeServer().on(ACCEPT, () => ({}));
    const user = await shown(server);
    await user.click(screen.getByRole('button', { name: 'Accept "tests"' }));
    await waitFor(() => expect(screen.queryByText('tests')).toBeNull());
    expect(server.calls(ACCEPT)).toHaveLength(1);
    expect(screen.getByText('You have accepted "tests".')).toBeTruthy();
  });

  it('is declined', async () => {
    const server = new FakeServer().on(DECLINE, () => ({}));
    const user = await shown(server);
    await user.click(screen.getByRole('button', { name: 'Decline "tests"' }));
    await waitFor(() => expect(screen.queryByText('tests')).toBeNull());
    expect(server.calls(DECLINE)).toHaveLength(1);
  });

  it('asks for an alias where the visitor has one of that name, and offers a free one', async () => {
    const server = new FakeServer().on(ACCEPT, () => ({}));
    const user = await shown(server, { suggested_alias: 'tests (ana)' });
    await user.click(screen.getByRole('button', { name: 'Accept "tests"' }));
    const field = screen.getByRole('textbox', { name: /already have a folder "tests"/ });
    expect(field).toHaveProperty('value', 'tests (ana)');
    expect(document.activeElement).toBe(field);
    expect(server.calls(ACCEPT)).toHaveLength(0);
    await user.keyboard('{Enter}');
    await waitFor(() => expect(server.calls(ACCEPT)[0]?.body).toEqual({ alias: 'tests (ana)' }));
  });

  it('asks for an alias when the clash appears only on accepting', async () => {
    let clashes = true;
    const server = new FakeServer().on(ACCEPT, () =>
      clashes ? refusal(409, 'name-taken', { suggestion: 'tests (ana)' }) : {}
    );
    const user = await shown(server);
    await user.click(screen.getByRole('button', { name: 'Accept "tests"' }));
    const field = await screen.findByRole('textbox');
    clashes = false;
    await user.clear(field);
    await user.type(field, 'reef of ana{Enter}');
    await waitFor(() => expect(server.calls(ACCEPT)[1]?.body).toEqual({ alias: 'reef of ana' }));
  });

  it('says so when the alias is taken, too', async () => {
    const server = new FakeServer().on(ACCEPT, () =>
      refusal(409, 'name-taken', { detail: 'You have that one, too.' })
    );
    const user = await shown(server, { suggested_alias: 'tests (ana)' });
    await user.click(screen.getByRole('button', { name: 'Accept "tests"' }));
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('alert')).toHaveProperty(
      'textContent',
      'You have that one, too.'
    );
  });

  it('to a folder in the trash can only be declined', async () => {
    await shown(new FakeServer(), { available: false });
    expect(screen.queryByRole('button', { name: /Accept/ })).toBeNull();
    expect(screen.getByRole('button', { name: /Decline/ })).toBeTruthy();
    expect(screen.getByText(/in the trash/)).toBeTruthy();
  });

  it('that has gone meanwhile says why it can not be accepted', async () => {
    const server = new FakeServer().on(ACCEPT, () =>
      refusal(404, 'not-found', { detail: 'There is no such thing here.' })
    );
    const user = await shown(server);
    await user.click(screen.getByRole('button', { name: 'Accept "tests"' }));
    expect(await screen.findByText('There is no such thing here.')).toBeTruthy();
  });
});
