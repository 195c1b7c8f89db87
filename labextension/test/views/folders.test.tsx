import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { FolderView } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { Folders } from '../../src/views/folders';
import { FakeServer } from '../fakes/server';
import { ACTIONS, folder } from '../fakes/things';

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

async function shown(items = MINE): Promise<string[]> {
  const server = new FakeServer().on('GET api/folders', () => ({ items, next: null }));
  const model = new VMShareModel(server.client);
  await model.folders.refresh();
  const done: string[] = [];
  const note = (deed: string) => (one: FolderView) => void done.push(`${deed} ${one.id}`);
  const deeds = {
    open: note('open'),
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
    expect(screen.getByText('Mine, shared with 2 people')).toBeTruthy();
    expect(screen.getByText('Mine, not shared')).toBeTruthy();
    expect(screen.getByText('"tests" of ana')).toBeTruthy();
    expect(screen.getByText('View')).toBeTruthy();
    expect(screen.getByText(/^until .*2099/)).toBeTruthy();
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
