import { ServerConnection } from '@jupyterlab/services';

import { ApiClient } from '../../src/api/client';
import { Transport } from '../../src/api/transport';
import type { Problem, StreamMessage } from '../../src/api/types';

/** A request as the notebook server got it. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: unknown;
}

type Answer = unknown;
type Handler = (asked: Asked) => Answer;

/** A notebook server that speaks the panel's protocol: scripted answers, and a WebSocket. */
export class FakeServer {
  readonly asked: Asked[] = [];
  readonly sockets: FakeSocket[] = [];
  private readonly handlers = new Map<string, Handler>();

  /** How `method path` is answered from now on. A thrown error is a broken network. */
  on(route: string, handler: Handler): this {
    this.handlers.set(route, handler);
    return this;
  }

  get settings(): ServerConnection.ISettings {
    const sockets = this.sockets;
    return ServerConnection.makeSettings({
      baseUrl: 'http://hub/user/ben/',
      wsUrl: 'ws://hub/user/ben/',
      token: '',
      appendToken: false,
      fetch: (input: RequestInfo) => this.answer(input as Request),
      Request,
      Headers,
      WebSocket: class extends FakeSocket {
        constructor(url: string) {
          super(url);
          sockets.push(this);
        }
      } as unknown as typeof WebSocket
    });
  }

  get client(): ApiClient {
    return new ApiClient(new Transport(this.settings, () => Promise.resolve()));
  }

  /** What was asked of a route. */
  calls(route: string): Asked[] {
    return this.asked.filter(({ method, path }) => `${method} ${path}` === route);
  }

  private async answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace('/user/ben/vmshare/', '');
    const text = await request.text();
    const asked: Asked = {
      method: request.method,
      path,
      query: url.searchParams,
      headers: request.headers,
      body: text ? (JSON.parse(text) as unknown) : null
    };
    this.asked.push(asked);
    const handler = this.handlers.get(`${request.method} ${path}`);
    const told = handler ? await handler(asked) : refusal(404, 'not-found');
    request.signal.throwIfAborted();
    return told instanceof Response ? told : json(200, told);
  }
}

export function json(status: number, body: unknown): Response {
  const headers = { 'Content-Type': 'application/json' };
  return new Response(JSON.stringify(body), { status, headers });
}

export function refusal(status: number, code: string, over: Partial<Problem> = {}): Response {
  const body = {
    type: `urn:${code}`,
    title: code,
    status,
    code,
    detail: `It is ${code}.`,
    ...over
  };
  return json(status, body);
}

export class FakeSocket {
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  isClosed = false;

  constructor(readonly url: string) {}

  say(message: StreamMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The network breaks, or the server closes. */
  breakOff(): void {
    this.isClosed = true;
    this.onclose?.();
  }

  close(): void {
    this.isClosed = true;
    this.onclose?.();
  }
}

/** An answer that comes when the test says so. */
export function later<T>(): { promise: Promise<T>; arrive: (value: T) => void } {
  let arrive: (value: T) => void = () => undefined;
  const promise = new Promise<T>(resolve => {
    arrive = resolve;
  });
  return { promise, arrive };
}

/** Lets everything that is ready happen. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await new Promise(resolve => {
      setTimeout(resolve);
    });
  }
}
