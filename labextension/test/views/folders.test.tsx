import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { FolderView, SessionView } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { Folders } from '../../src/views/folders';
import { FakeServer } from '../fakes/server';
import { ACTIONS, folder, here, mount, running } from '../fakes/things';

const MINE: FolderView[] = [
  folder({
    id: 'fld_1',
    name: 'reef',
    owner: 'ben',
    relation: 'mine',
    level: 'owner',
    actions: ACTIONS.owner,
    shared_with: 2
  }),
  folder({
    id: 'fld_2',
    name: 'scratch',
    owner: 'ben',
    relation: 'mine',
    level: 'owner',
    actions: ACTIONS.owner,
    shared_with: 0
  }),
  folder({ id: 'fld_3', name: 'tests', alias: 'tests (ana)', ends_at: '2099-11-27T18:00:00.000Z' })
];

async function shown(items = MINE, sessions: SessionView[] = []): Promise<string[]> {
  const server = new FakeServer()
    .on('GET session', () => here())
    .on('GET api/folders', () => ({ items, next: null }))
    .on('GET api/sessions', () => ({ items: sessions, next: null }));
  const model = new VMShareModel(server.client);
  await model.start();
  const done: string[] = [];
  const note = (deed: string) => (one: FolderView) => void done.push(`${deed} ${one.id}`);
  const deeds = {
    open: note('open'),
    openHere: note('open here'),
    rename: note('rename'),
    trash: note('trash'),
    create: () => void done.push('create')
  };
  render(<Folders model={model} deeds={deeds} />);
  return done;
}

const names = (): (string | null)[] =>
  [...document.querySelectorAll('.jp-VMShare-nameButton')].map(each => each.textContent);

describe('the list of folders', () => {
  it('says whose a folder is, at which level, until when', async () => {
    await shown();
    expect(screen.getByText('Shared with 2').title).toBe('Mine, with 2 people or teams');
    expect(screen.getByText('Mine, not shared')).toBeTruthy();
    expect(screen.getByText('"tests" of ana')).toBeTruthy();
    expect(screen.getByText('View')).toBeTruthy();
    expect(screen.getByText(/^until .*2099/)).toBeTruthy();
  });

  it('says that a folder belongs to a project', async () => {
    await shown([
      folder({ id: 'f1', name: 'reads', owner: 'reef', project_id: 'prj_1' }),
      folder({ id: 'f2', name: 'runs', alias: 'mine', owner: 'reef', project_id: 'prj_1' })
    ]);
    expect(screen.getByText('of the project reef')).toBeTruthy();
    expect(screen.getByText('"runs" of the project reef')).toBeTruthy();
  });

  it.each([
    ['All', ['reef', 'scratch', 'tests (ana)']],
    ['Mine', ['reef', 'scratch']],
    ['Shared with me', ['tests (ana)']],
    ['Shared by me', ['reef']]
  ])('shows %s', async (choice, expected) => {
    await shown();
    await userEvent.selectOptions(screen.getByRole('combobox'), choice);
    expect(names()).toEqual(expected);
  });

  it('is filtered by label, name and owner', async () => {
    await shown();
    await userEvent.type(screen.getByRole('searchbox'), 'ANA');
    expect(names()).toEqual(['tests (ana)']);
    await userEvent.clear(screen.getByRole('searchbox'));
    await userEvent.type(screen.getByRole('searchbox'), 'nothing like it');
    expect(screen.getByText('No folder fits the filter.')).toBeTruthy();
  });

  it('tells the context menu what is allowed', async () => {
    await shown();
    const row = document.querySelector<HTMLElement>('[data-folder="fld_3"]');
    expect(row?.dataset.actions?.split(' ')).toEqual(ACTIONS.view);
  });

  it('renames and trashes by key only what one may', async () => {
    const done = await shown();
    const rows = screen.getAllByRole('row');
    act(() => rows[0]!.focus());
    await userEvent.keyboard('{F2}{Delete}{End}{F2}{Delete}{Enter}');
    expect(done).toEqual(['rename fld_1', 'trash fld_1', 'open fld_3']);
  });

  it('says what to do when there is none', async () => {
    const done = await shown([]);
    await userEvent.click(screen.getByRole('button', { name: 'New folder' }));
    expect(done).toEqual(['create']);
  });
});

describe('the list of folders in a session with mounts', () => {
  const one = (over: Partial<FolderView> = {}): FolderView[] => [folder({ id: 'fld_1', ...over })];
  const menu = (): string | undefined =>
    document.querySelector<HTMLElement>('[data-folder]')?.dataset.mount;

  it.each([
    ['mounted', [mount()], 'mounted', 'mounted placed shown'],
    ['on its way', [mount({ state: 'waiting' as const })], 'being mounted…', 'mounted'],
    ['on its way out', [mount({ state: 'closing' as const })], 'being unmounted…', 'mountable'],
    ['not wanted', [], 'not mounted', 'mountable'],
    [
      'failed',
      [mount({ state: 'failed' as const, because: 'The store is full.' })],
      'not mounted: The store is full.',
      'mounted'
    ]
  ])('says of a folder that is %s', async (_, mounts, text, offered) => {
    await shown(one(), [running({ mounts })]);
    expect(screen.getByText(text)).toBeTruthy();
    expect(menu()).toBe(offered);
  });

  it('offers a mount only to those who may', async () => {
    await shown(one({ actions: ['see_in_list'] }), [running({ mounts: [] })]);
    expect(menu()).toBe('');
  });

  it('opens the file browser where the folder is', async () => {
    const done = await shown(one(), [running({ mounts: [mount()] })]);
    await userEvent.click(screen.getByRole('button', { name: /in the file browser/ }));
    expect(done).toEqual(['open here fld_1']);
  });

  it('says once why there are no mounts, and nothing in the rows', async () => {
    const because = 'There is no /dev/fuse on this node.';
    await shown(MINE, [running({ mounts_available: false, because })]);
    expect(screen.getAllByText(because)).toHaveLength(1);
    expect(screen.queryByText('not mounted')).toBeNull();
    expect(menu()).toBe('');
  });
});
