import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { GrantView } from '../../src/api/types';
import { folderRights } from '../../src/model/rights';
import { SharingModel } from '../../src/model/sharing';
import { Share } from '../../src/views/share';
import { FakeServer, json, refusal } from '../fakes/server';
import { grant, problem } from '../fakes/things';

const GRANTS = 'POST api/folders/fld_1/grants';

async function shown(
  server = new FakeServer(),
  grants: GrantView[] = [],
  mayInvite = true
): Promise<SharingModel> {
  server.on('GET api/folders/fld_1/people', () => ({ owner: 'ana', grants }));
  const model = new SharingModel(server.client, 'fld_1');
  await model.load();
  render(<Share model={model} rights={folderRights(mayInvite)} />);
  return model;
}

const field = (): HTMLElement => screen.getByRole('combobox', { name: 'Invite people' });
const drafts = (): string[] =>
  screen
    .queryAllByRole('textbox', { name: 'User name' })
    .map(each => (each as HTMLInputElement).value);

describe('the share dialog', () => {
  it('takes exact names on Enter and on a comma', async () => {
    await shown(new FakeServer().on('GET api/people', () => ({ items: [], next: null })));
    await userEvent.type(field(), 'ben,dan{Enter}');
    expect(drafts()).toEqual(['ben', 'dan']);
  });

  it('takes a pasted list', async () => {
    await shown();
    await userEvent.click(field());
    await userEvent.paste('ben, dan;eve\ncleo');
    expect(drafts()).toEqual(['ben', 'dan', 'eve', 'cleo']);
  });

  it('offers team-mates, and takes the one that the arrows choose', async () => {
    const server = new FakeServer().on('GET api/people', asked => ({
      items: [
        { name: 'ben', teams: ['genomics'] },
        { name: 'bea', teams: ['genomics'] }
      ].filter(person => person.name.startsWith(asked.query.get('q') ?? '')),
      next: null
    }));
    await shown(server);
    await userEvent.type(field(), 'be');
    await screen.findByRole('option', { name: /ben/ });
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{Enter}');
    expect(drafts()).toEqual(['bea']);
  });

  it('offers teams first, and sends them as such; so is a typed name of a team', async () => {
    const sent: unknown[] = [];
    const server = new FakeServer()
      .on('GET api/teams', () => ({
        items: [
          { name: 'genomics', members: 3 },
          { name: 'imaging', members: 2 }
        ]
      }))
      .on('GET api/people', () => ({ items: [{ name: 'gene', teams: ['genomics'] }], next: null }))
      .on(GRANTS, asked => {
        sent.push(...(asked.body as { grants: unknown[] }).grants);
        const results = sent.map(() => ({ receiver: 'x', grant: grant() }));
        return json(201, { results });
      });
    await shown(server);
    await userEvent.type(field(), 'gen');
    await screen.findByRole('option', { name: /genomics.*team, 3 members/ });
    await userEvent.keyboard('{ArrowDown}{Enter}');
    await userEvent.type(field(), 'imaging,ben{Enter}');
    await userEvent.click(screen.getByRole('button', { name: 'Invite 3 people' }));
    expect(await screen.findAllByText(/Shared with genomics and imaging: members/)).toHaveLength(2);
    expect(sent).toMatchObject([
      { receiver: 'genomics', receiver_kind: 'team' },
      { receiver: 'imaging', receiver_kind: 'team' },
      { receiver: 'ben', receiver_kind: 'person' }
    ]);
  });

  it('says what each member of a team answered', async () => {
    const team = grant({ receiver: { kind: 'team', name: 'genomics' }, state: 'active' });
    const source = { grant_id: team.id, giver: 'ana', level: 'view', team: 'genomics' };
    const people = [
      { name: 'ben', accepted: true, sources: [{ ...source, answer: 'accepted' as const }] },
      { name: 'cleo', accepted: false, sources: [{ ...source, answer: 'none' as const }] }
    ];
    const server = new FakeServer();
    server.on('GET api/folders/fld_1/people', () => ({ owner: 'ana', grants: [team], people }));
    const model = new SharingModel(server.client, 'fld_1');
    await model.load();
    render(<Share model={model} rights={folderRights(true)} />);
    await userEvent.click(screen.getByRole('button', { name: 'Members of genomics' }));
    expect(screen.getByText('ben has accepted')).toBeTruthy();
    expect(screen.getByText('cleo has not answered yet')).toBeTruthy();
  });

  it('says what each level means', async () => {
    const model = await shown();
    act(() => model.add('ben'));
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Level of ben' }), 'edit');
    expect(screen.getByText(/add and change files, but not rename or delete/)).toBeTruthy();
  });

  it('reports one unknown name by itself; it can be corrected in place and sent again', async () => {
    const server = new FakeServer().on(GRANTS, asked => {
      const { grants } = asked.body as { grants: { receiver: string }[] };
      const results = grants.map(({ receiver }) =>
        receiver === 'nobody'
          ? { receiver, problem: problem(404, 'no-such-person', { detail: 'There is no nobody.' }) }
          : { receiver, grant: grant() }
      );
      return json(201, { results });
    });
    const model = await shown(server);
    act(() => ['ben', 'dan', 'nobody'].forEach(name => model.add(name)));
    await userEvent.click(screen.getByRole('button', { name: 'Invite 3 people' }));
    expect(await screen.findByText('There is no nobody.')).toBeTruthy();
    expect(drafts()).toEqual(['nobody']);
    expect(screen.getAllByText(/Invited: ben and dan\./).length).toBeGreaterThan(0);
    const wrong = screen.getByRole('textbox', { name: 'User name' });
    expect(wrong.getAttribute('aria-invalid')).toBe('true');
    await userEvent.clear(wrong);
    await userEvent.type(wrong, 'eve');
    await userEvent.click(screen.getByRole('button', { name: 'Invite 1 person' }));
    await waitFor(() => expect(drafts()).toEqual([]));
  });

  it('shows who has access, since when, and who has not answered', async () => {
    await shown(new FakeServer(), [
      grant({ answered_at: '2026-11-23T01:00:00.000Z' }),
      grant({ id: 'gnt_2', receiver: { kind: 'person', name: 'dan' }, state: 'pending' })
    ]);
    expect(screen.getByText(/has access since/)).toBeTruthy();
    expect(screen.getByText(/not answered yet/)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Cancel invitation' })).toBeTruthy();
  });

  it('says what a revoke can not undo before it is done', async () => {
    const server = new FakeServer().on('DELETE api/grants/gnt_1', () => ({
      ended: [],
      cannot_undo: 'Copies stay.'
    }));
    await shown(server, [grant()]);
    await userEvent.click(screen.getByRole('button', { name: 'Revoke' }));
    expect(screen.getByText(/read or copied already stays with them/)).toBeTruthy();
    expect(server.calls('DELETE api/grants/gnt_1')).toHaveLength(0);
    await userEvent.click(screen.getByRole('button', { name: 'Revoke the access of ben' }));
    expect((await screen.findAllByText(/Ended for ben\. Copies stay\./)).length).toBeGreaterThan(0);
  });

  it('answers why somebody has access', async () => {
    const server = new FakeServer().on('GET api/people/ben/why', () => ({
      because: 'ana gave ben View.'
    }));
    await shown(server, [grant()]);
    await userEvent.click(screen.getByRole('button', { name: 'Why does ben have access?' }));
    expect(await screen.findByText('ana gave ben View.')).toBeTruthy();
  });

  it('tells when somebody else was first', async () => {
    const server = new FakeServer().on('PATCH api/grants/gnt_1', () =>
      refusal(412, 'changed-meanwhile')
    );
    await shown(server, [grant()]);
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Level of ben' }), 'edit');
    expect((await screen.findByRole('alert')).textContent).toContain('Somebody else changed');
  });

  it('has nothing to change for who may only look', async () => {
    await shown(new FakeServer(), [grant(), grant({ id: 'gnt_2' })], false);
    expect(screen.queryByRole('combobox')).toBeNull();
    expect(screen.queryByRole('button', { name: /Revoke|Stop sharing|end date/ })).toBeNull();
  });
});
