import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import type { MountView } from '../../src/api/types';
import { SharedDocuments } from '../../src/lab/documents';
import { VMShareModel } from '../../src/model/vmshare';
import { FakeContext } from '../fakes/lab';
import { FakeServer, settle } from '../fakes/server';
import { folder, grantEvent, happening, here, mount, running } from '../fakes/things';

interface World {
  server: FakeServer;
  context: FakeContext;
  told: { old: string; path: string; writable: boolean }[];
  mounts: MountView[];
  /** How often the buttons that save were drawn again. */
  redrawn: number;
  /** What the file system says. */
  writable: boolean;
  happens: (type: string) => Promise<void>;
  bar: () => string | null;
}

const EDIT = mount({ level: 'edit', read_only: false });

async function world(path: string, mounts: MountView[]): Promise<World> {
  const made = { mounts, told: [], writable: true, redrawn: 0 } as unknown as World;
  made.server = new FakeServer()
    .on('GET session', () => here())
    .on('GET api/sessions', () => ({ items: [running({ mounts: made.mounts })] }))
    .on('GET api/folders', () => ({ items: [folder()] }))
    .on('GET api/invitations', () => ({ items: [] }));
  const model = new VMShareModel(made.server.client);
  await model.start();
  const contents = {
    get: () => Promise.resolve({ writable: made.writable })
  } as Record<string, unknown>;
  const fileChanged = new Signal<unknown, { oldValue: { path: string }; newValue: never }>({});
  contents.fileChanged = fileChanged;
  made.context = new FakeContext(path, !(mounts[0]?.read_only ?? false));
  fileChanged.connect((_, { oldValue, newValue }) => {
    const value = newValue as { path: string; writable: boolean };
    made.told.push({ old: oldValue.path, path: value.path, writable: value.writable });
    made.context.contentsModel = value;
    made.context.path = value.path;
  });
  const widget = new MainAreaWidget({ content: new Widget() });
  Object.assign(widget, { context: made.context });
  Widget.attach(widget, document.body);
  const commands = { hasCommand: () => true, notifyCommandChanged: () => made.redrawn++ };
  const app = { serviceManager: { contents }, commands } as unknown as JupyterFrontEnd;
  const trans = nullTranslator.load('jupyter_vmshare');
  const documents = new SharedDocuments(app, model, trans);
  documents.add(widget);
  await settle();
  made.happens = async type => {
    const event = type.startsWith('grant.') ? grantEvent(type) : happening(type);
    server(made).say({ type: 'event', event });
    await settle();
  };
  made.bar = () =>
    widget.node.querySelector('.jp-VMShare-documentBar:not(.lm-mod-hidden)')?.textContent ?? null;
  return made;
}

const server = (made: World): FakeServer['sockets'][number] => made.server.sockets[0]!;

afterEach(() => {
  document.body.innerHTML = '';
});

describe('a document of a shared folder', () => {
  it('says that it is read-only, whose it is, and what to do', async () => {
    const { bar } = await world('shared/tests/a.ipynb', [mount()]);
    expect(bar()).toContain('Read-only: ana shares “tests” with you at View.');
    expect(bar()).toContain('Save a copy…');
  });

  it.each([
    ['at Edit', 'shared/tests/a.ipynb', EDIT],
    ['of one’s own', 'own/a.ipynb', mount()]
  ])('%s says nothing', async (_, path, one) => {
    const { bar, told } = await world(path, [one]);
    expect(bar()).toBeNull();
    expect(told).toEqual([]);
  });

  it('that is lowered is told to JupyterLab, so that it stops saving by itself', async () => {
    const made = await world('shared/tests/a.ipynb', [EDIT]);
    made.mounts = [mount()];
    await made.happens('mount.changed');
    expect(made.bar()).toContain('Read-only');
    const path = 'shared/tests/a.ipynb';
    expect(made.told).toEqual([{ old: path, path, writable: false }]);
    expect(made.redrawn).toBe(1);
  });

  it('that is raised can be saved again, when the file system says so', async () => {
    const made = await world('shared/tests/a.ipynb', [mount()]);
    made.mounts = [EDIT];
    await made.happens('mount.changed');
    expect(made.bar()).toBeNull();
    expect(made.told.at(-1)?.writable).toBe(true);
  });

  it('that is raised stays as it is where its own mode forbids writing', async () => {
    const made = await world('shared/tests/a.ipynb', [mount()]);
    made.writable = false;
    made.mounts = [EDIT];
    await made.happens('mount.changed');
    expect(made.told).toEqual([]);
  });

  it.each([
    ['grant.revoked', 'ana no longer shares this folder with you.'],
    ['grant.expired', 'had an end date, and it has come.'],
    ['folder.trashed', 'ana moved this folder to the trash.'],
    ['mount.chosen', 'You took the folder out of your sessions.']
  ])('whose folder goes by %s says why', async (type, because) => {
    const made = await world('shared/tests/a.ipynb', [EDIT]);
    made.mounts = [];
    await made.happens(type);
    await made.happens('mount.unmounted');
    expect(made.bar()).toContain(because);
    expect(made.context.contentsModel.writable).toBe(false);
  });

  it('goes along with a new name, whatever is in it', async () => {
    const old = mount({ name: 'tests (ana)', level: 'edit', read_only: false });
    const made = await world('shared/tests (ana)/sub/a.ipynb', [old]);
    made.mounts = [{ ...old, name: 'after' }];
    await made.happens('mount.changed');
    expect(made.told).toEqual([
      { old: 'shared/tests (ana)/sub/a.ipynb', path: 'shared/after/sub/a.ipynb', writable: true }
    ]);
    expect(made.bar()).toBeNull();
  });
});
