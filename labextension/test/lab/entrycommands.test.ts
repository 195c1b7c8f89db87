import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import type { EntryView } from '../../src/api/types';
import { addEntryCommands, EntryCommandIDs } from '../../src/lab/entrycommands';
import type { FileDeeds } from '../../src/lab/filedeeds';
import type { FolderTabs } from '../../src/lab/foldertabs';
import type { MountDeeds } from '../../src/lab/mountdeeds';
import type { VMShareModel } from '../../src/model/vmshare';
import type { EntryDeeds } from '../../src/views/entries';
import { ACTIONS, entry } from '../fakes/things';

interface World {
  commands: CommandRegistry;
  told: string[];
}

/** The commands, with some entries selected in the folder's tab that is in front. */
function world(
  actions: readonly string[],
  selected: readonly EntryView[] | null,
  isMounted = true,
  kind = 'folder'
): World {
  const told: string[] = [];
  const commands = new CommandRegistry();
  const tell =
    (verb: string) =>
    (said: unknown): void =>
      void told.push(`${verb} ${[said].flat().map(nameOf).join(' ')}`);
  const deeds = {
    open: tell('open'),
    download: tell('download'),
    downloadMany: tell('zip'),
    rename: tell('rename'),
    moveMany: tell('move'),
    remove: tell('delete'),
    removeMany: tell('delete all of'),
    properties: tell('properties of')
  } as unknown as EntryDeeds;
  const tab = selected && {
    directory: {
      folderId: 'fld_1',
      kind,
      hasArchives: kind === 'folder' && actions.includes('download'),
      selection: { paths: selected.map(({ path }) => path) },
      may: (action: string) => actions.includes(action)
    },
    listing: { find: (path: string) => selected.find(one => one.path === path) }
  };
  addEntryCommands({
    app: { commands } as unknown as JupyterFrontEnd,
    model: { mounts: { absolutePath: () => (isMounted ? '/s' : null) } } as unknown as VMShareModel,
    tabs: { tracker: { currentWidget: tab } } as unknown as FolderTabs,
    files: { of: () => deeds } as unknown as FileDeeds,
    mountDeeds: {
      insertPathOf: (id: string, one: EntryView) => told.push(`insert ${id}/${one.path}`)
    } as unknown as MountDeeds,
    trans: nullTranslator.load('jupyter_vmshare')
  });
  return { commands, told };
}

function nameOf(said: unknown): string {
  return typeof said === 'string' ? said : (said as EntryView).path;
}

/** The commands that are there, as the menu shows them. */
function shown({ commands }: World): string[] {
  return Object.values(EntryCommandIDs)
    .filter(id => commands.isVisible(id))
    .map(id => commands.label(id));
}

const ONE = [entry('sub/a.txt')];
const MANY = [entry('a.txt'), entry('sub', { kind: 'directory', size: null })];

describe('what can be done with what is selected', () => {
  it.each([
    [
      'one at View',
      ACTIONS.view,
      ONE,
      ['Open', 'Download', 'Insert Path', 'Copy Path', 'Properties…']
    ],
    ['many at View', ACTIONS.view, MANY, ['Download', 'Properties…']],
    [
      'one at Edit',
      ACTIONS.edit,
      ONE,
      ['Open', 'Download', 'Insert Path', 'Copy Path', 'Properties…']
    ],
    [
      'one at Edit + Delete',
      ACTIONS.edit_delete,
      ONE,
      [
        ...['Open', 'Download', 'Rename…', 'Move…', 'Delete'],
        ...['Insert Path', 'Copy Path', 'Properties…']
      ]
    ],
    [
      'many at Edit + Delete',
      ACTIONS.edit_delete,
      MANY,
      ['Download', 'Move…', 'Delete', 'Properties…']
    ],
    ['nothing', ACTIONS.owner, [], []],
    ['no folder in front', ACTIONS.owner, null, []]
  ])('is for %s', (_, actions, selected, wanted) => {
    expect(shown(world(actions, selected))).toEqual(wanted);
  });

  it.each([
    ['a file', ONE, ['Open', 'Download', 'Rename…', 'Move…', 'Delete', 'Copy Path']],
    ['many', MANY, ['Move…', 'Delete']]
  ])('is on a machine no archive and no folder: %s', (_, selected, wanted) => {
    const actions = ['download', 'rename_file', 'delete_file'];
    expect(shown(world(actions, selected, false, 'machine'))).toEqual(wanted);
  });

  it('is no path of what is mounted nowhere', () => {
    expect(shown(world(ACTIONS.view, ONE, false))).not.toContain('Insert Path');
  });

  it.each([
    [EntryCommandIDs.open, ONE, 'open sub/a.txt'],
    [EntryCommandIDs.download, ONE, 'download sub/a.txt'],
    [EntryCommandIDs.download, MANY, 'zip a.txt sub'],
    [EntryCommandIDs.rename, ONE, 'rename sub/a.txt'],
    [EntryCommandIDs.move, MANY, 'move a.txt sub'],
    [EntryCommandIDs.remove, ONE, 'delete sub/a.txt'],
    [EntryCommandIDs.remove, MANY, 'delete all of a.txt sub'],
    [EntryCommandIDs.insertPath, ONE, 'insert fld_1/sub/a.txt'],
    [EntryCommandIDs.properties, MANY, 'properties of a.txt sub']
  ])('%s of %j does it', async (id, selected, wanted) => {
    const { commands, told } = world(ACTIONS.owner, selected);
    await commands.execute(id);
    expect(told).toEqual([wanted]);
  });

  it('is refused also where a shortcut asks for it', async () => {
    const { commands, told } = world(ACTIONS.view, ONE);
    for (const id of [EntryCommandIDs.rename, EntryCommandIDs.move, EntryCommandIDs.remove]) {
      expect(commands.isEnabled(id)).toBe(false);
      await commands.execute(id);
    }
    expect(told).toEqual([]);
  });

  it('puts a path into the clipboard, and says so', async () => {
    const copied = jest.spyOn(Clipboard, 'copyToSystem').mockImplementation(() => undefined);
    const { commands } = world(ACTIONS.view, ONE);
    await commands.execute(EntryCommandIDs.copyPath);
    expect(copied).toHaveBeenCalledWith('sub/a.txt');
    const said = Notification.manager.notifications.map(({ message }) => message);
    expect(said).toEqual(['The path is in the clipboard.']);
  });
});
