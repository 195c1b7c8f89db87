/** What is shared. */
export type ThingKind = 'folder' | 'machine' | 'drive';

const KINDS: Record<string, ThingKind> = { fld: 'folder', mch: 'machine', drv: 'drive' };

/** What a thing is, as the first letters of its id say. */
export function kindOf(id: string): ThingKind {
  return KINDS[id.slice(0, 3)] ?? 'folder';
}

/** Where the contract has a thing. */
export function placeOf(id: string): string {
  return `${kindOf(id)}s/${id}`;
}
