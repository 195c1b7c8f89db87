import type { Asking } from './transport';
import { placeOf } from './things';
import { Transport } from './transport';
import type {
  ClonesPage,
  CloneView,
  Cut,
  DeletionResults,
  EntriesPage,
  EntryView,
  EventsPage,
  FolderFast,
  FolderSettings,
  FoldersPage,
  FolderTrashed,
  FolderView,
  GrantAt,
  GrantChange,
  GrantChanged,
  GrantResults,
  GrantView,
  HandOversPage,
  HoldersPage,
  InvitationsPage,
  ManyResults,
  MountChoice,
  MoveResults,
  NewGrant,
  PeopleOfThing,
  PeoplePage,
  QuotaView,
  Restoring,
  Session,
  SessionsPage,
  SharesPage,
  ShowingsPage,
  ShowingView,
  SnapshotPolicyAsked,
  SnapshotPolicyView,
  SnapshotsPage,
  SnapshotView,
  Standing,
  StoppedPage,
  TeamsList,
  Why
} from './types';

/** Where a page of a list begins, and what is looked for. */
export interface PageAsked {
  q?: string;
  after?: string | null;
  limit?: number;
  signal?: AbortSignal | undefined;
}

/** Which page of a directory is wanted, and in which order. */
export interface EntriesAsked extends PageAsked {
  order?: 'name' | 'modified' | 'size';
  descending?: boolean;
}

/** Every request of the HTTP contract that the panel makes; one method a route. */
export class ApiClient {
  constructor(readonly transport: Transport = new Transport()) {}

  session(signal?: AbortSignal): Promise<Session> {
    return this.transport.json('session', { signal });
  }

  people(page: PageAsked): Promise<PeoplePage> {
    return this.read('people', page);
  }

  /** The visitor's teams, which a folder can be shared with. */
  teams(signal?: AbortSignal): Promise<TeamsList> {
    return this.call('teams', { signal });
  }

  /** Why the visitor may, or may not, do something with a thing. */
  why(action: string, thing: string, signal?: AbortSignal): Promise<Why> {
    return this.call('why', { query: { action, thing }, signal });
  }

  /** The same about somebody else. */
  whyOf(person: string, action: string, thing: string, signal?: AbortSignal): Promise<Why> {
    const path = `people/${encodeURIComponent(person)}/why`;
    return this.call(path, { query: { action, thing }, signal });
  }

  folders(state: 'live' | 'trashed', page: PageAsked): Promise<FoldersPage> {
    return this.read('folders', page, { state });
  }

  folder(id: string, signal?: AbortSignal): Promise<FolderView> {
    return this.call(`folders/${id}`, { signal });
  }

  createFolder(name: string, key: string): Promise<FolderView> {
    return this.call('folders', { method: 'POST', body: { name }, key });
  }

  renameFolder(id: string, name: string, version: number): Promise<FolderView> {
    return this.call(`folders/${id}`, { method: 'PATCH', body: { name }, version });
  }

  chooseAlias(id: string, alias: string | null): Promise<FolderView> {
    return this.call(`folders/${id}/alias`, { method: 'PUT', body: { alias } });
  }

  /** Refused as `MountedElsewhere` while others have it in their sessions, unless forced. */
  trashFolder(id: string, force = false): Promise<FolderTrashed> {
    const body = force ? { body: { force } } : {};
    return this.call(`folders/${id}/trash`, { method: 'POST', ...body });
  }

  restoreFolder(id: string, name?: string): Promise<FolderView> {
    const body = name === undefined ? {} : { body: { name } };
    return this.call(`folders/${id}/restore`, { method: 'POST', ...body });
  }

  /** Gives up a folder, a machine or a drive of somebody else's. */
  leave(id: string): Promise<Cut> {
    return this.call(`${placeOf(id)}/leave`, { method: 'POST' });
  }

  /** What of a thing happened in a span of time and was told to the visitor, newest first. */
  eventsOf(thing: string, since: Date, until: Date): Promise<EventsPage> {
    const span = { since: since.toISOString(), until: until.toISOString() };
    return this.call('events', { query: { thing, ...span, limit: 200 } });
  }

  /** The visitor's running sessions, and which folders are in them. */
  sessions(signal?: AbortSignal): Promise<SessionsPage> {
    return this.call('sessions', { signal });
  }

  /** Has a folder in the visitor's sessions. */
  mount(id: string): Promise<MountChoice> {
    return this.call(`folders/${id}/mount`, { method: 'PUT' });
  }

  /** Has it in none of them. */
  unmount(id: string): Promise<MountChoice> {
    return this.call(`folders/${id}/mount`, { method: 'DELETE' });
  }

  /** Has it mounted directly where levels allow that, or not. */
  chooseFast(id: string, fast: boolean, version: number): Promise<FolderFast> {
    return this.call(`folders/${id}/fast`, { method: 'PUT', body: { fast }, version });
  }

  /** The sessions that hold something of a folder which was taken from them. */
  holders(id: string, signal?: AbortSignal): Promise<HoldersPage> {
    return this.call(`folders/${id}/holders`, { signal });
  }

  stopHolders(id: string, sessions: string[]): Promise<StoppedPage> {
    return this.call(`folders/${id}/holders/stop`, { method: 'POST', body: { sessions } });
  }

  /** The visitor's folders that are mounted on machines, too. */
  shownFolders(): Promise<ShowingsPage> {
    return this.call('shown-folders');
  }

  /** How they stand there, as this notebook server has it. */
  shownHere(): Promise<{ shown: Standing[] }> {
    return this.transport.json('shown');
  }

  /** Who else could read a folder on a machine. */
  showing(id: string, machine: string): Promise<ShowingView> {
    return this.call(`folders/${id}/machines/${machine}`);
  }

  /** Has it there, by somebody who has read who else can read it. */
  show(id: string, machine: string): Promise<ShowingView> {
    const body = { acknowledged: true };
    return this.call(`folders/${id}/machines/${machine}`, { method: 'PUT', body });
  }

  hide(id: string, machine: string): Promise<null> {
    return this.call(`folders/${id}/machines/${machine}`, { method: 'DELETE' });
  }

  /** Who has a folder, a machine or a drive. */
  peopleOf(id: string, signal?: AbortSignal): Promise<PeopleOfThing> {
    return this.call(`${placeOf(id)}/people`, { signal });
  }

  /** Users and managers of machines are invited by `MachineClient.invite`. */
  invite(id: string, grants: NewGrant[], key: string): Promise<GrantResults> {
    return this.call(`${placeOf(id)}/grants`, { method: 'POST', body: { grants }, key });
  }

  stopSharing(id: string): Promise<Cut> {
    return this.call(`${placeOf(id)}/grants`, { method: 'DELETE' });
  }

  changeGrant(id: string, change: GrantChange, version: number): Promise<GrantChanged> {
    return this.call(`grants/${id}`, { method: 'PATCH', body: change, version });
  }

  endGrant(id: string): Promise<Cut> {
    return this.call(`grants/${id}`, { method: 'DELETE' });
  }

  invitations(page: PageAsked): Promise<InvitationsPage> {
    return this.read('invitations', page);
  }

  accept(id: string, alias?: string): Promise<GrantView> {
    const body = alias === undefined ? {} : { body: { alias } };
    return this.call(`invitations/${id}/accept`, { method: 'POST', ...body, repeatable: true });
  }

  decline(id: string): Promise<GrantView> {
    return this.call(`invitations/${id}/decline`, { method: 'POST', repeatable: true });
  }

  /** What the visitor is asked to take over, and what of theirs others are asked to. */
  handOvers(page: PageAsked): Promise<HandOversPage> {
    return this.read('hand-overs', page);
  }

  takeOver(id: string, name?: string): Promise<FolderView> {
    const body = name === undefined ? {} : { body: { name } };
    return this.call(`hand-overs/${id}/accept`, { method: 'POST', ...body, repeatable: true });
  }

  refuseHandOver(id: string): Promise<void> {
    return this.call(`hand-overs/${id}/decline`, { method: 'POST', repeatable: true });
  }

  cancelHandOver(id: string): Promise<void> {
    return this.call(`hand-overs/${id}`, { method: 'DELETE' });
  }

  entries(
    folder: string,
    path: string,
    { order = 'name', descending = false, ...page }: EntriesAsked
  ): Promise<EntriesPage> {
    const how = { order, descending: String(descending) };
    return this.read(`folders/${folder}/entries`, page, { path, ...how });
  }

  entry(folder: string, path: string, signal?: AbortSignal): Promise<EntryView> {
    return this.call(`folders/${folder}/entry`, { query: { path }, signal });
  }

  createDirectory(folder: string, path: string, key: string): Promise<EntryView> {
    return this.call(`folders/${folder}/directories`, { method: 'POST', body: { path }, key });
  }

  moveFile(folder: string, source: string, target: string): Promise<EntryView> {
    return this.call(`folders/${folder}/moves`, { method: 'POST', body: { source, target } });
  }

  deleteFile(folder: string, path: string): Promise<null> {
    return this.call(`folders/${folder}/file`, { method: 'DELETE', query: { path } });
  }

  /** Directories go with all that is in them. */
  deleteMany(folder: string, paths: readonly string[]): Promise<DeletionResults> {
    const body = { paths, recursive: true };
    return this.call(`folders/${folder}/deletions`, { method: 'POST', body });
  }

  moveMany(
    folder: string,
    moves: readonly { source: string; target: string }[]
  ): Promise<MoveResults> {
    return this.call(`folders/${folder}/relocations`, { method: 'POST', body: { moves } });
  }

  /** What the visitor's folders hold, and may hold together. */
  quota(): Promise<QuotaView> {
    return this.call('me/quota');
  }

  /** Says what others may do with a folder, beside their levels. */
  changeSettings(folder: string, settings: FolderSettings): Promise<FolderView> {
    return this.call(`folders/${folder}/settings`, { method: 'PATCH', body: settings });
  }

  /** The visitor's copies, under way and ended. */
  clones(page: PageAsked): Promise<ClonesPage> {
    return this.read('clones', page);
  }

  /** Has a copy made; it is a folder once it is whole. */
  clone(folder: string, name: string, key: string): Promise<CloneView> {
    return this.call(`folders/${folder}/clones`, { method: 'POST', body: { name }, key });
  }

  /** Gives a copy up that is under way, or forgets one that has ended. */
  forgetClone(id: string): Promise<void> {
    return this.call(`clones/${id}`, { method: 'DELETE' });
  }

  snapshots(folder: string, page: PageAsked): Promise<SnapshotsPage> {
    return this.read(`folders/${folder}/snapshots`, page);
  }

  /** Has a snapshot made; it can be read once it is whole. */
  takeSnapshot(folder: string, key: string): Promise<SnapshotView> {
    return this.call(`folders/${folder}/snapshots`, { method: 'POST', key });
  }

  deleteSnapshot(folder: string, id: string): Promise<void> {
    return this.call(`folders/${folder}/snapshots/${id}`, { method: 'DELETE' });
  }

  snapshotPolicy(folder: string): Promise<SnapshotPolicyView> {
    return this.call(`folders/${folder}/snapshot-policy`);
  }

  setSnapshotPolicy(folder: string, asked: SnapshotPolicyAsked): Promise<SnapshotPolicyView> {
    return this.call(`folders/${folder}/snapshot-policy`, { method: 'PUT', body: asked });
  }

  snapshotEntries(folder: string, id: string, path: string, page: PageAsked): Promise<EntriesPage> {
    return this.read(`folders/${folder}/snapshots/${id}/entries`, page, { path });
  }

  /** Takes one file of a snapshot back into the folder. */
  restoreFile(folder: string, id: string, asked: Restoring): Promise<EntryView> {
    const path = `folders/${folder}/snapshots/${id}/restore`;
    return this.call(path, { method: 'POST', body: asked });
  }

  /** What the visitor shares, or what is shared with them; newest first. */
  shares(side: 'given' | 'received', page: PageAsked): Promise<SharesPage> {
    return this.read(`shares/${side}`, page);
  }

  /** Changes many grants in the same way; each has a result of its own. */
  changeMany(
    grants: readonly GrantAt[],
    change: { level?: string; ends_at?: string | null }
  ): Promise<ManyResults> {
    return this.call('grants/change', { method: 'POST', body: { grants, ...change } });
  }

  /** Takes many grants away; what is not answered yet is cancelled. */
  revokeMany(grants: readonly string[]): Promise<ManyResults> {
    return this.call('grants/revoke', { method: 'POST', body: { grants }, repeatable: true });
  }

  private call<T>(path: string, asking: Asking = {}): Promise<T> {
    return this.transport.json(`api/${path}`, asking);
  }

  private read<T>(
    path: string,
    { q, after, limit, signal }: PageAsked,
    more: Record<string, string> = {}
  ): Promise<T> {
    return this.call(path, { query: { ...more, q, after, limit }, signal });
  }
}
