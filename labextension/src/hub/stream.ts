import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Connection } from '../api/stream';
import type { EventView } from '../api/types';
import type { PageSender } from './sender';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** The service sends something every eight seconds, if only a beat. */
const SILENCE_MS = 40_000;

/**
 * The service's own stream of events, for a page of the hub.
 *
 * Read by `fetch`: an `EventSource` can't say why it was refused. A page that nobody looks at holds
 * no connection, because a browser has six of them for all its tabs; looked at again, it goes on
 * where it stopped.
 */
export class PageStream implements IDisposable {
  constructor(private readonly sender: PageSender) {
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('online', this.retry);
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

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  connect(): void {
    if (!this._abort && !this._isDisposed && !document.hidden) {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._abort = new AbortController();
      void this.follow(this._abort);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('online', this.retry);
    this.drop();
    Signal.clearData(this);
  }

  private async follow(abort: AbortController): Promise<void> {
    const isRefused = await this.read(abort).catch(() => false);
    if (abort !== this._abort) {
      return; // it was dropped
    }
    this.drop();
    if (isRefused) {
      this.become('refused');
    } else {
      this.become('reconnecting');
      // Spread out, so that a hub that comes back is not run over by every page at once.
      this._timer = setTimeout(this.retry, this._wait * (0.75 + Math.random() / 2));
      this._wait = Math.min(this._wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Reads until the stream breaks off; whether the service lets nobody in. */
  private async read(abort: AbortController): Promise<boolean> {
    const url = this.sender.url('api/events/stream', { after: this._position });
    const headers = { Accept: 'text/event-stream' };
    const response = await this.sender.request(url, { headers, signal: abort.signal });
    if (response.status === 401 || response.status === 403) {
      return true;
    }
    if (!response.ok || !response.body) {
      return false;
    }
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done || abort.signal.aborted) {
        return false;
      }
      const frames = (text + decoder.decode(value, { stream: true })).split('\n\n');
      text = frames.pop() ?? '';
      frames.forEach(frame => this.take(frame));
    }
  }

  private take(frame: string): void {
    const [, name] = /^event: (.*)$/mu.exec(frame) ?? [];
    const [, data] = /^data: (.*)$/mu.exec(frame) ?? [];
    if (name === undefined || data === undefined) {
      return; // a beat
    }
    const told = JSON.parse(data) as EventView;
    if (name === 'ready' || name === 'reset') {
      this._position = name === 'reset' ? told.position : (this._position ?? told.position);
      this._wait = FIRST_WAIT_MS;
      this.become('live');
      this._opened.emit(undefined);
    } else if (this._position === null || told.position > this._position) {
      this._position = told.position;
      this._received.emit(told);
    }
  }

  private drop(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const abort = this._abort;
    this._abort = null;
    abort?.abort();
  }

  private become(state: Connection['state']): void {
    if (state !== this._connection.state) {
      this._connection = { state, because: null };
      this._connectionChanged.emit(this._connection);
    }
  }

  private readonly retry = (): void => this.connect();

  private readonly onVisibility = (): void => {
    if (document.hidden) {
      this.drop();
    } else {
      this.connect();
    }
  };

  private _abort: AbortController | null = null;
  private _connection: Connection = { state: 'connecting', because: null };
  private _connectionChanged = new Signal<this, Connection>(this);
  private _isDisposed = false;
  private _opened = new Signal<this, void>(this);
  private _position: number | null = null;
  private _received = new Signal<this, EventView>(this);
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _wait = FIRST_WAIT_MS;
}
