import { nullTranslator } from '@jupyterlab/translation';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { HolderView } from '../../src/api/types';
import { HoldersModel } from '../../src/model/holders';
import { folderRights } from '../../src/model/rights';
import { SharingModel } from '../../src/model/sharing';
import { fastMeaning, FastMounts } from '../../src/views/fast';
import { Share } from '../../src/views/share';
import { FakeServer } from '../fakes/server';
import { folder, happening, mount, problem } from '../fakes/things';

const HELD = 'GET api/folders/fld_1/holders';
const STOP = 'POST api/folders/fld_1/holders/stop';
const trans = nullTranslator.load('jupyter_vmshare');

const holder = (person: string, over: Partial<HolderView> = {}): HolderView => ({
  folder_id: 'fld_1',
  session_id: `ses_${person}`,
  person,
  server_name: '',
  processes: 2,
  ...over
});

const holding = (...items: HolderView[]): FakeServer =>
  new FakeServer().on(HELD, () => ({ items, next: null }));

async function held(server: FakeServer): Promise<HoldersModel> {
  const model = new HoldersModel(server.client, 'fld_1', 'ana');
  await model.load();
  return model;
}

describe('fast mounts', () => {
  it('are chosen where it is said what that means', async () => {
    const chosen: boolean[] = [];
    const holders = await held(holding());
    const choose = (fast: boolean): Promise<void> => Promise.resolve(void chosen.push(fast));
    render(<FastMounts folder={folder({ fast: false })} holders={holders} choose={choose} />);
    const box = screen.getByRole('checkbox', { name: 'Fast mounts in running sessions' });
    expect((box as HTMLInputElement).checked).toBe(false);
    expect(screen.getByText(/Access ends with the session/)).toBeTruthy();
    await userEvent.click(box);
    expect(chosen).toEqual([true]);
  });

  it('say when the choice did not work', async () => {
    const holders = await held(holding());
    const choose = (): Promise<void> => Promise.reject(new Error('Somebody was faster.'));
    render(<FastMounts folder={folder({ fast: true })} holders={holders} choose={choose} />);
    await userEvent.click(screen.getByRole('checkbox'));
    expect((await screen.findByRole('alert')).textContent).toContain('Somebody was faster.');
  });

  it.each([
    ['a folder that is in no session', null, 'Fast mount: access to what is open ends'],
    ['a fast mount', mount({ direct: true }), 'Fast mount: access to what is open ends'],
    ['Edit', mount({ level: 'edit' }), 'Not fast at Edit, since'],
    ['a limited room', mount({ level: 'edit_delete' }), 'Not fast here, since the owner’s room'],
    ['a node that can’t', mount({ not_direct: 'NFS can’t.' }), 'Not fast here. NFS can’t.']
  ])('are explained for %s', (_, there, sentence) => {
    expect(fastMeaning(trans, there)).toContain(sentence);
  });
});

describe('what a revoke could not cut', () => {
  it('is named, and can be ended after a second word', async () => {
    const server = holding(holder('ben'), holder('dan', { server_name: 'gpu' })).on(STOP, () => ({
      results: [{ session_id: 'ses_ben', person: 'ben', stopped: true }]
    }));
    const holders = await held(server);
    render(
      <Share
        model={new SharingModel(server.client, 'fld_1')}
        holders={holders}
        rights={folderRights(true)}
      />
    );
    expect(screen.getByText('ben: 2 programs')).toBeTruthy();
    expect(screen.getByText('dan, server “gpu”: 2 programs')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'End the session of ben…' }));
    expect(server.calls(STOP)).toHaveLength(0);
    await userEvent.click(screen.getByRole('button', { name: 'End the session' }));
    expect(server.calls(STOP)[0]?.body).toEqual({ sessions: ['ses_ben'] });
    await waitFor(() => expect(screen.queryByText('ben: 2 programs')).toBeNull());
    expect(screen.getByText(/dan, server/)).toBeTruthy();
  });

  it('stays where the person thinks better of it', async () => {
    const server = holding(holder('ben'));
    const holders = await held(server);
    render(
      <Share
        model={new SharingModel(server.client, 'fld_1')}
        holders={holders}
        rights={folderRights(true)}
      />
    );
    await userEvent.click(screen.getByRole('button', { name: 'End the session of ben…' }));
    await userEvent.click(screen.getByRole('button', { name: 'Let it run' }));
    expect(screen.queryByRole('button', { name: 'End the session' })).toBeNull();
    expect(server.calls(STOP)).toHaveLength(0);
  });

  it('says why a session could not be ended', async () => {
    const detail = 'JupyterHub does not let this service stop servers.';
    const refused = problem(503, 'hub-forbids', { detail });
    const server = holding(holder('ben')).on(STOP, () => ({
      results: [{ session_id: 'ses_ben', person: 'ben', stopped: false, problem: refused }]
    }));
    const holders = await held(server);
    render(
      <Share
        model={new SharingModel(server.client, 'fld_1')}
        holders={holders}
        rights={folderRights(true)}
      />
    );
    await userEvent.click(screen.getByRole('button', { name: 'End the session of ben…' }));
    await userEvent.click(screen.getByRole('button', { name: 'End the session' }));
    expect((await screen.findByRole('alert')).textContent).toContain(detail);
    expect(screen.getByText('ben: 2 programs')).toBeTruthy();
  });

  it('is not one’s own session, and goes when programs let go', async () => {
    const items = [holder('ana'), holder('ben')];
    const server = new FakeServer().on(HELD, () => ({ items, next: null }));
    const holders = await held(server);
    expect(holders.items.map(({ person }) => person)).toEqual(['ben']);
    items.pop();
    holders.receive(happening('mount.let_go', { thing_id: 'fld_2' }));
    holders.receive(happening('mount.let_go'));
    await waitFor(() => expect(holders.items).toEqual([]));
    expect(server.calls(HELD)).toHaveLength(2);
  });
});
