import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { GrantView, MachineView } from '../../src/api/types';
import { thingRights } from '../../src/model/rights';
import { SharingModel } from '../../src/model/sharing';
import { Share } from '../../src/views/share';
import { machine, MACHINE_ACTIONS, toUse } from '../fakes/machines';
import { FakeServer, json } from '../fakes/server';
import { problem } from '../fakes/things';

const TO_BEN = toUse({ id: 'gnt_1', receiver: { kind: 'person', name: 'ben' } });
const TO_CLEO = toUse({
  ...{ id: 'gnt_2', parent_id: 'gnt_1', giver: 'ben' },
  receiver: { kind: 'person', name: 'cleo' }
});
const LINK = { person: 'cleo', machine_id: 'mch_1', channels: 1, processes: 2, confirmed: true };

async function shown(
  server: FakeServer,
  grants: GrantView[],
  over: Partial<MachineView> = {},
  me = 'ana'
): Promise<void> {
  const thing = machine({ owner: 'ana', ...over });
  server
    .on('GET api/machines/mch_1/people', () => ({ owner: 'ana', grants, people: [] }))
    .on('GET api/teams', () => ({ items: [] }))
    .on('GET api/people', () => ({ items: [], next: null }));
  const model = new SharingModel(server.client, 'mch_1', 'use');
  await model.load();
  const rights = thingRights(
    thing,
    me,
    () => grants,
    () => '/hub/confirm/co-own/mch_1'
  );
  render(<Share model={model} rights={rights} />);
}

async function draft(name: string): Promise<void> {
  await userEvent.type(screen.getByRole('combobox', { name: 'Invite people' }), `${name}{Enter}`);
}

describe('the share dialog of a machine', () => {
  it('invites users and managers by routes of their own, and keeps who was refused', async () => {
    const because = 'dan is in no team with you and ana. Machines are shared within one team.';
    const server = new FakeServer()
      .on('POST api/machines/mch_1/users', () =>
        json(201, {
          results: [
            { receiver: 'ben', grant: TO_BEN },
            { receiver: 'dan', problem: problem(403, 'forbidden', { because }) }
          ]
        })
      )
      .on('POST api/machines/mch_1/managers', () =>
        json(201, { results: [{ receiver: 'cleo', grant: TO_CLEO }] })
      );
    await shown(server, []);
    for (const name of ['ben', 'cleo', 'dan']) {
      await draft(name);
    }
    await userEvent.selectOptions(screen.getByLabelText('Level of cleo'), 'manage');
    await userEvent.click(screen.getByRole('button', { name: 'Invite 3 people' }));
    expect(await screen.findByText(because)).toBeTruthy();
    const left = screen.getAllByRole('textbox', { name: 'User name' });
    expect(left.map(field => (field as HTMLInputElement).value)).toEqual(['dan']);
    const sent = (role: string): unknown =>
      server.calls(`POST api/machines/mch_1/${role}`)[0]?.body;
    expect(sent('users')).toMatchObject({ grants: [{ receiver: 'ben' }, { receiver: 'dan' }] });
    expect(sent('managers')).toMatchObject({
      grants: [{ receiver: 'cleo', ticks: expect.arrayContaining(['power']) as unknown }]
    });
  });

  it('changes ticks of a grant, and nothing before they are saved', async () => {
    const route = 'PATCH api/grants/gnt_1';
    const server = new FakeServer().on(route, () => ({ ...TO_BEN, version: 2 }));
    await shown(server, [TO_BEN]);
    await userEvent.click(screen.getByRole('button', { name: /What ben may do on it: Standard/ }));
    await userEvent.selectOptions(screen.getByLabelText('Profile of ben'), 'files');
    expect(server.calls(route)).toHaveLength(0);
    await userEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(server.calls(route)).toHaveLength(1));
    expect(server.calls(route)[0]?.body).toEqual({ ticks: ['files', 'upload', 'download'] });
  });

  it('says what was lowered with it, and who was cut off, after a change', async () => {
    const lowered = { ...TO_CLEO, ticks: ['files', 'download'], profile: 'reading', version: 2 };
    const links = [
      { ...LINK, confirmed: true },
      { ...LINK, person: 'ben', confirmed: false }
    ];
    const server = new FakeServer().on('PATCH api/grants/gnt_1', () => ({
      ...TO_BEN,
      ...{ version: 2, lowered: [lowered], links }
    }));
    await shown(server, [TO_BEN, TO_CLEO]);
    await userEvent.click(screen.getByRole('button', { name: /What ben may do on it/ }));
    await userEvent.selectOptions(screen.getByLabelText('Profile of ben'), 'reading');
    await userEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect((await screen.findByRole('note')).textContent).toBe(
      'Changed for ben. Lowered with it, as given on from there: cleo (Use, Reading), from ben. ' +
        'Was on it, and was cut off: cleo and ben. ' +
        'The machine has not confirmed that yet of ben.'
    );
    expect(screen.getByRole('button', { name: 'What cleo may do on it: Reading' })).toBeTruthy();
  });

  it('shows what ends with a grant before it is taken away', async () => {
    const server = new FakeServer()
      .on('GET api/grants/gnt_1/lineage', () => ({ grants: [TO_BEN, TO_CLEO] }))
      .on('DELETE api/grants/gnt_1', () => ({ ended: [], links: [LINK], cannot_undo: 'Alas.' }));
    await shown(server, [TO_BEN, TO_CLEO]);
    await userEvent.click(screen.getAllByRole('button', { name: 'Revoke' })[0]!);
    const list = await screen.findByRole('list', { name: 'Ends, too' });
    expect(list.textContent).toBe('cleo (Use), from ben');
    expect(server.calls('DELETE api/grants/gnt_1')).toHaveLength(0);
    await userEvent.click(screen.getByRole('button', { name: 'Revoke the access of ben' }));
    const said = await screen.findByRole('note');
    expect(said.textContent).toBe('Ended for ben. Was on it, and was cut off: cleo. Alas.');
    expect(server.calls('DELETE api/grants/gnt_1')).toHaveLength(1);
  });

  it('warns before the page on which somebody becomes a co-owner', async () => {
    await shown(new FakeServer(), []);
    await userEvent.click(screen.getByRole('button', { name: 'Add a co-owner…' }));
    expect(screen.getByText(/more than one is rarely wise/)).toBeTruthy();
    const link = screen.getByRole('link', { name: 'Open the page' });
    expect(link.getAttribute('href')).toBe('/hub/confirm/co-own/mch_1');
  });

  it('lets a user change only what they gave themself', async () => {
    const over = { level: 'use', actions: MACHINE_ACTIONS.use };
    await shown(new FakeServer(), [TO_BEN, TO_CLEO], over, 'ben');
    expect(screen.getAllByRole('button', { name: 'Revoke' })).toHaveLength(1);
    expect(screen.queryByLabelText('Level of ben')).toBeNull();
    expect(screen.getByLabelText('Level of cleo')).toBeTruthy();
    expect(screen.queryByRole('button', { name: /co-owner|everyone/ })).toBeNull();
  });
});
