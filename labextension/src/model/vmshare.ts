import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { ApiClient } from '../api/client';
import { FileClient } from '../api/files';
import type { DirectoryApi } from '../api/machinefiles';
import { MachineFiles } from '../api/machinefiles';
import { MachineClient } from '../api/machines';
import { NotThere, sentenceOf } from '../api/problem';
import type { Connection } from '../api/stream';
import { EventStream } from '../api/stream';
import { kindOf } from '../api/things';
import { newKey } from '../api/transport';
import type {
  Cut,
  EventView,
  FolderTrashed,
  FolderView,
  HandOverView,
  InvitationView,
  Session
} from '../api/types';
import { applyToFolders, applyToHandOvers, applyToInvitations, applyToTrash } from './application';
import { ClonesModel } from './clones';
import { LiveList } from './livelist';
import { MachinesModel } from './machines';
import { MountsModel } from './mounts';
import { QuotaModel } from './quota';
import { ShownModel } from './shown';
import type { Standing } from './standing';
import { standingOf } from './standing';
import { TerminalsModel } from './terminals';

const PAGE = 200;
const FIRST_RETRY_MS = 3000;
const LONGEST_RETRY_MS = 30_000;
// A gap shorter than this is nobody's business.
const LONG_GAP_MS = 5000;

/** What is confirmed on a page of the hub service. */
export type ConfirmVerb =
  'delete-folder' | 'delete-machine' | 'delete-drive' | 'hand-over' | 'co-own';

/** The visitor's shared world: who they are here, their lists, and what happens. */
export class VMShareModel implements IDisposable {
  constructor(readonly api: ApiClient = new ApiClient()) {
    this.files = new FileClient(api.transport);
    this.mounts = new MountsModel(api, () => this._session);
    this.quota = new QuotaModel(api);
    this.shown = new ShownModel(api);
    this.clones = new ClonesModel(api);
    const machines = new MachineClient(api.transport);
    this.machineFiles = new MachineFiles(api.transport, machines);
    this.machines = new MachinesModel(machines, () => this.me);
    this.terminals = new TerminalsModel(api.transport);
    this.stream = new EventStream(api.transport.settings);
    this.stream.received.connect(this.onEvent);
    this.stream.opened.connect(this.onOpened);
    this.stream.connectionChanged.connect(this.onConnection);
  }

  readonly files: FileClient;
  readonly machineFiles: MachineFiles;
  readonly stream: EventStream;

  readonly invitations = new LiveList<InvitationView>({
    page: (after, signal) => this.api.invitations({ after, limit: PAGE, signal }),
    apply: (items, event) => applyToInvitations(items, event, this.me)
  });

  /** What the visitor is asked to take over, and what of theirs others are asked to. */
  readonly handOvers = new LiveList<HandOverView>({
    page: (after, signal) => this.api.handOvers({ after, limit: PAGE, signal }),
    apply: (items, event) => applyToHandOvers(items, event)
  });

  readonly folders = new LiveList<FolderView>({
    page: (after, signal) => this.api.folders('live', { after, limit: PAGE, signal }),
    apply: (items, event) => applyToFolders(items, event, this.me)
  });

  readonly trash = new LiveList<FolderView>({
    page: (after, signal) => this.api.folders('trashed', { after, limit: PAGE, signal }),
    apply: applyToTrash
  });

  /** The shared folders in this page's session. */
  readonly mounts: MountsModel;

  /** What the visitor's folders hold, and may hold together. */
  readonly quota: QuotaModel;

  /** Which of the visitor's folders are mounted on machines, too. */
  readonly shown: ShownModel;

  /** The visitor's copies of folders that are under way, or that failed. */
  readonly clones: ClonesModel;

  /** What the site offers, and the visitor's machines, drives and snapshots of machines. */
  readonly machines: MachinesModel;

  /** The terminals on machines of this notebook server. */
  readonly terminals: TerminalsModel;

  /** With what the directories of a folder, or of a machine, are walked through. */
  directoriesOf(id: string): DirectoryApi {
    return kindOf(id) === 'machine' ? this.machineFiles : this.api;
  }

  /** Emits when the standing or the connection changes. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits each event once, after the lists have taken it up. */
  get happened(): ISignal<this, EventView> {
    return this._happened;
  }

  get standing(): Standing {
    return this._standing;
  }

  get session(): Session | null {
    return this._session;
  }

  get connection(): Connection {
    return this.stream.connection;
  }

  /** The connection, while it has been broken for so long that the person should know. */
  get gap(): Connection | null {
    return this._isGapLong ? this.connection : null;
  }

  /** The visitor's name; empty until the session is known. */
  get me(): string {
    return this._session?.user ?? '';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Finds out where we are; goes on trying while the service is out of reach. */
  async start(): Promise<void> {
    clearTimeout(this._retry);
    this.stand(await this.look());
    if (this._isDisposed) {
      return;
    }
    if (this._standing.kind === 'ready') {
      this._wait = FIRST_RETRY_MS;
      this.stream.connect();
      await this.reload();
    } else if (this._standing.kind === 'unreachable') {
      this._retry = setTimeout(() => void this.start(), this._wait);
      this._wait = Math.min(this._wait * 2, LONGEST_RETRY_MS);
    }
  }

  /** Asks the service again for everything shown. */
  async refresh(): Promise<void> {
    this.stream.retry();
    await (this._standing.kind === 'ready' ? this.reload() : this.start());
  }

  async createFolder(name: string, key = newKey()): Promise<FolderView> {
    const folder = await this.api.createFolder(name, key);
    await this.folders.refresh();
    return folder;
  }

  async rename(folder: FolderView, name: string): Promise<void> {
    this.folders.put(await this.api.renameFolder(folder.id, name, folder.version));
  }

  async chooseAlias(id: string, alias: string | null): Promise<void> {
    this.folders.put(await this.api.chooseAlias(id, alias));
  }

  /** Whether others may copy all of a folder for themselves. */
  async letCopy(id: string, cloneable: boolean): Promise<void> {
    this.folders.put(await this.api.changeSettings(id, { cloneable }));
  }

  /** Whether a folder is mounted directly, where levels allow that. */
  async chooseFast(folder: FolderView, fast: boolean): Promise<void> {
    try {
      this.folders.put(await this.api.chooseFast(folder.id, fast, folder.version));
    } catch (error) {
      await this.folders.refresh();
      throw error;
    }
  }

  async leave(id: string): Promise<Cut> {
    const cut = await this.api.leave(id);
    this.folders.remove(id);
    return cut;
  }

  /** Raises `MountedElsewhere` while others have it in their sessions, unless forced. */
  async moveToTrash(id: string, force = false): Promise<FolderTrashed> {
    const told = await this.api.trashFolder(id, force);
    this.folders.remove(id);
    void this.trash.refresh();
    return told;
  }

  /** Raises `NameTaken` when there is a live folder of that name. */
  async restore(id: string, name?: string): Promise<void> {
    await this.api.restoreFolder(id, name);
    this.trash.remove(id);
    void this.folders.refresh();
  }

  /** Raises `NameTaken` when the visitor already has something of that name. */
  async accept(id: string, alias?: string): Promise<void> {
    await this.api.accept(id, alias);
    this.invitations.remove(id);
    await Promise.all([this.folders.refresh(), this.machines.refresh()]);
  }

  async decline(id: string): Promise<void> {
    await this.api.decline(id);
    this.invitations.remove(id);
  }

  /** Raises `NameTaken` when the visitor has something of that kind and name. */
  async takeOver({ id, thing_kind: kind }: HandOverView, name?: string): Promise<void> {
    await (kind === 'machine' || kind === 'drive'
      ? this.machines.api.takeOver(id, kind, name)
      : this.api.takeOver(id, name));
    this.handOvers.remove(id);
    await Promise.all([this.folders.refresh(), this.machines.refresh()]);
  }

  async refuseHandOver(id: string): Promise<void> {
    await this.api.refuseHandOver(id);
    this.handOvers.remove(id);
  }

  async cancelHandOver(id: string): Promise<void> {
    await this.api.cancelHandOver(id);
    this.handOvers.remove(id);
  }

  /** The page of the service on which something dangerous is confirmed; null without a service. */
  confirmUrl(
    thingId: string,
    hubOrigin: string,
    verb: ConfirmVerb = 'delete-folder'
  ): string | null {
    return this.pageUrl(`confirm/${verb}/${thingId}`, hubOrigin);
  }

  /** A page of the service itself; null without a service. */
  pageUrl(path: string, hubOrigin: string): string | null {
    const service = this._session?.service_url;
    if (!service) {
      return null;
    }
    // Its address is as the notebook server reaches it: browsers go through the hub's proxy.
    const { pathname } = new URL(service.endsWith('/') ? service : `${service}/`, hubOrigin);
    return new URL(`${pathname}${path}`, hubOrigin).href;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._retry);
    clearTimeout(this._gapTimer);
    const { stream, invitations, handOvers, folders, trash, mounts, quota, clones, machines } =
      this;
    [stream, invitations, handOvers, folders, trash].forEach(part => part.dispose());
    [mounts, quota, clones, machines, this.shown].forEach(part => part.dispose());
    Signal.clearData(this);
  }

  private async look(): Promise<Standing> {
    try {
      this._session = await this.api.session();
      return standingOf(this._session);
    } catch (error) {
      return error instanceof NotThere
        ? { kind: 'no-extension' }
        : { kind: 'unreachable', because: sentenceOf(error) };
    }
  }

  private async reload(): Promise<void> {
    await Promise.all([
      this.invitations.refresh(),
      this.handOvers.refresh(),
      this.folders.refresh(),
      this.trash.refresh(),
      this.mounts.sessions.refresh(),
      this.quota.refresh(),
      this.clones.refresh(),
      this.machines.refresh()
    ]);
  }

  private stand(standing: Standing): void {
    this._standing = standing;
    this._changed.emit(undefined);
  }

  private readonly onEvent = (_: EventStream, event: EventView): void => {
    this.invitations.receive(event);
    this.handOvers.receive(event);
    this.folders.receive(event);
    this.trash.receive(event);
    this.mounts.sessions.receive(event);
    this.quota.receive(event);
    this.shown.receive(event);
    this.clones.receive(event);
    this.machines.receive(event);
    this._happened.emit(event);
  };

  /** What happened during a gap comes as events; what a new store forgot does not. */
  private readonly onOpened = (): void => {
    void this.reload();
  };

  private readonly onConnection = (_: EventStream, connection: Connection): void => {
    if (connection.state === 'refused') {
      this._standing = { kind: 'refused', because: connection.because };
    } else if (connection.state === 'absent') {
      this._standing = { kind: 'no-service', because: connection.because };
    }
    this.watchGap(connection.state === 'reconnecting');
    this._changed.emit(undefined);
  };

  private watchGap(isBroken: boolean): void {
    if (!isBroken) {
      clearTimeout(this._gapTimer);
      this._gapTimer = undefined;
      this._isGapLong = false;
    } else if (!this._isGapLong) {
      this._gapTimer ??= setTimeout(() => {
        this._isGapLong = true;
        this._changed.emit(undefined);
      }, LONG_GAP_MS);
    }
  }

  private _changed = new Signal<this, void>(this);
  private _gapTimer: ReturnType<typeof setTimeout> | undefined;
  private _happened = new Signal<this, EventView>(this);
  private _isDisposed = false;
  private _isGapLong = false;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _session: Session | null = null;
  private _standing: Standing = { kind: 'starting' };
  private _wait = FIRST_RETRY_MS;
}
