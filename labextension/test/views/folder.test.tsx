import { fileIcon } from '@jupyterlab/ui-components';
import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FileClient } from '../../src/api/files';
import type { EntryView, FolderView } from '../../src/api/types';
import { DirectoryModel } from '../../src/model/directory';
import { ListingModel } from '../../src/model/listing';
import { UploadsModel } from '../../src/model/uploads';
import { Folder } from '../../src/views/folder';
import { FakeServer, refusal } from '../fakes/server';
import { ACTIONS, entry, folder, grantEvent } from '../fakes/things';

interface Shown {
  server: FakeServer;
  model: DirectoryModel;
  opened: string[];
  deeds: string[];
}

async function shown(
  over: Partial<FolderView> = {},
  items: EntryView[] = [entry('hello.txt')]
): Promise<Shown> {
  const server = new FakeServer()
    .on('GET api/folders/fld_1', () => folder(over))
    .on('GET api/folders/fld_1/entries', () => ({ path: '', items, next: null }));
  const model = new DirectoryModel(server.client, 'fld_1', () => 'ben');
  const listing = new ListingModel(server.client, model);
  const uploads = new UploadsModel(new FileClient(server.client.transport), 'fld_1');
  const opened: string[] = [];
  const deeds: string[] = [];
  await model.open();
  render(
    <Folder
      listing={listing}
      uploads={uploads}
      why={action => Promise.resolve(`You hold View; ${action} needs Edit.`)}
      bar={{
        choose: () => undefined,
        upload: () => deeds.push('upload'),
        uploadDirectory: () => deeds.push('upload a directory'),
        createDirectory: () => deeds.push('new'),
        refresh: () => deeds.push('refresh'),
        share: () => deeds.push('share')
      }}
      deeds={{
        open: one => opened.push(one.path),
        download: one => deeds.push(`download ${one.path}`),
        rename: one => deeds.push(`rename ${one.path}`),
        remove: one => deeds.push(`delete ${one.path}`),
        downloadMany: paths => deeds.push(`zip ${paths.join(' ')}`),
        moveMany: paths => deeds.push(`move ${paths.join(' ')}`),
        removeMany: paths => deeds.push(`delete all of ${paths.join(' ')}`),
        moveTo: (paths, to) => deeds.push(`move ${paths.join(' ')} to ${to}`),
        properties: some => deeds.push(`properties of ${some.map(one => one.path).join(' ')}`),
        iconOf: () => fileIcon
      }}
    />
  );
  return { server, model, opened, deeds };
}

const CONTROLS = {
  upload: 'Upload',
  create_directory: 'New folder in here',
  rename_file: 'Rename "hello.txt"',
  delete_file: 'Delete "hello.txt"',
  download: 'Download "hello.txt"'
};

describe('a folder view', () => {
  const levels = Object.entries(ACTIONS);
  it.each(levels)('at %s has just the controls of its actions', async (level, actions) => {
    await shown({ level, actions });
    for (const [action, name] of Object.entries(CONTROLS)) {
      const isThere = screen.queryByRole('button', { name }) !== null;
      expect([action, isThere]).toEqual([action, actions.includes(action)]);
    }
    expect(screen.queryAllByRole('button').some(button => button.hasAttribute('disabled'))).toBe(
      false
    );
  });

  it.each([
    ['view', true],
    ['edit', false],
    ['edit_delete', false],
    ['owner', false]
  ] as const)('at %s says READ-ONLY: %s', async (level, isSaid) => {
    await shown({ level, actions: ACTIONS[level] });
    expect(screen.queryByText('READ-ONLY') !== null).toBe(isSaid);
  });

  it.each([
    ['view', false],
    ['edit', true],
    ['edit_delete', false],
    ['owner', false]
  ] as const)('at %s says what Edit keeps programs from: %s', async (level, isSaid) => {
    await shown({ level, actions: ACTIONS[level] });
    expect(screen.queryByText(/nothing is renamed or deleted here/) !== null).toBe(isSaid);
    expect(screen.queryByText(/git checkout and rebase/) !== null).toBe(isSaid);
    expect(screen.queryByText(/ask ana for Edit \+ Delete/) !== null).toBe(isSaid);
  });

  it('answers why it is read-only', async () => {
    await shown();
    await userEvent.click(screen.getByRole('button', { name: 'Why?' }));
    expect(await screen.findByText('You hold View; upload needs Edit.')).toBeTruthy();
  });

  it('gets and loses controls while it is looked at', async () => {
    const { server, model } = await shown();
    server.on('GET api/folders/fld_1', () => folder({ level: 'edit', actions: ACTIONS.edit }));
    act(() => model.receive(grantEvent('grant.changed')));
    expect(await screen.findByRole('button', { name: 'Upload' })).toBeTruthy();
    expect(screen.queryByText('READ-ONLY')).toBeNull();
    server.on('GET api/folders/fld_1', () => folder());
    act(() => model.receive(grantEvent('grant.changed')));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Upload' })).toBeNull());
  });

  it('says why instead of the files when access ends', async () => {
    const { server, model } = await shown();
    server.on('GET api/folders/fld_1', () => refusal(404, 'not-found'));
    act(() => model.receive(grantEvent('grant.revoked')));
    expect(await screen.findByText('ana no longer shares this folder with you.')).toBeTruthy();
    expect(screen.queryByText('hello.txt')).toBeNull();
  });

  it('shows a name full of markup and direction marks as what it is', async () => {
    const nasty = '<img src=x onerror=alert(1)>\u202egpj.txt';
    await shown({}, [entry(nasty)]);
    expect(screen.getByText(nasty)).toBeTruthy();
    expect(document.querySelector('img')).toBeNull();
  });

  it('keeps few of 20,000 rows in the document', async () => {
    const items = Array.from({ length: 20_000 }, (_, at) => entry(`f${at}.txt`));
    await shown({}, items);
    expect(document.querySelectorAll('[role="row"]').length).toBeLessThan(60);
    expect(screen.getByRole('grid').getAttribute('aria-rowcount')).toBe('20001');
  });
});

describe('the keyboard', () => {
  const items = ['a', 'b', 'c'].map(name => entry(`${name}.txt`));

  it('reaches the list with one Tab, and moves in it with the arrows', async () => {
    const { opened } = await shown({}, items);
    const rows = screen.getAllByRole('row').slice(1);
    expect(rows.map(row => row.tabIndex)).toEqual([0, -1, -1]);
    act(() => rows[0]!.focus());
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}{Enter}');
    expect(opened).toEqual(['b.txt']);
    await userEvent.keyboard('{End}{Enter}{Home}{Enter}');
    expect(opened).toEqual(['b.txt', 'c.txt', 'a.txt']);
  });

  it('renames and deletes only where that is allowed', async () => {
    const { deeds } = await shown({ level: 'edit', actions: ACTIONS.edit }, items);
    act(() => screen.getAllByRole('row')[1]!.focus());
    await userEvent.keyboard('{F2}{Delete}');
    expect(deeds).toEqual([]);
  });

  it('selects with Space and Shift, everything and nothing', async () => {
    const { model } = await shown({ level: 'edit_delete', actions: ACTIONS.edit_delete }, items);
    act(() => screen.getAllByRole('row')[1]!.focus());
    await userEvent.keyboard('{ArrowDown} ');
    expect(model.selection.paths).toEqual(['b.txt']);
    await userEvent.keyboard('{Shift>}{ArrowDown}{/Shift}');
    expect(model.selection.paths).toEqual(['b.txt', 'c.txt']);
    expect(screen.getAllByRole('row', { selected: true })).toHaveLength(2);
    await userEvent.keyboard('{Control>}a{/Control}');
    expect(model.selection.size).toBe(3);
    await userEvent.keyboard('{Escape}');
    expect(screen.queryByRole('group', { name: 'Selection' })).toBeNull();
  });

  it('renames and deletes the row it is on', async () => {
    const { deeds } = await shown({ level: 'edit_delete', actions: ACTIONS.edit_delete }, items);
    act(() => screen.getAllByRole('row')[1]!.focus());
    await userEvent.keyboard('{ArrowDown}{F2}{Delete}');
    expect(deeds).toEqual(['rename b.txt', 'delete b.txt']);
  });
});

describe('a selection', () => {
  const items = ['a', 'b', 'c'].map(name => entry(`${name}.txt`));
  const row = (name: string): HTMLElement => screen.getByRole('row', { name: new RegExp(name) });

  it('is made with the mouse', async () => {
    const { model } = await shown({ level: 'edit_delete', actions: ACTIONS.edit_delete }, items);
    const user = userEvent.setup();
    await user.click(row('a.txt'));
    await user.keyboard('{Shift>}');
    await user.click(row('c.txt'));
    await user.keyboard('{/Shift}{Control>}');
    await user.click(row('b.txt'));
    await user.keyboard('{/Control}');
    expect(model.selection.paths).toEqual(['a.txt', 'c.txt']);
    await user.click(row('b.txt'));
    expect(model.selection.paths).toEqual(['b.txt']);
  });

  it.each([
    ['view', ['Download as a zip archive', 'Select nothing']],
    ['edit', ['Download as a zip archive', 'Select nothing']],
    ['edit_delete', ['Download as a zip archive', 'Move…', 'Delete selected', 'Select nothing']]
  ] as const)('at %s offers just what is allowed', async (level, names) => {
    const { model } = await shown({ level, actions: ACTIONS[level] }, items);
    act(() => model.selection.set(['a.txt', 'c.txt']));
    const bar = within(screen.getByRole('group', { name: 'Selection' }));
    expect(bar.getAllByRole('button').map(button => button.textContent)).toEqual(names);
  });

  it('is told what to do, and forgets what is gone', async () => {
    const { model, server, deeds } = await shown(
      { level: 'edit_delete', actions: ACTIONS.edit_delete },
      items
    );
    act(() => model.selection.set(['a.txt', 'c.txt']));
    await userEvent.click(screen.getByRole('button', { name: 'Download as a zip archive' }));
    await userEvent.click(screen.getByRole('button', { name: 'Move…' }));
    await userEvent.click(screen.getByRole('button', { name: 'Delete selected' }));
    const both = 'a.txt c.txt';
    expect(deeds).toEqual([`zip ${both}`, `move ${both}`, `delete all of ${both}`]);
    const left = { path: '', items: items.slice(1), next: null };
    server.on('GET api/folders/fld_1/entries', () => left);
    await act(() => model.reload());
    expect(model.selection.paths).toEqual(['c.txt']);
  });
});
