import { fenced } from '../../src/lab/notebookparts';

describe('code', () => {
  it.each([
    ['without ticks', 'x = 1', '```python\nx = 1\n```'],
    ['with a fence of its own', '"""\n```\n"""', '````python\n"""\n```\n"""\n````']
  ])('%s stays within its fence', (_, code, wanted) => {
    expect(fenced(code, 'python')).toBe(wanted);
  });
});
