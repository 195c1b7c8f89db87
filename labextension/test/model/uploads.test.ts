import type { FileClient, UploadAsked } from '../../src/api/files';
import { Aborted, AlreadyThere, errorOf, Unreachable } from '../../src/api/problem';
import { fingerprintOf, PAUSED, RESUMED_FROM } from '../../src/api/resumable';
import type { UploadView } from '../../src/api/types';
import { besides, UploadsModel } from '../../src/model/uploads';
import { settle } from '../fakes/server';
import { entry, problem } from '../fakes/things';

function uploads(
  answer: (asked: UploadAsked) => Promise<unknown>,
  unfinished: UploadView[] = [],
  makeDirectory?: (path: string) => Promise<unknown>
): { model: UploadsModel; asked: UploadAsked[]; gone: string[] } {
  const asked: UploadAsked[] = [];
  const gone: string[] = [];
  const files = {
    upload: (one: UploadAsked) => {
      asked.push(one);
      return answer(one);
    },
    resumable: {
      unfinished: () => Promise.resolve(unfinished),
      giveUp: (_: string, id: string) => Promise.resolve(gone.push(id))
    }
  } as unknown as FileClient;
  return { model: new UploadsModel(files, 'fld_1', makeDirectory), asked, gone };
}

const large = (name: string, modified = 1): File => {
  const made = new File(['x'], name, { lastModified: modified });
  Object.defineProperty(made, 'size', { value: RESUMED_FROM });
  return made;
};

const file = (name: string): File => new File(['x'], name);
const stored = (one: UploadAsked): Promise<unknown> => Promise.resolve(entry(one.path));
const taken = (one: UploadAsked): Promise<unknown> =>
  one.overwrite || one.path !== 'sub/a.txt'
    ? stored(one)
    : Promise.reject(new AlreadyThere('It is there.', 409, 'exists'));

describe('uploads', () => {
  it('go two at a time', async () => {
    const { model, asked } = uploads(() => new Promise(() => undefined));
    model.start(['a', 'b', 'c', 'd'].map(file), name => name);
    await settle();
    expect(asked).toHaveLength(2);
    expect(model.items.map(item => item.state)).toEqual([
      'running',
      'running',
      'waiting',
      'waiting'
    ]);
  });

  it('make the directories of what was dropped, each once, and those above first', async () => {
    const made: string[] = [];
    const refuse = new AlreadyThere('It is there.', 409, 'exists');
    const { model, asked } = uploads(stored, [], path => {
      made.push(path);
      return path === 'in/survey' ? Promise.reject(refuse) : Promise.resolve();
    });
    const files = ['survey/a', 'survey/deep/b', 'survey/deep/c'].map(path => ({
      file: file(path.slice(-1)),
      path
    }));
    model.startAll({ files, directories: ['survey/hollow'] }, name => `in/${name}`);
    await settle();
    expect(made).toEqual(['in/survey', 'in/survey/hollow', 'in/survey/deep']);
    expect(asked.map(one => one.path)).toEqual([
      ...['in/survey/a', 'in/survey/deep/b', 'in/survey/deep/c']
    ]);
    expect(model.items).toEqual([]);
  });

  it('say why a directory could not be made', async () => {
    const refuse = new Unreachable('The service is away.', 503, 'unreachable');
    const { model } = uploads(stored, [], () => Promise.reject(refuse));
    model.startAll({ files: [{ file: file('a'), path: 'x/a' }], directories: [] }, name => name);
    await settle();
    expect(model.items).toMatchObject([{ state: 'failed', because: 'The service is away.' }]);
  });

  it('take one answer for all that is there', async () => {
    const { model, asked } = uploads(one =>
      one.overwrite ? stored(one) : Promise.reject(new AlreadyThere('It is there.', 409, 'exists'))
    );
    model.start([file('a'), file('b')], name => name);
    await settle();
    model.answerAll('replace');
    await settle();
    expect(model.items).toEqual([]);
    expect(asked.filter(one => one.overwrite).map(one => one.path)).toEqual(['a', 'b']);
  });

  it('ask before they replace something', async () => {
    const { model, asked } = uploads(taken);
    model.start([file('a.txt')], name => `sub/${name}`);
    await settle();
    expect(model.items).toMatchObject([{ state: 'conflict', name: 'a.txt' }]);
    model.replace(model.items[0]!.id);
    await settle();
    expect(asked.map(one => one.overwrite)).toEqual([false, true]);
    expect(model.items).toHaveLength(0);
  });

  it.each([
    ['quota-exceeded', 409, '5 B are left.'],
    ['wrong-state', 409, 'The folder is in the trash.'],
    ['too-many-uploads', 409, 'Finish one of the 50 first.'],
    ['not-a-directory', 409, 'sub is a file.'],
    ['upload-busy', 423, 'It is being written.']
  ])('offer to replace nothing where it is %s', async (code, status, detail) => {
    const told = errorOf(problem(status, code, { detail }));
    const { model } = uploads(() => Promise.reject(told));
    model.start([file('a.txt')], name => name);
    await settle();
    expect(model.items).toMatchObject([{ state: 'failed', because: detail }]);
  });

  it('do not take every refusal of a directory for one that is there', async () => {
    const refuse = errorOf(problem(409, 'wrong-state', { detail: 'It is in the trash.' }));
    const { model, asked } = uploads(stored, [], () => Promise.reject(refuse));
    model.startAll({ files: [{ file: file('a'), path: 'x/a' }], directories: [] }, name => name);
    await settle();
    expect(model.items).toMatchObject([{ state: 'failed', because: 'It is in the trash.' }]);
    expect(asked).toEqual([]);
  });

  it('can keep both', async () => {
    const { model, asked } = uploads(taken);
    model.start([file('a.txt')], name => `sub/${name}`);
    await settle();
    model.keepBoth(model.items[0]!.id);
    await settle();
    expect(asked.at(-1)).toMatchObject({ path: 'sub/a (1).txt', overwrite: false });
  });

  it('that fail say why, and can be tried again', async () => {
    let isDown = true;
    const { model } = uploads(one =>
      isDown ? Promise.reject(new Unreachable('Broken off.', 0, 'network')) : stored(one)
    );
    model.start([file('a.txt')], name => name);
    await settle();
    expect(model.items).toMatchObject([{ state: 'failed', because: 'Broken off.' }]);
    isDown = false;
    model.retry(model.items[0]!.id);
    await settle();
    expect(model.items).toHaveLength(0);
  });

  it('that are stopped are gone, and the next ones go on', async () => {
    const { model, asked } = uploads(
      one =>
        new Promise((_, reject) => {
          one.signal.addEventListener('abort', () => reject(new Aborted('', 0, 'aborted')));
        })
    );
    model.start(['a', 'b', 'c'].map(file), name => name);
    model.dismiss(model.items[0]!.id);
    await settle();
    expect(asked.map(one => one.path)).toEqual(['a', 'b', 'c']);
    expect(model.items.map(item => item.name)).toEqual(['b', 'c']);
  });
});

describe('large uploads', () => {
  const began = (over: Partial<UploadView> = {}): UploadView => ({
    id: 'upl_1',
    kind: 'file',
    state: 'open',
    path: 'sub/big.bin',
    length: RESUMED_FROM,
    offset: 5,
    overwrite: false,
    metadata: { path: 'sub/big.bin', fingerprint: fingerprintOf(large('big.bin')) },
    created_at: '2026-11-27T12:00:00.000Z',
    expires_at: '2026-11-28T12:00:00.000Z',
    ...over
  });
  const endless = (one: UploadAsked): Promise<unknown> =>
    new Promise((_, reject) => {
      one.signal.addEventListener('abort', () => reject(new Aborted('', 0, 'aborted')));
    });

  it('pause, keep what has come, and go on', async () => {
    const { model, asked } = uploads(endless);
    model.start([large('a'), large('b'), large('c')], name => name);
    const [first] = model.items;
    asked[0]!.progress(7);
    model.pause(first!.id);
    await settle();
    expect(asked[0]!.signal.reason).toBe(PAUSED);
    expect(model.items.map(item => item.state)).toEqual(['paused', 'running', 'running']);
    expect(first!.loaded).toBe(7);
    model.retry(first!.id);
    expect(model.items[0]).toMatchObject({ state: 'waiting', loaded: 7 });
  });

  it('keep what has come when the view is closed, and not when they are stopped', async () => {
    const { model, asked } = uploads(endless);
    model.start([large('a'), large('b')], name => name);
    model.dismiss(model.items[0]!.id);
    model.dispose();
    await settle();
    expect(asked.map(one => one.signal.reason === PAUSED)).toEqual([false, true]);
  });

  it('that broke off are gone on with when their file is chosen again', async () => {
    const { model, asked } = uploads(endless, [began(), began({ id: 'upl_2', metadata: {} })]);
    await model.look();
    expect(model.unfinished.map(one => one.id)).toEqual(['upl_1']);
    expect(model.goOn(model.unfinished[0]!, large('big.bin', 2))).toBe(false);
    expect(asked).toHaveLength(0);
    expect(model.goOn(model.unfinished[0]!, large('renamed.bin'))).toBe(true);
    await settle();
    expect(asked[0]).toMatchObject({ path: 'sub/big.bin', overwrite: false });
    expect(model.unfinished).toHaveLength(0);
  });

  it('that broke off can be given up', async () => {
    const { model, gone } = uploads(endless, [began()]);
    await model.look();
    await model.giveUp(model.unfinished[0]!);
    expect(gone).toEqual(['upl_1']);
    expect(model.unfinished).toHaveLength(0);
  });
});

describe('a name besides', () => {
  it.each([
    ['a.txt', 'a (1).txt'],
    ['a (1).txt', 'a (2).txt'],
    ['archive.tar.gz', 'archive.tar (1).gz'],
    ['README', 'README (1)'],
    ['.bashrc', '.bashrc (1)']
  ])('%s is %s', (name, expected) => {
    expect(besides(name)).toBe(expected);
  });
});
