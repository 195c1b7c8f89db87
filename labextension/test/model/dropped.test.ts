import { chosen, dropped } from '../../src/model/dropped';

interface Tree {
  [name: string]: Tree | string;
}

/** Entries as browsers hand them out: two at a time, and then none. */
function entryOf(name: string, content: Tree | string): FileSystemEntry {
  if (typeof content === 'string') {
    const file = new File([content], name);
    const told = { isFile: true, name, file: (take: (file: File) => void) => take(file) };
    return told as unknown as FileSystemEntry;
  }
  const createReader = (): unknown => {
    const left = Object.entries(content).map(([child, inside]) => entryOf(child, inside));
    return {
      readEntries: (take: (some: FileSystemEntry[]) => void) => take(left.splice(0, 2))
    };
  };
  return { isFile: false, name, createReader } as unknown as FileSystemEntry;
}

function transferOf(tree: Tree): DataTransfer {
  const items = Object.entries(tree).map(([name, content]) => ({
    webkitGetAsEntry: () => entryOf(name, content)
  }));
  return { items, files: [] } as unknown as DataTransfer;
}

describe('what was dropped', () => {
  it('is every file with its place, and every empty directory', async () => {
    const survey = { a: '1', b: '2', c: '3', deep: { d: '4', hollow: {} } };
    const found = await dropped(transferOf({ survey, 'notes.txt': '5' }));
    expect(found.files.map(({ path }) => path)).toEqual([
      ...['survey/a', 'survey/b', 'survey/c', 'survey/deep/d', 'notes.txt']
    ]);
    expect(found.directories).toEqual(['survey/deep/hollow']);
  });

  it('is the files alone where a browser tells no more', async () => {
    const file = new File(['x'], 'a.txt');
    const transfer = { items: [{ webkitGetAsEntry: () => null }], files: [file] };
    const found = await dropped(transfer as unknown as DataTransfer);
    expect(found.files).toEqual([{ file, path: 'a.txt' }]);
  });
});

describe('a directory that was chosen', () => {
  it('tells where each file lies', () => {
    const file = new File(['x'], 'a.txt');
    Object.defineProperty(file, 'webkitRelativePath', { value: 'survey/deep/a.txt' });
    expect(chosen([file]).files.map(({ path }) => path)).toEqual(['survey/deep/a.txt']);
  });
});
