import { nullTranslator } from '@jupyterlab/translation';
import { fileIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import { act, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { EventView, MachineView } from '../../src/api/types';
import { FileClient, isResumable } from '../../src/api/files';
import { AlreadyThere } from '../../src/api/problem';
import { RESUMED_FROM } from '../../src/api/resumable';
import { FolderTab } from '../../src/lab/folderwidget';
import { VMShareModel } from '../../src/model/vmshare';
import { cloud, machine } from '../fakes/machines';
import { FakeServer, json, refusal, settle } from '../fakes/server';
import { happening, here } from '../fakes/things';

const FILES = 'machines/mch_1';
const MODIFIED = { modified_at: '2026-11-23T00:00:00.000Z', mode: 'rw-r--r--' };

interface Lying {
  name: string;
  path: string;
  kind: string;
  size?: number | null;
  leads_to?: string | null;
  modified_at?: string | null;
}

const lying = (path: string, kind = 'file', leads: string | null = null): Lying => ({
  ...{ name: path.slice(path.lastIndexOf('/') + 1), path, kind, leads_to: leads },
  ...{ size: kind === 'file' ? 5 : null },
  ...MODIFIED
});

const THERE: Record<string, Lying[]> = {
  '/home/ben': [lying('/home/ben/data', 'directory'), lying('/home/ben/a.csv')],
  '/home/ben/data': [lying('/home/ben/data/deep.csv')],
  '/srv/shared': [lying('/srv/shared/all', 'link', 'directory'), lying('/srv/shared/b.csv')]
};

interface World {
  server: FakeServer;
  tab: FolderTab;
  done: string[];
  becomes: (over: Partial<MachineView>) => Promise<void>;
  happens: (event: EventView) => void;
}

let shown: FolderTab | null = null;

/** The machine of ana's, as ben sees its files. */
async function world(over: Partial<MachineView> = {}): Promise<World> {
  let present = machine({ owner: 'ana', level: 'use', actions: [...READS, ...CHANGES], ...over });
  let isThere = true;
  const server = new FakeServer()
    .on('GET session', () => here())
    .on('GET api/cloud', () => cloud())
    .on('GET api/machines', () => ({ items: isThere ? [present] : [], next: null }))
    .on('GET api/machines/mch_1', () => (isThere ? present : refusal(404, 'not-found')))
    .on('GET api/drives', () => ({ items: [], next: null }))
    .on('GET api/machine-snapshots', () => ({ items: [], next: null }))
    .on(`GET ${FILES}/entries`, ({ query }) => {
      if (present.state !== 'running') {
        return refusal(409, 'wrong-state');
      }
      const path = query.get('path') ?? '/home/ben';
      const items = THERE[path];
      const told = { path, home: '/home/ben', items, next: null };
      return isThere && items ? told : refusal(404, 'not-found');
    });
  const model = new VMShareModel(server.client);
  await model.start();
  const done: string[] = [];
  const note = (deed: string) => (one: { path: string }) => void done.push(`${deed} ${one.path}`);
  const many = (deed: string) => (paths: readonly string[]) =>
    void done.push(`${deed} ${paths.join(' ')}`);
  const tab = new FolderTab(
    model,
    'mch_1',
    '',
    {
      entries: directory => ({
        ...{ open: ({ path }) => void directory.enter(path), download: note('download') },
        ...{ rename: note('rename'), remove: note('delete'), iconOf: () => fileIcon },
        ...{ downloadMany: many('zip'), moveMany: many('move'), removeMany: many('delete all') },
        ...{ moveTo: many('move'), properties: () => undefined }
      }),
      createDirectory: () => done.push('new'),
      share: () => done.push('share')
    },
    nullTranslator.load('jupyter_vmshare')
  );
  act(() => Widget.attach(tab, document.body));
  await act(settle);
  shown = tab;
  return {
    ...{ server, tab, done },
    becomes: async change => {
      present = { ...present, ...change };
      const data = { state: present.state, because: null };
      server.sockets[0]!.say({
        type: 'event',
        event: happening('machine.changed', { ...ABOUT, data })
      });
      await act(settle);
    },
    happens: event => {
      isThere = false;
      server.sockets[0]!.say({ type: 'event', event });
    }
  };
}

const ABOUT = { thing_id: 'mch_1', thing_name: 'gpu-box', actor: 'ana' };
const READS = ['see_in_list', 'see_people', 'start', 'read_files', 'download'];
const CHANGES = ['upload'];
const OFF = { state: 'stopped' as const, desired: 'stopped' as const };

const names = (): (string | undefined)[] =>
  [...document.querySelectorAll<HTMLElement>('[data-path]')].map(row => row.dataset.path);
const button = (name: string): HTMLElement | null => screen.queryByRole('button', { name });
const press = async (name: string): Promise<void> => {
  await userEvent.click(screen.getByRole('button', { name }));
  await act(settle);
};

describe('the files of a machine', () => {
  afterEach(() => {
    act(() => shown?.dispose());
    shown = null;
  });

  it('begin at home, and lead to what is shared and to the root', async () => {
    const { tab } = await world();
    expect(tab.title.label).toBe('Files on gpu-box');
    expect(names()).toEqual(['home/ben/data', 'home/ben/a.csv']);
    await press('data');
    expect(names()).toEqual(['home/ben/data/deep.csv']);
    await press('Shared');
    expect(names()).toEqual(['srv/shared/all', 'srv/shared/b.csv']);
    await press('Home');
    expect(names()).toEqual(['home/ben/data', 'home/ben/a.csv']);
    const crumbs = screen.getByRole('navigation').querySelectorAll('button');
    expect([...crumbs].map(each => each.textContent)).toEqual(['gpu-box', 'home', 'ben']);
  });

  it.each([
    ['upload', ['Upload', 'New folder in here', 'Rename "a.csv"', 'Delete "a.csv"']],
    ['download', ['Download "a.csv"']]
  ])('have no buttons without the tick %s', async (tick, buttons) => {
    const { becomes } = await world();
    expect(buttons.filter(name => button(name) === null)).toEqual([]);
    await becomes({ actions: [...READS, ...CHANGES].filter(action => action !== tick) });
    expect(buttons.filter(name => button(name) !== null)).toEqual([]);
    expect(names()).toHaveLength(2);
  });

  it('are sorted here where the machine does not: all of them, directories first', async () => {
    const { server, tab } = await world();
    const [older, newer] = ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'];
    const pages: Record<string, [Lying[], string | null]> = {
      '': [
        [lying('/home/ben/dir', 'directory'), { ...lying('/home/ben/b'), modified_at: older }],
        '1'
      ],
      '1': [[{ ...lying('/home/ben/c'), modified_at: newer, size: 9 }], null]
    };
    server.on(`GET ${FILES}/entries`, ({ query }) => {
      const [items, next] = pages[query.get('after') ?? '']!;
      return { path: '/home/ben', home: '/home/ben', items, next };
    });
    await act(() => tab.directory.setOrder({ by: 'modified', descending: true }));
    expect(tab.directory.entries.map(({ name }) => name)).toEqual(['dir', 'c', 'b']);
    await act(() => tab.directory.setOrder({ by: 'size', descending: false }));
    expect(tab.directory.entries.map(({ name }) => name)).toEqual(['dir', 'b', 'c']);
    await act(() => tab.directory.setOrder({ by: 'name', descending: true }));
    expect(tab.directory.entries.map(({ name }) => name)).toEqual(['dir', 'c', 'b']);
    expect(server.asked.some(({ query }) => query.has('order'))).toBe(false);
  });

  it('come as no archives, and are not shared by themselves', async () => {
    const { tab } = await world();
    expect(button('Download "data" as a zip archive')).toBeNull();
    expect(button('Share')).toBeNull();
    act(() => tab.directory.selection.set(['home/ben/data', 'home/ben/a.csv']));
    expect(button('Download as a zip archive')).toBeNull();
    expect(button('Delete selected')).not.toBeNull();
  });

  it('of one that is off wait for its start', async () => {
    const { server, becomes } = await world({ ...OFF, actions: ['see_in_list', 'start'] });
    expect(screen.getByText('Its files can be looked at while it runs.')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
    server.on('POST api/machines/mch_1/start', () => machine({ ...OFF, owner: 'ana' }));
    await press('Start "gpu-box"');
    expect(server.calls('POST api/machines/mch_1/start')).toHaveLength(1);
    await becomes({ state: 'running', desired: 'running', actions: [...READS, ...CHANGES] });
    expect(names()).toEqual(['home/ben/data', 'home/ben/a.csv']);
    await becomes({ ...OFF, actions: ['see_in_list', 'start'] });
    expect(names()).toEqual([]);
  });

  it('go, and are moved, by paths from the root; each says why it stayed', async () => {
    const { server, tab } = await world();
    const because = 'This directory is not yours.';
    server
      .on(`DELETE ${FILES}/file`, ({ query }) =>
        query.get('path') === '/srv/shared/all'
          ? refusal(403, 'forbidden', { because })
          : json(200, null)
      )
      .on(`POST ${FILES}/moves`, () => refusal(409, 'name-taken'))
      .on(`POST ${FILES}/directories`, () => json(201, lying('/home/ben/new', 'directory')));
    await act(async () => {
      const left = await tab.directory.removeMany(['srv/shared/all', 'home/ben/data']);
      expect(left).toEqual([{ path: 'srv/shared/all', because }]);
      const [stayed] = await tab.directory.moveMany(['home/ben/a.csv'], 'srv/shared');
      expect(stayed).toEqual({ path: 'home/ben/a.csv', because: 'It is name-taken.' });
      await tab.directory.createDirectory('new');
    });
    const deleted = server.calls(`DELETE ${FILES}/file`).map(({ query }) => [...query.values()]);
    expect(deleted).toEqual([
      ['/srv/shared/all', 'true'],
      ['/home/ben/data', 'true']
    ]);
    expect(server.calls(`POST ${FILES}/moves`)[0]?.body).toEqual({
      source: '/home/ben/a.csv',
      target: '/srv/shared/a.csv'
    });
    expect(server.calls(`POST ${FILES}/directories`)[0]?.body).toEqual({ path: '/home/ben/new' });
  });

  it('say in a sentence why they can not be looked at', async () => {
    const { server } = await world();
    const because = 'The machine does not answer.';
    server.on(`GET ${FILES}/entries`, () => refusal(503, 'machine-unreachable', { because }));
    await press('Shared');
    expect((await screen.findByRole('alert')).textContent).toContain(because);
  });

  it('say why they are not open any more', async () => {
    const { happens } = await world();
    const data = { grant_id: 'gnt_1', level: 'use', receiver: 'ben', giver: 'ana' };
    happens(happening('grant.revoked', { ...ABOUT, data }));
    await waitFor(() =>
      expect(screen.getByText('ana no longer shares "gpu-box" with you.')).toBeTruthy()
    );
    expect(names()).toEqual([]);
  });
});

describe('the bytes of files on machines', () => {
  it('are fetched from the notebook server, by paths from the root', () => {
    const files = new FileClient(new FakeServer().client.transport);
    const address = new URL(files.downloadUrl('mch_1', 'srv/shared/a b.csv'));
    expect(address.pathname).toBe('/user/ben/vmshare/machines/mch_1/download');
    expect(address.searchParams.get('path')).toBe('/srv/shared/a b.csv');
  });

  it('are sent in one piece, however many they are', () => {
    const large = new Blob();
    Object.defineProperty(large, 'size', { value: RESUMED_FROM });
    expect([isResumable(large, 'fld_1'), isResumable(large, 'mch_1')]).toEqual([true, false]);
  });

  it.each([
    ['mch_1', 'http://hub/user/ben/vmshare/machines/mch_1/file?path=%2Fsrv%2Fa.csv'],
    ['fld_1', 'http://hub/user/ben/vmshare/api/folders/fld_1/file?path=srv%2Fa.csv']
  ])('ask what to do where a name is taken: %s', async (id, address) => {
    const opened: string[] = [];
    const problem = {
      type: 'x',
      title: 'x',
      detail: 'It is there.',
      status: 409,
      code: 'name-taken'
    };
    const xhr = {
      ...{ upload: {}, status: 409, statusText: '', responseText: JSON.stringify(problem) },
      open: (_: string, url: string) => opened.push(url),
      setRequestHeader: () => undefined,
      send: () => (xhr as unknown as { onload: () => void }).onload()
    };
    const transport = new FakeServer().client.transport;
    const files = new FileClient(transport, () => xhr as unknown as XMLHttpRequest);
    const { signal } = new AbortController();
    const asked = { folder: id, path: 'srv/a.csv', body: new Blob(['x']), overwrite: false };
    const sent = files.upload({ ...asked, signal, progress: () => undefined });
    await expect(sent).rejects.toBeInstanceOf(AlreadyThere);
    expect(opened).toEqual([address]);
  });
});
