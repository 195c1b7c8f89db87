import { fileIcon } from '@jupyterlab/ui-components';
import { act, createEvent, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { DirectoryModel } from '../../src/model/directory';
import { ListingModel } from '../../src/model/listing';
import { useDragging } from '../../src/views/dragging';
import type { EntryDeeds } from '../../src/views/entries';
import { Entries } from '../../src/views/entries';
import { FakeServer, settle } from '../fakes/server';
import { sorted } from '../fakes/sorting';
import { ACTIONS, entry, folder } from '../fakes/things';

const directory = (path: string): ReturnType<typeof entry> =>
  entry(path, { kind: 'directory', size: null });

const TREE: Record<string, ReturnType<typeof entry>[]> = {
  '': [directory('reef'), entry('alga.txt', { size: 3 }), entry('bay.txt', { size: 9 })],
  reef: [entry('reef/coral.txt')]
};

async function explorer(
  level: 'view' | 'edit_delete' = 'edit_delete'
): Promise<{ listing: ListingModel; told: string[] }> {
  const server = new FakeServer()
    .on('GET api/folders/fld_1', () => folder({ level, actions: ACTIONS[level] }))
    .on('GET api/folders/fld_1/entries', asked => {
      const path = asked.query.get('path') ?? '';
      return { path, items: sorted(TREE[path] ?? [], asked.query), next: null };
    });
  const model = new DirectoryModel(server.client, 'fld_1', () => 'ben');
  const listing = new ListingModel(server.client, model);
  const told: string[] = [];
  const tell =
    (verb: string) =>
    (...said: unknown[]): void =>
      void told.push([verb, ...said].join(' '));
  const deeds = {
    open: entry => told.push(`open ${entry.path}`),
    moveTo: tell('move'),
    iconOf: () => fileIcon
  } as Partial<EntryDeeds> as EntryDeeds;
  await model.open();
  const Explorer = (): React.JSX.Element => (
    <Entries listing={listing} deeds={deeds} dragging={useDragging(model, deeds.moveTo)} />
  );
  render(<Explorer />);
  return { listing, told };
}

const row = (name: string): HTMLElement => screen.getByRole('row', { name: new RegExp(name) });
const names = (): string[] =>
  screen
    .getAllByRole('row')
    .slice(1)
    .map(each => each.getAttribute('data-path') ?? '');

describe('the heads of columns', () => {
  it('sort, and say how', async () => {
    await explorer();
    const head = (name: string): HTMLElement => screen.getByRole('columnheader', { name });
    expect(head('Name').getAttribute('aria-sort')).toBe('ascending');
    await userEvent.click(within(head('Size')).getByRole('button'));
    await act(settle);
    expect(names()).toEqual(['reef', 'bay.txt', 'alga.txt']);
    expect(head('Size').getAttribute('aria-sort')).toBe('descending');
    expect(head('Name').hasAttribute('aria-sort')).toBe(false);
    await userEvent.click(within(head('Size')).getByRole('button'));
    await act(settle);
    expect(names()).toEqual(['reef', 'alga.txt', 'bay.txt']);
  });

  it('begin at the top again', async () => {
    await explorer();
    const body = row('reef').parentElement!;
    body.scrollTop = 99;
    await userEvent.click(screen.getByRole('button', { name: 'Size' }));
    await act(settle);
    expect(body.scrollTop).toBe(0);
  });
});

describe('a tree', () => {
  it('is walked with the arrow keys', async () => {
    const { listing } = await explorer();
    act(() => listing.showAsTree(true));
    expect(screen.getByRole('treegrid', { name: 'Files' })).toBeTruthy();
    expect(row('reef').getAttribute('aria-expanded')).toBe('false');
    act(() => row('reef').focus());
    await userEvent.keyboard('{ArrowRight}');
    await act(settle);
    expect(row('reef').getAttribute('aria-expanded')).toBe('true');
    expect(row('coral').getAttribute('aria-level')).toBe('2');
    await userEvent.keyboard('{ArrowRight}');
    expect(document.activeElement).toBe(row('coral'));
    await userEvent.keyboard('{ArrowLeft}');
    expect(document.activeElement).toBe(row('reef'));
    await userEvent.keyboard('{ArrowLeft}');
    expect(row('reef').getAttribute('aria-expanded')).toBe('false');
    expect(names()).toEqual(['reef', 'alga.txt', 'bay.txt']);
  });
});

describe('the keyboard', () => {
  it('goes to the next name that begins with a letter', async () => {
    await explorer();
    act(() => row('reef').focus());
    await userEvent.keyboard('b');
    expect(document.activeElement).toBe(row('bay'));
    await userEvent.keyboard('R');
    expect(document.activeElement).toBe(row('reef'));
    await userEvent.keyboard('x');
    expect(document.activeElement).toBe(row('reef'));
  });
});

describe('the menu of a row', () => {
  it('is about the row, or about all that is selected with it', async () => {
    const { listing } = await explorer();
    const { selection } = listing.directory;
    act(() => selection.set(['alga.txt', 'bay.txt']));
    fireEvent.contextMenu(row('bay'));
    expect(selection.paths).toEqual(['alga.txt', 'bay.txt']);
    fireEvent.contextMenu(row('reef'));
    expect(selection.paths).toEqual(['reef']);
  });
});

describe('a drag', () => {
  function drag(from: HTMLElement, to: HTMLElement): boolean {
    const data = new Map<string, string>();
    const dataTransfer = {
      setData: (type: string, value: string) => data.set(type, value),
      getData: (type: string) => data.get(type) ?? '',
      get types() {
        return [...data.keys()];
      }
    };
    fireEvent.dragStart(from, { dataTransfer });
    const over = createEvent.dragOver(to, { dataTransfer });
    fireEvent(to, over);
    fireEvent.drop(to, { dataTransfer });
    return over.defaultPrevented;
  }

  it('moves a row, or all that is selected with it, into a directory', async () => {
    const { listing, told } = await explorer();
    drag(row('alga'), row('reef'));
    act(() => listing.directory.selection.set(['alga.txt', 'bay.txt']));
    drag(row('bay'), row('reef'));
    expect(told).toEqual(['move alga.txt reef', 'move alga.txt,bay.txt reef']);
  });

  it.each([
    ['onto a file', 'alga', 'bay'],
    ['into itself', 'reef', 'reef']
  ])('%s moves nothing', async (_, from, to) => {
    const { told } = await explorer();
    drag(row(from), row(to));
    expect(told).toEqual([]);
  });

  it('is none where nothing may be renamed', async () => {
    const { told } = await explorer('view');
    expect(row('alga').draggable).toBe(false);
    expect(drag(row('alga'), row('reef'))).toBe(false);
    expect(told).toEqual([]);
  });
});
