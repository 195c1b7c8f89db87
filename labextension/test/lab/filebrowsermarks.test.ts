import type { FileBrowser } from '@jupyterlab/filebrowser';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { FolderView, MountView } from '../../src/api/types';
import { FileBrowserMarks } from '../../src/lab/filebrowsermarks';
import { VMShareModel } from '../../src/model/vmshare';
import { FakeFileBrowser } from '../fakes/lab';
import { FakeServer, settle } from '../fakes/server';
import { folder, happening, here, mount, running } from '../fakes/things';

const FOLDERS: FolderView[] = [
  folder(),
  folder({ id: 'fld_2', name: 'reef', owner: 'ben', relation: 'mine', level: 'owner' })
];

interface World {
  browser: FakeFileBrowser;
  model: VMShareModel;
  mounts: MountView[];
  folders: FolderView[];
  happens: (type: string) => Promise<void>;
}

async function world(path: string): Promise<World> {
  const made = {
    browser: new FakeFileBrowser(path),
    mounts: [mount(), mount({ folder_id: 'fld_2', name: 'reef', level: 'edit_delete' })],
    folders: FOLDERS
  } as unknown as World;
  const server = new FakeServer()
    .on('GET session', () => here())
    .on('GET api/sessions', () => ({ items: [running({ mounts: made.mounts })] }))
    .on('GET api/folders', () => ({ items: made.folders }))
    .on('GET api/invitations', () => ({ items: [] }));
  made.model = new VMShareModel(server.client);
  await made.model.start();
  made.happens = async type => {
    made.model.mounts.sessions.receive(happening(type));
    await settle();
  };
  Widget.attach(made.browser, document.body);
  const trans = nullTranslator.load('jupyter_vmshare');
  new FileBrowserMarks(made.browser as unknown as FileBrowser, made.model, trans);
  await settle();
  return made;
}

const bar = (): string | null =>
  document.querySelector('.jp-VMShare-placeBar:not(.lm-mod-hidden)')?.textContent ?? null;

afterEach(() => {
  document.body.innerHTML = '';
});

describe('in the directory with the shared folders', () => {
  it('each has level and owner beside its name, and is heard with it', async () => {
    const { browser } = await world('shared');
    browser.draw(['reef', 'tests', 'unknown']);
    await settle();
    expect(browser.shown).toEqual([
      ['reef', 'Mine'],
      ['tests', 'View · ana'],
      ['unknown', null]
    ]);
    const name = browser.node.querySelectorAll('.jp-DirListing-itemText')[1]!;
    const badge = document.getElementById(name.getAttribute('aria-describedby')!);
    expect(badge?.textContent).toBe('View · ana');
  });

  it('a node that is drawn for another file has that one’s badge', async () => {
    const { browser } = await world('shared');
    browser.draw(['reef', 'tests']);
    await settle();
    browser.draw(['tests', 'zebra']);
    await settle();
    expect(browser.shown).toEqual([
      ['tests', 'View · ana'],
      ['zebra', null]
    ]);
  });

  it('a badge follows the level', async () => {
    const made = await world('shared');
    made.browser.draw(['tests']);
    made.mounts = [mount({ level: 'edit', read_only: false })];
    await made.happens('mount.changed');
    expect(made.browser.shown).toEqual([['tests', 'Edit · ana']]);
    expect(made.browser.model.refreshed).toBeGreaterThan(0);
  });

  it('nothing is marked elsewhere, not even a namesake', async () => {
    const { browser } = await world('shared');
    browser.draw(['tests']);
    await browser.model.cd('/own');
    browser.draw(['tests', 'reef']);
    await settle();
    expect(browser.shown).toEqual([
      ['tests', null],
      ['reef', null]
    ]);
    expect(bar()).toBeNull();
  });
});

describe('in a shared folder', () => {
  it.each([
    ['shared/tests/sub', 'Viewof anaRead-only.'],
    ['shared/reef', 'Owner'],
    ['shared/gone', 'This folder is not in your session any more.'],
    ['own', null],
    ['sharedness', null]
  ])('at %s the line above the files says %p', async (path, expected) => {
    await world(path);
    expect(bar()).toBe(expected);
  });

  it.each([
    ['that is gone', [] as MountView[], 'shared'],
    ['on its way out', [mount({ state: 'closing' as const })], 'shared'],
    ['with another name', [mount({ name: 'after' })], 'shared/after/sub'],
    ['at another level', [mount({ level: 'edit' })], 'shared/tests/sub']
  ])('%s one is shown what is true now', async (_, mounts, expected) => {
    const made = await world('shared/tests/sub');
    made.mounts = mounts;
    await made.happens('mount.changed');
    expect(made.browser.model.path).toBe(expected);
  });
});
