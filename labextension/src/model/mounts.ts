import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { ApiClient } from '../api/client';
import type { EventView, MountView, Session, SessionView } from '../api/types';
import type { Applied } from './application';
import { detail } from './application';
import { LiveList } from './livelist';

/** What happened to one folder in this session; null where it was, or is, not mounted. */
export interface MountChange {
  folderId: string;
  before: MountView | null;
  after: MountView | null;
}

/** A path of the file browser that lies in a shared folder. */
export interface Place {
  mount: MountView;
  /** The path in the folder; empty: the folder itself. */
  path: string;
}

/** The shared folders in the session that this page belongs to. */
export class MountsModel implements IDisposable {
  constructor(
    private readonly api: ApiClient,
    private readonly here: () => Session | null
  ) {
    this.sessions.changed.connect(this.onSessions);
  }

  readonly sessions = new LiveList<SessionView>({
    page: (_, signal) => this.api.sessions(signal),
    apply: applyToSessions
  });

  /** Emits when anything about mounts may be different. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits once for each folder that came, went, or is there differently. */
  get moved(): ISignal<this, MountChange> {
    return this._moved;
  }

  get isLoaded(): boolean {
    return this.sessions.isLoaded;
  }

  /** The session of this page; null when the service knows none (yet). */
  get session(): SessionView | null {
    const name = this.here()?.server_name ?? '';
    return this.sessions.items.find(({ server_name }) => server_name === name) ?? null;
  }

  /** Whether folders can be mounted in this session: on its node, and as it was started. */
  get areAvailable(): boolean {
    return (this.session?.mounts_available ?? false) && this.here()?.shared_path !== null;
  }

  /** Why they can't, or why the file browser does not show them; null when all is well. */
  get because(): string | null {
    const { session } = this;
    const started = this.here()?.mounts_because ?? null;
    if (session && !session.mounts_available) {
      return session.because ?? started;
    }
    return session || this.isLoaded ? started : null;
  }

  /** How a folder is in this session; null when it is not. */
  of(folderId: string): MountView | null {
    return this.session?.mounts.find(mount => mount.folder_id === folderId) ?? null;
  }

  /** Where shared folders are, as the file browser spells it; null when it does not show them. */
  get root(): string | null {
    return this.areAvailable ? (this.here()?.shared_dir ?? null) : null;
  }

  /** A mounted folder's path in the file browser; null where there is none. */
  path(folderId: string): string | null {
    const mount = this.of(folderId);
    return this.root !== null && mount?.state === 'mounted' ? `${this.root}/${mount.name}` : null;
  }

  /** The same for programs of this session: absolute. */
  absolutePath(folderId: string): string | null {
    const mount = this.of(folderId);
    const directory = this.here()?.shared_path;
    return directory && mount?.state === 'mounted' ? `${directory}/${mount.name}` : null;
  }

  /** The shared folder in which a path of the file browser lies; null outside of all. */
  at(path: string): Place | null {
    const { root } = this;
    if (root === null || !path.startsWith(`${root}/`)) {
      return null;
    }
    const [name, ...rest] = path.slice(root.length + 1).split('/');
    const mount = this.session?.mounts.find(each => each.name === name);
    return mount ? { mount, path: rest.join('/') } : null;
  }

  /** Has a folder in the visitor's sessions. */
  async mount(folderId: string): Promise<void> {
    await this.api.mount(folderId);
    await this.sessions.refresh();
  }

  /** Has it in none of them; what is open in it is cut. */
  async unmount(folderId: string): Promise<void> {
    await this.api.unmount(folderId);
    await this.sessions.refresh();
  }

  get isDisposed(): boolean {
    return this.sessions.isDisposed;
  }

  dispose(): void {
    this.sessions.dispose();
    Signal.clearData(this);
  }

  private readonly onSessions = (): void => {
    const now = new Map((this.session?.mounts ?? []).map(mount => [mount.folder_id, mount]));
    const before = this._known;
    this._known = now;
    for (const folderId of new Set([...before.keys(), ...now.keys()])) {
      const change = {
        folderId,
        before: before.get(folderId) ?? null,
        after: now.get(folderId) ?? null
      };
      if (JSON.stringify(change.before) !== JSON.stringify(change.after)) {
        this._moved.emit(change);
      }
    }
    this._changed.emit(undefined);
  };

  private _changed = new Signal<this, void>(this);
  private _known = new Map<string, MountView>();
  private _moved = new Signal<this, MountChange>(this);
}

/** The visitor's sessions after an event. Applying one twice changes nothing. */
export function applyToSessions(
  items: readonly SessionView[],
  event: EventView
): Applied<SessionView> {
  if (!event.type.startsWith('mount.') && !event.type.startsWith('session.')) {
    return { items, stale: false };
  }
  const ended = event.type === 'session.ended' ? detail(event, 'session_id') : null;
  return { items: items.filter(({ id }) => id !== ended), stale: true };
}
