import type { ApiClient, EntriesAsked, PageAsked } from './client';
import type { MachineClient } from './machines';
import { ApiError, sentenceOf } from './problem';
import type { Asking, Transport } from './transport';
import type {
  DeletionResults,
  EntriesPage,
  EntryView,
  FolderView,
  MachineView,
  MoveResults,
  Problem
} from './types';

/** What a tree of directories is walked with: folders of the service, and files of machines. */
export type DirectoryApi = Pick<
  ApiClient,
  'folder' | 'entries' | 'createDirectory' | 'moveFile' | 'deleteFile' | 'deleteMany' | 'moveMany'
>;

/** An entry as the notebook server tells it, which reads it over SFTP as the visitor. */
interface MachineEntry {
  name: string;
  /** From the machine's root: `/srv/shared/a.csv`. */
  path: string;
  kind: EntryView['kind'];
  size: number | null;
  modified_at: string | null;
  /** Of a link: what it leads to; null: to nothing. */
  leads_to?: EntryView['kind'] | null;
}

interface MachineDirectory {
  path: string;
  home: string;
  items: MachineEntry[];
  next: string | null;
}

/** What may be done with files where the machine lets the visitor do something. */
const ACTIONS: Record<string, readonly string[]> = {
  read_files: ['list_files', 'read_file'],
  upload: ['upload', 'create_file', 'create_directory', 'rename_file', 'delete_file'],
  download: ['download']
};

/**
 * The files of machines, as if each machine were a folder: its root is the folder's.
 *
 * Paths are written as those of folders, without the first slash.
 */
export class MachineFiles implements DirectoryApi {
  constructor(
    private readonly transport: Transport,
    private readonly machines: MachineClient
  ) {}

  async folder(id: string): Promise<FolderView> {
    return asFolder(await this.machines.machine(id));
  }

  /** Where the visitor is at home on a machine. */
  async home(id: string): Promise<string> {
    const { home } = await this.call<MachineDirectory>(id, 'entries', { query: { limit: 1 } });
    return fromRoot(home);
  }

  /** Machines tell by name alone: in any other order, all of a directory is read and sorted here. */
  async entries(id: string, path: string, asked: EntriesAsked): Promise<EntriesPage> {
    const { order = 'name', descending = false, ...page } = asked;
    if (order === 'name' && !descending) {
      return this.page(id, path, page);
    }
    const items: EntryView[] = [];
    let after: string | null = null;
    do {
      const told = await this.page(id, path, { ...page, after });
      items.push(...told.items);
      after = told.next ?? null;
    } while (after !== null);
    return { path, items: items.sort(by(order, descending)), next: null };
  }

  async createDirectory(id: string, path: string): Promise<EntryView> {
    const body = { path: onMachine(path) };
    return asEntry(await this.call(id, 'directories', { method: 'POST', body }));
  }

  async moveFile(id: string, source: string, target: string): Promise<EntryView> {
    const body = { source: onMachine(source), target: onMachine(target) };
    return asEntry(await this.call(id, 'moves', { method: 'POST', body }));
  }

  async deleteFile(id: string, path: string): Promise<null> {
    return this.remove(id, path, false);
  }

  /** One after the other: what can't go stays, and says why. */
  async deleteMany(id: string, paths: readonly string[]): Promise<DeletionResults> {
    const results = [];
    for (const path of paths) {
      results.push({ path, problem: await problemOf(this.remove(id, path, true)) });
    }
    return { results };
  }

  async moveMany(
    id: string,
    moves: readonly { source: string; target: string }[]
  ): Promise<MoveResults> {
    const results = [];
    for (const { source, target } of moves) {
      results.push({ source, problem: await problemOf(this.moveFile(id, source, target)) });
    }
    return { results };
  }

  private async page(id: string, path: string, asked: PageAsked): Promise<EntriesPage> {
    const { signal, ...page } = asked;
    const query = { ...page, path: onMachine(path) };
    const told = await this.call<MachineDirectory>(id, 'entries', { query, signal });
    return { path, items: told.items.map(asEntry), next: told.next };
  }

  private async remove(id: string, path: string, recursive: boolean): Promise<null> {
    const query = { path: onMachine(path), recursive: recursive ? 'true' : null };
    return this.call(id, 'file', { method: 'DELETE', query });
  }

  private call<T>(id: string, route: string, asking: Asking): Promise<T> {
    return this.transport.json(`${filesOn(id)}/${route}`, asking);
  }
}

/** Where the notebook server has the files of a machine. */
export function filesOn(id: string): string {
  return `machines/${id}`;
}

/** A path as machines have it, from the root. */
export function onMachine(path: string): string {
  return `/${path}`;
}

/** Directories come first, and what is equal by name. */
function by(
  order: NonNullable<EntriesAsked['order']>,
  descending: boolean
): (one: EntryView, other: EntryView) => number {
  const keys = {
    name: ({ name }: EntryView) => name.toLowerCase(),
    modified: ({ modified_at: at }: EntryView) => at,
    size: ({ size }: EntryView) => size ?? 0
  };
  const key = keys[order];
  const compared = <T>(one: T, other: T): number => (one < other ? -1 : one > other ? 1 : 0);
  const rank = ({ kind }: EntryView): number => (kind === 'directory' ? 0 : 1);
  return (one, other) =>
    rank(one) - rank(other) ||
    compared(key(one), key(other)) * (descending ? -1 : 1) ||
    compared(one.name, other.name);
}

function fromRoot(path: string): string {
  return path.replace(/^\/+/u, '');
}

function asEntry({
  name,
  path,
  kind,
  size,
  modified_at: at,
  leads_to: to
}: MachineEntry): EntryView {
  // One walks through a link to a directory as through the directory.
  const shown = kind === 'link' && to ? to : kind;
  return { name, path: fromRoot(path), kind: shown, size, modified_at: at ?? '' };
}

function asFolder(machine: MachineView): FolderView {
  const { id, name, owner, level, version, created_at: at, actions } = machine;
  return {
    ...{ id, name, label: name, owner, level, version, created_at: at },
    actions: actions.flatMap(action => ACTIONS[action] ?? []),
    relation: 'shared_with_me',
    state: 'live'
  };
}

async function problemOf(deed: Promise<unknown>): Promise<Problem | null> {
  try {
    await deed;
    return null;
  } catch (error) {
    const detail = sentenceOf(error);
    const [status, code] = error instanceof ApiError ? [error.status, error.code] : [0, 'unknown'];
    return { type: 'about:blank', title: detail, detail, status, code };
  }
}
