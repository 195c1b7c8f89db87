import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { LinkLeadsTo, ProjectView } from '../../src/api/types';
import { ProjectModel } from '../../src/model/project';
import { ProjectsModel } from '../../src/model/projects';
import { codeIn, Join } from '../../src/views/projects/join';
import { Projects } from '../../src/views/projects/list';
import { ProjectPage } from '../../src/views/projects/project';
import { ADMINISTERS, clientOf, link, member, project, withProject } from '../fakes/projects';
import { drive, machine } from '../fakes/machines';
import { FakeServer, refusal, settle } from '../fakes/server';
import { happening } from '../fakes/things';

const ADMINISTRATOR: Partial<ProjectView> = { role: 'administrator', actions: ADMINISTERS };

async function listOf(
  server: FakeServer,
  may: { answers?: boolean; creates?: boolean } = {}
): Promise<ProjectsModel> {
  const model = new ProjectsModel(clientOf(server), may.answers ?? false);
  render(<Projects model={model} creates={may.creates ?? false} />);
  await act(() => model.refresh());
  return model;
}

async function pageOf(server: FakeServer, me: string): Promise<ProjectModel> {
  const model = new ProjectModel(clientOf(server), 'prj_1', me);
  render(<ProjectPage model={model} setsQuota={false} />);
  await act(async () => {
    await model.refresh();
    await settle();
  });
  return model;
}

// scenario: P2
describe('the list of projects', () => {
  it('says what to do where there is none', async () => {
    const server = new FakeServer().on('GET api/projects', () => ({ items: [], next: null }));
    await listOf(server);
    expect(await screen.findByText('You are in no project.')).toBeTruthy();
    expect(screen.getByText(/can send you a link to join/)).toBeTruthy();
    expect(screen.queryByText('Requests to answer')).toBeNull();
    expect(screen.queryByRole('button', { name: 'Make a project…' })).toBeNull();
  });

  it('tells how one stands to each', async () => {
    const items = [
      project({ id: 'prj_1', name: 'mine', role: 'administrator' }),
      project({ id: 'prj_2', name: 'waits', role: null, ask_id: 'ask_1' }),
      project({ id: 'prj_3', name: 'wanted', role: null, state: 'requested' }),
      project({ id: 'prj_4', name: 'no', role: null, state: 'declined', because: 'Too large.' })
    ];
    await listOf(new FakeServer().on('GET api/projects', () => ({ items, next: null })));
    const rows = await screen.findAllByRole('listitem');
    expect(rows.map(row => within(row).getByRole('heading').textContent.trim())).toEqual([
      'mine Administrator',
      'waits You asked to join',
      'wanted Asked for',
      'no Declined'
    ]);
    expect(screen.getByText('Declined: Too large.')).toBeTruthy();
    expect(screen.getAllByRole('button', { name: /^Take back that you asked/ })).toHaveLength(2);
  });

  it('keeps what was typed when a request fails, and offers a name that is free', async () => {
    const server = new FakeServer()
      .on('GET api/projects', () => ({ items: [], next: null }))
      .on('POST api/project-requests', () =>
        refusal(409, 'name-taken', { suggestion: 'genome 2', detail: 'There is one.' })
      );
    await listOf(server);
    await userEvent.click(screen.getByRole('button', { name: 'Ask for a project…' }));
    expect(document.activeElement).toBe(screen.getByLabelText('Name'));
    await userEvent.type(screen.getByLabelText('Name'), 'genome');
    await userEvent.type(screen.getByLabelText('Description'), 'a long story');
    await userEvent.type(screen.getByLabelText('Machines'), '3');
    await userEvent.click(screen.getByRole('button', { name: 'Ask for it' }));
    expect(await screen.findByText('There is one.')).toBeTruthy();
    expect(screen.getByLabelText<HTMLTextAreaElement>('Description').value).toBe('a long story');
    await userEvent.click(screen.getByRole('button', { name: 'Call it that' }));
    server.on('POST api/project-requests', () => project({ state: 'requested' }));
    await userEvent.click(screen.getByRole('button', { name: 'Ask for it' }));
    const [, asked] = server.calls('POST api/project-requests');
    expect(asked?.body).toEqual({
      name: 'genome 2',
      description: 'a long story',
      quota: { machines: 3 }
    });
    expect(screen.queryByLabelText('Name')).toBeNull();
  });

  it('lets hub admins answer, with another quota or with why not', async () => {
    let waiting = [project({ state: 'requested', role: null, quota: { machines: 9, drives: 2 } })];
    const server = new FakeServer()
      .on('GET api/projects', () => ({ items: [], next: null }))
      .on('GET api/project-requests', () => ({ items: waiting, next: null }))
      .on('POST api/projects/prj_1/approve', () => {
        waiting = [];
        return project();
      });
    await listOf(server, { answers: true, creates: true });
    await userEvent.click(await screen.findByRole('button', { name: 'Approve "genome"…' }));
    expect(screen.getByText('ana will administer it.')).toBeTruthy();
    await userEvent.clear(screen.getByLabelText('Machines'));
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    const [asked] = server.calls('POST api/projects/prj_1/approve');
    expect(asked?.body).toEqual({ quota: { drives: 2 } });
    expect(await screen.findByText(/Nobody waits for an answer/)).toBeTruthy();
  });
});

// scenario: P2
describe('the page of a project', () => {
  it('shows members nothing that administrators do', async () => {
    await pageOf(
      withProject(new FakeServer(), () => project()),
      'ben'
    );
    const names = screen.getAllByRole('heading', { level: 2 }).map(title => title.textContent);
    expect(names).toEqual(['Members 2', 'Machines and drives', 'Quota', 'Leave']);
    expect(screen.getAllByRole('button').map(button => button.textContent)).toEqual([
      'Leave the project…'
    ]);
  });

  it('asks before somebody is taken out, and goes back to where one was', async () => {
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR)).on(
      'DELETE api/projects/prj_1/members/ben',
      () => ({
        person: 'ben',
        ended: [],
        links: [{ person: 'ben', machine_id: 'mch_1', channels: 1, processes: 2, remaining: 0 }],
        stays: { machines: 2, drives: 1, snapshots: 0 },
        in_sessions: 'Cut in 1 running session, with 3 open files.',
        cannot_undo: 'What was read stays.'
      })
    );
    await pageOf(server, 'ana');
    const remove = screen.getByRole('button', { name: 'Remove ben…' });
    await userEvent.click(remove);
    expect(screen.getByText(/ben loses the project at once/)).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Keep' }));
    expect(document.activeElement).toBe(remove);
    expect(server.calls('DELETE api/projects/prj_1/members/ben')).toHaveLength(0);
    await userEvent.click(remove);
    await userEvent.click(screen.getByRole('button', { name: 'Remove ben' }));
    expect(server.calls('DELETE api/projects/prj_1/members/ben')).toHaveLength(1);
    expect(
      await screen.findByText(
        'ben is out of the project. Cut in 1 running session, with 3 open files. ' +
          'Cut on 1 machine. What they made stays: machines 2, drives 1, snapshots 0.'
      )
    ).toBeTruthy();
  });

  it('shows administrators all machines and drives with what they may do, and what is left', async () => {
    const page = (items: unknown[]): unknown => ({ items, next: null });
    const stopped = machine({ owner: 'ben', level: 'project', desired: 'stopped' });
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR))
      .on('GET api/projects/prj_1/machines', () =>
        page([machine({ owner: 'ben', level: 'project', actions: ['stop', 'delete'] })])
      )
      .on('GET api/projects/prj_1/drives', () =>
        page([drive({ owner: 'cleo', level: 'project', opened: true, actions: [] })])
      )
      .on('GET api/projects/prj_1/meters', () => ({
        meters: [{ name: 'machines', used: 3, limit: 4, left: 1 }]
      }))
      .on('POST api/machines/mch_1/stop', () => stopped);
    await pageOf(server, 'ana');
    expect(await screen.findByText('of cleo, 50 GiB, open to members')).toBeTruthy();
    expect(screen.getByText(/3 of 4/)).toBeTruthy();
    expect(screen.getByRole('meter', { name: 'Machines' })).toBeTruthy();
    const link = screen.getByRole('link', { name: 'Delete gpu-box…' });
    expect(link.getAttribute('href')).toContain('confirm/delete-machine/mch_1');
    expect(screen.queryByRole('link', { name: 'Delete data…' })).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: 'Stop gpu-box' }));
    expect(server.calls('POST api/machines/mch_1/stop')).toHaveLength(1);
  });

  it('lets owners set the tag, and leads two people to where it is taken away', async () => {
    const page = (items: unknown[]): unknown => ({ items, next: null });
    let tagged = false;
    const server = withProject(new FakeServer(), () => project())
      .on('GET api/projects/prj_1/machines', () => page([machine({ tagged })]))
      .on('GET api/projects/prj_1/drives', () =>
        page([drive({ owner: 'cleo', level: 'project', actions: [], tagged: true })])
      )
      .on('PUT api/machines/mch_1/tag', () => {
        tagged = true;
        return { id: 'mch_1', tagged: true };
      });
    await pageOf(server, 'ben');
    await userEvent.click(await screen.findByRole('button', { name: 'Only members: gpu-box…' }));
    expect(server.calls('PUT api/machines/mch_1/tag')).toHaveLength(0);
    await userEvent.click(screen.getByRole('button', { name: 'Let only members in' }));
    const away = await screen.findByRole('link', { name: 'Take the tag of gpu-box away…' });
    expect(away.getAttribute('href')).toContain('confirm/untag/mch_1');
    expect(screen.queryByRole('link', { name: 'Take the tag of data away…' })).toBeNull();
    expect(screen.getAllByText('Only members')).toHaveLength(2);
  });

  it('gives its last administrator a reason instead of buttons', async () => {
    const actions = ADMINISTERS.filter(action => action !== 'member.leave');
    await pageOf(
      withProject(new FakeServer(), () => project({ ...ADMINISTRATOR, actions })),
      'ana'
    );
    expect(screen.getByText(/You are its only administrator for good/)).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Step down/ })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Leave the project…' })).toBeNull();
    expect(screen.getByRole('button', { name: 'Make administrator: ben' })).toBeTruthy();
  });

  it('says beside a member why they could not be changed', async () => {
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR)).on(
      'PATCH api/projects/prj_1/members/ben',
      () => refusal(412, 'changed-meanwhile', { detail: 'Somebody was faster.' })
    );
    await pageOf(server, 'ana');
    await userEvent.click(screen.getByRole('button', { name: 'Make administrator: ben' }));
    expect(await screen.findByText('Somebody was faster.')).toBeTruthy();
    const [asked] = server.calls('PATCH api/projects/prj_1/members/ben');
    expect([asked?.body, asked?.headers.get('If-Match')]).toEqual([
      { role: 'administrator' },
      '"1"'
    ]);
  });

  it('shows a new link once', async () => {
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR)).on(
      'POST api/projects/prj_1/links',
      () => ({ ...link({ id: 'lnk_2' }), code: 'top-secret' })
    );
    await pageOf(server, 'ana');
    await userEvent.click(screen.getByRole('button', { name: 'Make a link…' }));
    await userEvent.click(screen.getByRole('button', { name: 'Make the link' }));
    const shown = await screen.findByLabelText<HTMLInputElement>('Invitation link');
    expect(shown.value).toMatch(/#top-secret$/);
    expect(document.activeElement).toBe(shown);
    await userEvent.click(screen.getByRole('button', { name: 'I have it' }));
    expect(screen.queryByLabelText('Invitation link')).toBeNull();
    expect(document.body.innerHTML).not.toContain('top-secret');
  });

  it('answers who wishes to join', async () => {
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR)).on(
      'POST api/projects/prj_1/asks/ask_cleo/accept',
      () => ({})
    );
    await pageOf(server, 'ana');
    await userEvent.click(screen.getByRole('button', { name: 'Let in cleo' }));
    const [asked] = server.calls('POST api/projects/prj_1/asks/ask_cleo/accept');
    expect(asked?.body).toEqual({ ends_at: null });
  });

  it('turns into a sentence when one is taken out of it', async () => {
    const server = withProject(new FakeServer(), () => project());
    const model = await pageOf(server, 'ben');
    server.on('GET api/projects/prj_1', () => refusal(404, 'not-found'));
    const data = { project_id: 'prj_1', person: 'ben' };
    act(() => model.receive(happening('project.removed', { actor: 'ana', data })));
    expect(await screen.findByText(/^ana took you out of this project/)).toBeTruthy();
    expect(screen.queryByText('Members')).toBeNull();
  });
});

// scenario: P3
describe('settings', () => {
  it('keep what was typed beside what somebody else saved, and ask which it shall be', async () => {
    let mine = project(ADMINISTRATOR);
    const server = withProject(new FakeServer(), () => mine).on('PATCH api/projects/prj_1', () => {
      mine = project({ ...ADMINISTRATOR, name: 'mine', version: 3 });
      return mine;
    });
    const model = await pageOf(server, 'ana');
    const name = screen.getByLabelText<HTMLInputElement>('Name');
    await userEvent.clear(name);
    await userEvent.type(name, 'mine');
    mine = project({ ...ADMINISTRATOR, name: 'theirs', version: 2 });
    act(() => model.receive(happening('project.changed', { data: { project_id: 'prj_1' } })));
    expect(await screen.findByText('Its name is now "theirs".')).toBeTruthy();
    expect(name.value).toBe('mine');
    const save = screen.getByRole<HTMLButtonElement>('button', { name: 'Save' });
    expect(save.disabled).toBe(true);
    await userEvent.click(screen.getByRole('button', { name: 'Go on with mine' }));
    await userEvent.click(save);
    const [asked] = server.calls('PATCH api/projects/prj_1');
    expect([asked?.body, asked?.headers.get('If-Match')]).toEqual([{ name: 'mine' }, '"2"']);
    expect(await screen.findByText('Saved.')).toBeTruthy();
  });

  it('say so when it turns out only on saving, and lose nothing', async () => {
    let mine = project(ADMINISTRATOR);
    const server = withProject(new FakeServer(), () => mine).on('PATCH api/projects/prj_1', () => {
      mine = project({ ...ADMINISTRATOR, version: 2 });
      return refusal(412, 'changed-meanwhile');
    });
    await pageOf(server, 'ana');
    await userEvent.click(screen.getByLabelText('Members see each other'));
    await userEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByText(/What you typed is still here/)).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Members see each other').checked).toBe(false);
  });

  it('tell who is signed out where to sign in', async () => {
    const server = withProject(new FakeServer(), () => project(ADMINISTRATOR)).on(
      'PATCH api/projects/prj_1',
      () => refusal(401, 'not-signed-in')
    );
    await pageOf(server, 'ana');
    await userEvent.type(screen.getByLabelText('Description'), 'words');
    await userEvent.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByRole('link', { name: 'Sign in in a new tab' })).toBeTruthy();
    expect(screen.getByLabelText<HTMLTextAreaElement>('Description').value).toBe('words');
  });
});

// scenario: P2
describe('joining by a link', () => {
  it('takes a whole link or its code', () => {
    expect(codeIn(' https://hub/services/vmshare/projects/join#a_b-C ')).toBe('a_b-C');
    expect(codeIn('a_b-C')).toBe('a_b-C');
  });

  it('shows where it leads before one asks, and asks with the same code', async () => {
    const asked: string[] = [];
    const told = { project_id: 'prj_1', name: 'genome', description: '', administrators: ['ana'] };
    const look = (code: string): Promise<LinkLeadsTo> => {
      asked.push(`look ${code}`);
      return Promise.resolve(told);
    };
    const ask = (code: string): Promise<void> => {
      asked.push(`ask ${code}`);
      return Promise.resolve();
    };
    render(<Join code="abc" look={look} ask={ask} />);
    expect(await screen.findByRole('heading', { name: 'genome' })).toBeTruthy();
    expect(screen.getByText('Administered by ana.')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Ask to join' }));
    expect(asked).toEqual(['look abc', 'ask abc']);
  });

  it('says what is wrong with a link that leads nowhere', async () => {
    const look = (): Promise<LinkLeadsTo> =>
      Promise.reject(new Error('This link is over, or never was.'));
    render(<Join code="" look={look} ask={() => Promise.resolve()} />);
    await userEvent.type(screen.getByLabelText('Invitation link, or its code'), 'abc');
    await userEvent.click(screen.getByRole('button', { name: 'Look where it leads' }));
    expect((await screen.findByRole('alert')).textContent).toBe('This link is over, or never was.');
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Ask to join' })).toBeNull());
  });
});

describe('members', () => {
  it('who do not see each other are told so', async () => {
    const mine = project({ members_see_each_other: false, actions: ['member.list'] });
    await pageOf(
      withProject(
        new FakeServer(),
        () => mine,
        () => [member('ben')]
      ),
      'ben'
    );
    expect(screen.getByText('Members of this project do not see each other.')).toBeTruthy();
  });
});
