import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { EventView, ServiceState, StreamMessage } from './types';

/** How the stream of events is. After `refused` and `absent`, trying again by itself is no use. */
export interface Connection {
  state: 'connecting' | 'live' | 'reconnecting' | 'refused' | 'absent';
  because: string | null;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/** The one stream of events of this page; it takes itself up again where it broke off. */
export class EventStream implements IDisposable {
  constructor(private readonly settings: ServerConnection.ISettings) {
    window.addEventListener('online', this.retryNow);
  }

  /** Emits each event once, in order. */
  get received(): ISignal<this, EventView> {
    return this._received;
  }

  /** Emits when the stream is live: at first, and after each gap. */
  get opened(): ISignal<this, void> {
    return this._opened;
  }

  get connectionChanged(): ISignal<this, Connection> {
    return this._connectionChanged;
  }

  get connection(): Connection {
    return this._connection;
  }

  /** The position of the newest event seen; null before the first. */
  get position(): number | null {
    return this._position;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  connect(): void {
    if (this._socket || this._isDisposed) {
      return;
    }
    const socket = new this.settings.WebSocket(this.url());
    this._socket = socket;
    socket.onmessage = message => this.take(JSON.parse(String(message.data)) as StreamMessage);
    socket.onclose = () => this.lose(socket);
  }

  /** Does not wait for the next attempt, if one is due. */
  retry(): void {
    if (this._timer !== undefined) {
      this.connectNow();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    window.removeEventListener('online', this.retryNow);
    clearTimeout(this._timer);
    this.drop();
    Signal.clearData(this);
  }

  private take(message: StreamMessage): void {
    if (message.type === 'ready') {
      // Resuming, the missed events follow: only they move the position on.
      this._position = message.reset ? message.position : (this._position ?? message.position);
      this.open();
    } else if (message.type === 'event') {
      this.deliver(message.event);
    } else {
      this.follow(message.state, message.because ?? null);
    }
  }

  private deliver(event: EventView): void {
    if (this._position !== null && event.position <= this._position) {
      return; // sent again after a gap
    }
    this._position = event.position;
    this._received.emit(event);
  }

  /** The other half of the way: between the notebook server and the service. */
  private follow(state: ServiceState, because: string | null): void {
    if (state === 'unreachable') {
      this.become('reconnecting', because);
    } else if (state !== 'ok') {
      this.become(state, because);
      this.drop();
    }
  }

  private open(): void {
    this._wait = FIRST_WAIT_MS;
    this.become('live', null);
    this._opened.emit(undefined);
  }

  private lose(socket: WebSocket): void {
    if (socket !== this._socket) {
      return;
    }
    this._socket = null;
    this.become('reconnecting', null);
    // Spread out, so that a hub that comes back is not run over by every page at once.
    const wait = this._wait * (0.75 + Math.random() / 2);
    this._timer = setTimeout(this.connectNow, wait);
    this._wait = Math.min(this._wait * 2, LONGEST_WAIT_MS);
  }

  private drop(): void {
    const socket = this._socket;
    this._socket = null;
    socket?.close();
  }

  private become(state: Connection['state'], because: string | null): void {
    if (state !== this._connection.state || because !== this._connection.because) {
      this._connection = { state, because };
      this._connectionChanged.emit(this._connection);
    }
  }

  private url(): string {
    const query = new URLSearchParams();
    if (this._position !== null) {
      query.set('after', String(this._position));
    }
    if (this.settings.appendToken && this.settings.token) {
      query.set('token', this.settings.token);
    }
    const search = query.toString();
    const address = URLExt.join(this.settings.wsUrl, 'vmshare', 'events');
    return search ? `${address}?${search}` : address;
  }

  private readonly retryNow = (): void => this.retry();

  private readonly connectNow = (): void => {
    clearTimeout(this._timer);
    this._timer = undefined;
    this.connect();
  };

  private _connection: Connection = { state: 'connecting', because: null };
  private _connectionChanged = new Signal<this, Connection>(this);
  private _isDisposed = false;
  private _opened = new Signal<this, void>(this);
  private _position: number | null = null;
  private _received = new Signal<this, EventView>(this);
  private _socket: WebSocket | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _wait = FIRST_WAIT_MS;
}
