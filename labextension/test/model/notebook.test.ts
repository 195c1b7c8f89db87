import { notebookIn } from '../../src/model/notebook';

const notebook = (over: object): string =>
  JSON.stringify({ cells: [], metadata: {}, nbformat: 4, ...over });

describe('a notebook', () => {
  it('tells its cells, with their outputs and the language', () => {
    const output = { output_type: 'stream', name: 'stdout', text: ['4'] };
    const text = notebook({
      metadata: { language_info: { name: 'python' } },
      cells: [
        { cell_type: 'markdown', source: ['# Reef\n', 'text'] },
        { cell_type: 'code', source: '2 + 2', execution_count: 3, outputs: [output] },
        { cell_type: 'raw', source: 'as it is' }
      ]
    });
    expect(notebookIn(text)).toEqual({
      language: 'python',
      cells: [
        { kind: 'markdown', source: '# Reef\ntext', count: null, outputs: [] },
        { kind: 'code', source: '2 + 2', count: 3, outputs: [output] },
        { kind: 'raw', source: 'as it is', count: null, outputs: [] }
      ]
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no cells', '{}'],
    ['cells that are none', notebook({ cells: 7 })]
  ])('is none with %s', (_, text) => {
    expect(notebookIn(text)).toBeNull();
  });

  it('names no language that could be more than a word', () => {
    const metadata = { language_info: { name: 'py\n<b>' } };
    expect(notebookIn(notebook({ metadata }))?.language).toBe('');
  });
});
