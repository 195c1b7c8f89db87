import { render, screen } from '@testing-library/react';

import type { EntryView } from '../../src/api/types';
import { changedBy } from '../../src/model/changedby';
import { Properties } from '../../src/views/properties';
import { FakeServer } from '../fakes/server';
import { entry, folder, happening } from '../fakes/things';

function told(): Record<string, string> {
  const terms = [...document.querySelectorAll('dt')];
  return Object.fromEntries(
    terms.map(term => [term.textContent, term.nextElementSibling?.textContent ?? ''])
  );
}

function show(entries: EntryView[], by: string | null = 'cleo'): void {
  render(<Properties folder={folder()} entries={entries} changedBy={() => Promise.resolve(by)} />);
}

describe('properties', () => {
  it('say who, when, where and how large', async () => {
    show([entry('deep/notes.txt', { size: 12_345 })]);
    expect(await screen.findByText(/^cleo, as far/)).toBeTruthy();
    expect(told()).toMatchObject({
      Name: 'notes.txt',
      Path: 'deep/notes.txt',
      Kind: 'File',
      Size: '12.1 KiB (12,345 bytes)',
      Owner: 'ana',
      'Your level': 'View'
    });
  });

  it('admit that nobody knows who', async () => {
    show([entry('notes.txt')], null);
    expect(await screen.findByText(/^Not known/)).toBeTruthy();
  });

  it('of several say how many and how much', () => {
    const directory = entry('reef', { kind: 'directory', size: null });
    show([entry('a', { size: 1000 }), entry('b', { size: 500 }), directory]);
    expect(told()).toMatchObject({
      Selected: '3 entries',
      Files: '2, together 1.5 KiB',
      Directories: '1, not counting what is in them'
    });
  });
});

describe('who changed an entry', () => {
  const change = (over: object): ReturnType<typeof happening> =>
    happening('files.changed', {
      actor: 'ben',
      data: { path: 'deep' },
      at: '2026-11-23T00:00:02.000Z',
      ...over
    });

  it.each([
    ['by a change in its directory', change({}), 'ben'],
    ['by a change of it', change({ data: { path: 'deep/a.txt' } }), 'ben'],
    ['by a change somewhere in the folder', change({ data: { path: '' } }), 'ben'],
    ['not by a change elsewhere', change({ data: { path: 'dee' } }), null],
    ['not by what changes no files', change({ type: 'folder.renamed' }), null],
    ['not by several people', change({ actor: null }), null]
  ])('is told %s', async (_, event, wanted) => {
    const asked: string[] = [];
    const server = new FakeServer().on('GET api/events', ({ query }) => {
      asked.push(query.toString());
      return { items: [event], next: null };
    });
    expect(await changedBy(server.client, 'fld_1', entry('deep/a.txt'))).toBe(wanted);
    // However long ago, and however much has happened since and elsewhere.
    const span = { since: '2026-11-22T23:59:59.000Z', until: '2026-11-23T00:00:03.000Z' };
    const all = new URLSearchParams({ thing: 'fld_1', ...span, limit: '200' });
    expect(asked).toEqual([all.toString()]);
  });
});
