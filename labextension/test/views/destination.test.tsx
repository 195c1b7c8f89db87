import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { DestinationModel } from '../../src/model/destination';
import { Destination } from '../../src/views/destination';
import { FakeServer, later, refusal, settle } from '../fakes/server';
import { entry } from '../fakes/things';

const ENTRIES = 'GET api/folders/fld_1/entries';
const directory = (path: string): ReturnType<typeof entry> =>
  entry(path, { kind: 'directory', size: null });

/** Directories first, as the service lists them. */
const TREE: Record<string, ReturnType<typeof entry>[]> = {
  '': [directory('bay'), directory('maps'), directory('reef'), entry('a.txt'), entry('b.txt')],
  reef: [directory('reef/deep'), entry('reef/c.txt')],
  'reef/deep': [entry('reef/deep/d.txt')],
  bay: [],
  maps: []
};

async function asked(
  paths: string[],
  { at = '', most = 2 } = {}
): Promise<{ server: FakeServer; model: DestinationModel; moved: string[] }> {
  const server = new FakeServer().on(ENTRIES, ({ query }) => {
    const [path, after] = [query.get('path') ?? '', Number(query.get('after') ?? 0)];
    const end = after + Number(query.get('limit'));
    const all = TREE[path]!;
    return { path, items: all.slice(after, end), next: end < all.length ? String(end) : null };
  });
  const model = new DestinationModel(server.client, 'fld_1', paths, most);
  const moved: string[] = [];
  render(<Destination model={model} label="atlas" move={() => moved.push(model.path)} />);
  await act(() => model.enter(at));
  return { server, model, moved };
}

const list = (): HTMLElement => screen.getByRole('list', { name: 'Directories in here' });
const names = (): (string | null)[] =>
  within(list())
    .getAllByRole('button')
    .map(button => button.textContent);
const press = async (keys: string): Promise<void> => {
  await userEvent.keyboard(keys);
  await act(settle);
};
const focused = (): string | null => document.activeElement?.textContent ?? null;

describe('a destination', () => {
  it('is chosen with the keyboard alone', async () => {
    const { moved } = await asked(['a.txt']);
    expect(focused()).toBe('bay');
    await press('{ArrowDown}{ArrowDown}');
    expect(focused()).toBe('Show more');
    await press('{Enter}');
    expect(names()).toEqual(['bay', 'maps', 'reef']);
    expect(focused()).toBe('reef');
    await press('{Enter}');
    expect(focused()).toBe('deep');
    await press('{ArrowRight}');
    expect(screen.getByText('There is no directory in here.')).toBeTruthy();
    expect(document.activeElement).toBe(list());
    await press('{ArrowLeft}');
    expect(focused()).toBe('deep');
    await press('{Enter}{Tab}{Enter}');
    expect(moved).toEqual(['reef/deep']);
  });

  it('is left for the one above, where the focus is on what was left', async () => {
    const { model } = await asked(['a.txt'], { at: 'reef', most: 200 });
    await press('{ArrowLeft}');
    expect(model.path).toBe('');
    expect(focused()).toBe('reef');
    await press('{Home}{Backspace}');
    expect(model.path).toBe('');
  });

  it('hears the keys that are pressed before it is read', async () => {
    const { server, model } = await asked(['b.txt'], { at: 'reef' });
    const late = later<unknown>();
    server.on(ENTRIES, () => late.promise);
    await press('{Enter}');
    expect(model.path).toBe('reef/deep');
    await press('{Backspace}');
    expect(model.path).toBe('reef');
  });

  it('gets the focus back where it was', async () => {
    await asked(['a.txt'], { most: 200 });
    await press('{ArrowDown}');
    act(() => document.querySelector<HTMLElement>('.jp-VMShare-destination')!.focus());
    expect(focused()).toBe('maps');
  });

  it('is read a page at a time, and no further than its directories', async () => {
    const { server, model } = await asked(['a.txt']);
    expect(names()).toEqual(['bay', 'maps', 'Show more']);
    expect(server.calls(ENTRIES)).toHaveLength(1);
    await act(() => model.loadMore());
    expect(names()).toEqual(['bay', 'maps', 'reef']);
    await act(() => model.loadMore());
    expect(server.calls(ENTRIES)).toHaveLength(2);
  });

  it('is not where the things are', async () => {
    const { moved } = await asked(['a.txt', 'b.txt']);
    const move = (name: string): HTMLElement =>
      screen.getByRole('button', { name: `Move to "${name}"` });
    expect(screen.getByText('They are in "atlas" already.')).toBeTruthy();
    expect(move('atlas')).toHaveProperty('disabled', true);
    await userEvent.click(screen.getByRole('button', { name: 'maps' }));
    await act(settle);
    expect(move('maps')).toHaveProperty('disabled', false);
    await userEvent.click(move('maps'));
    expect(moved).toEqual(['maps']);
  });

  it('may be where some of a tree are', async () => {
    await asked(['a.txt', 'reef/c.txt']);
    expect(screen.getByRole('button', { name: 'Move to "atlas"' })).toHaveProperty(
      'disabled',
      false
    );
  });

  it('is nowhere in what is moved', async () => {
    const { model } = await asked(['reef', 'a.txt'], { most: 200 });
    const reef = screen.getByRole('button', { name: /^reef/ });
    expect(reef.getAttribute('aria-disabled')).toBe('true');
    expect(reef.textContent).toContain('is to be moved');
    await userEvent.click(reef);
    await press('{End}{ArrowRight}{Enter}');
    expect(model.path).toBe('');
  });

  it('says why it can not be looked into, and the way back stays', async () => {
    const { server, model } = await asked(['a.txt'], { at: 'reef', most: 200 });
    server.on(ENTRIES, ({ query }) =>
      query.get('path') ? refusal(404, 'not-found') : { path: '', items: TREE[''] }
    );
    await press('{ArrowRight}');
    expect(screen.getByRole('alert').textContent).toBe('It is not-found.');
    expect(screen.getByRole('button', { name: 'Move to "deep"' })).toHaveProperty('disabled', true);
    await userEvent.click(screen.getByRole('button', { name: 'atlas' }));
    await act(settle);
    expect(screen.queryByRole('alert')).toBeNull();
    expect(model.path).toBe('');
  });
});
