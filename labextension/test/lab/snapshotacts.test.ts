import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { act, screen, within } from '@testing-library/react';

import { SnapshotActs } from '../../src/lab/snapshotacts';
import { PastModel } from '../../src/model/past';
import { SnapshotsModel } from '../../src/model/snapshots';
import type { VMShareModel } from '../../src/model/vmshare';
import { FakeServer, refusal, settle } from '../fakes/server';
import { entry, snapshot } from '../fakes/things';

const SNAPSHOTS = 'folders/fld_1/snapshots';
const TAKE = `POST api/${SNAPSHOTS}`;
const REMOVE = `DELETE api/${SNAPSHOTS}/snp_1`;
const RESTORE = `POST api/${SNAPSHOTS}/snp_1/restore`;

/** What is asked for where a file is taken back. */
interface Asked {
  path: string;
  target: string | null;
  overwrite: boolean;
}

interface World {
  server: FakeServer;
  acts: SnapshotActs;
  past: PastModel;
}

function world(): World {
  const server = new FakeServer().on(`GET api/${SNAPSHOTS}`, () => ({ items: [], next: null }));
  const snapshots = new SnapshotsModel(server.client, 'fld_1');
  const app = { docRegistry: { getFileTypesForPath: () => [] } } as unknown as JupyterFrontEnd;
  const trans = nullTranslator.load('jupyter_vmshare');
  const model = { files: null } as unknown as VMShareModel;
  const acts = new SnapshotActs(app, model, snapshots, trans);
  return { server, acts, past: new PastModel(server.client, 'fld_1', snapshot()) };
}

/** jsdom can't open a dialog, and so takes it for hidden. */
const dialog = (): HTMLElement | null => document.querySelector('.jp-Dialog');

/** What the dialog that is open says; null where none is. */
async function asked(): Promise<string | null> {
  await settle();
  return dialog()?.textContent ?? null;
}

async function answer(button: string): Promise<void> {
  await settle();
  const found = within(dialog()!).getByRole('button', { name: button, hidden: true });
  act(() => found.click());
  await settle();
}

/** Closes what only tells something. */
async function close(): Promise<void> {
  const found = dialog()?.querySelector<HTMLButtonElement>('.jp-Dialog-footer button');
  act(() => found?.click());
  await settle();
}

/** What was sent to take a file back. */
function sent({ server }: World): unknown[] {
  return server.calls(RESTORE).map(({ body }) => body);
}

const said = (): string[] => Notification.manager.notifications.map(({ message }) => message);
const FIRST: Asked = { path: 'sub/a.txt', target: null, overwrite: false };
const FILE = entry('sub/a.txt');

describe('a file of a snapshot', () => {
  afterEach(close);

  it('is taken back to where it was', async () => {
    const made = world();
    made.server.on(RESTORE, () => FILE);
    made.acts.deeds.restore(made.past, FILE);
    expect(await asked()).toBeNull();
    expect(sent(made)).toEqual([FIRST]);
    expect(said()).toContain('"sub/a.txt" is in the folder as it was.');
  });

  it('replaces what is there where the person says so', async () => {
    const made = world();
    made.server.on(RESTORE, ({ body }) =>
      (body as Asked).overwrite ? FILE : refusal(409, 'exists')
    );
    made.acts.deeds.restore(made.past, FILE);
    expect(await asked()).toContain('can be replaced, or both be kept');
    await answer('Replace');
    expect(sent(made)).toEqual([FIRST, { ...FIRST, overwrite: true }]);
  });

  it('is left where the person gives up', async () => {
    const made = world();
    made.server.on(RESTORE, () => refusal(409, 'exists'));
    made.acts.deeds.restore(made.past, FILE);
    await answer('Cancel');
    expect(sent(made)).toEqual([FIRST]);
  });

  it('comes beside what is there, at a path that is suggested, and asked for again', async () => {
    const made = world();
    made.server.on(RESTORE, ({ body }) =>
      (body as Asked).target === 'sub/b.txt' ? FILE : refusal(409, 'exists')
    );
    made.acts.deeds.restore(made.past, FILE);
    await answer('Keep both');
    const field = (): HTMLInputElement => screen.getByRole('textbox', { hidden: true });
    expect(field().value).toBe('sub/a (1).txt');
    await answer('Take back');
    expect(await asked()).toContain('It is exists.');
    field().value = 'sub/b.txt';
    await answer('Take back');
    expect(await asked()).toBeNull();
    expect(sent(made).at(-1)).toEqual({ ...FIRST, target: 'sub/b.txt' });
    expect(said()).toContain('"sub/b.txt" is in the folder as it was.');
  });

  it.each(['wrong-state', 'quota-exceeded', 'conflict', 'too-many-snapshots'])(
    'that is refused as %s replaces nothing: it is said why',
    async code => {
      const made = world();
      made.server.on(RESTORE, () => refusal(409, code));
      made.acts.deeds.restore(made.past, FILE);
      expect(await asked()).toContain(`It is ${code}.`);
      expect(within(dialog()!).queryByText('Replace')).toBeNull();
      expect(sent(made)).toEqual([FIRST]);
    }
  );
});

describe('a snapshot', () => {
  afterEach(close);

  it('that can not be taken says why', async () => {
    const { server, acts } = world();
    server.on(TAKE, () => refusal(409, 'too-many-snapshots'));
    acts.deeds.take();
    expect(await asked()).toContain('It is too-many-snapshots.');
  });

  it.each([
    ['Cancel', 0],
    ['Delete', 1]
  ])('is asked about before it goes: %s', async (button, times) => {
    const { server, acts } = world();
    server.on(REMOVE, () => null);
    acts.deeds.remove(snapshot());
    expect(await asked()).toContain('What it alone keeps is gone for good.');
    await answer(button);
    expect(server.calls(REMOVE)).toHaveLength(times);
  });
});
