import type { FileClient, UploadAsked } from '../../src/api/files';
import { Aborted, Conflict, Unreachable } from '../../src/api/problem';
import { besides, UploadsModel } from '../../src/model/uploads';
import { settle } from '../fakes/server';
import { entry } from '../fakes/things';

function uploads(answer: (asked: UploadAsked) => Promise<unknown>): {
  model: UploadsModel;
  asked: UploadAsked[];
} {
  const asked: UploadAsked[] = [];
  const files = {
    upload: (one: UploadAsked) => {
      asked.push(one);
      return answer(one);
    }
  } as unknown as FileClient;
  return { model: new UploadsModel(files, 'fld_1'), asked };
}

const file = (name: string): File => new File(['x'], name);
const stored = (one: UploadAsked): Promise<unknown> => Promise.resolve(entry(one.path));
const taken = (one: UploadAsked): Promise<unknown> =>
  one.overwrite || one.path !== 'sub/a.txt'
    ? stored(one)
    : Promise.reject(new Conflict('It is there.', 409, 'conflict'));

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
