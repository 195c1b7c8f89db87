/** A cell of a notebook, as far as it is looked at. */
export interface Cell {
  kind: 'markdown' | 'code' | 'raw';
  source: string;
  /** How often the kernel had run something by then; null: not run. */
  count: number | null;
  /** As nbformat 4 has them. */
  outputs: readonly Record<string, unknown>[];
}

/** A notebook, as far as it is looked at. */
export interface Notebook {
  cells: readonly Cell[];
  /** In which its code is. */
  language: string;
}

/** What a notebook's file says; null where it is none of nbformat 4. */
export function notebookIn(text: string): Notebook | null {
  const told = parsed(text);
  const cells = told?.cells;
  if (!told || !Array.isArray(cells)) {
    return null;
  }
  return { cells: cells.filter(isObject).map(cellOf), language: languageOf(told) };
}

function cellOf(told: Record<string, unknown>): Cell {
  const { cell_type: kind, execution_count: count, outputs } = told;
  return {
    kind: kind === 'markdown' || kind === 'code' ? kind : 'raw',
    source: textOf(told.source),
    count: typeof count === 'number' ? count : null,
    outputs: Array.isArray(outputs) ? outputs.filter(isObject) : []
  };
}

/** Texts are kept whole, or as lines. */
function textOf(told: unknown): string {
  const lines: unknown[] = Array.isArray(told) ? told : [told];
  return lines.filter(line => typeof line === 'string').join('');
}

function languageOf({ metadata }: Record<string, unknown>): string {
  const info = isObject(metadata) ? metadata.language_info : null;
  const name = isObject(info) ? info.name : null;
  return typeof name === 'string' && /^[\w+#-]+$/u.test(name) ? name : '';
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const told: unknown = JSON.parse(text);
    return isObject(told) ? told : null;
  } catch {
    return null;
  }
}

function isObject(told: unknown): told is Record<string, unknown> {
  return typeof told === 'object' && told !== null && !Array.isArray(told);
}
