import type { EventView } from '../../src/api/types';
import { PageSender } from '../../src/hub/sender';
import { PageStream } from '../../src/hub/stream';
import { settle } from '../fakes/server';

/** The service's side of a stream that a page reads. */
interface Line {
  url: string;
  headers: Record<string, string>;
  say: (text: string) => void;
  close: () => void;
}

let lines: Line[] = [];
let status = 200;
let stream: PageStream;
let received: EventView[] = [];

function frame(name: string, position: number, type = name): string {
  const told = { position, type, at: '2026-11-26T10:00:00.000Z', actor: 'ana', data: {} };
  return `id: ${position}\nevent: ${name}\ndata: ${JSON.stringify(told)}\n\n`;
}

function look(isHidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  lines = [];
  status = 200;
  received = [];
  document.cookie = '_xsrf=a|b';
  globalThis.fetch = ((url: string, init: RequestInit) => {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        lines.push({
          url,
          headers: init.headers as Record<string, string>,
          say: text => controller.enqueue(encoder.encode(text)),
          close: () => controller.close()
        });
        init.signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
      }
    });
    return Promise.resolve({ status, ok: status === 200, body } as Response);
  }) as typeof fetch;
  stream = new PageStream(new PageSender('/services/vmshare/'));
  stream.received.connect((_, event) => received.push(event));
});

afterEach(() => {
  stream.dispose();
  look(false);
  jest.useRealTimers();
});

describe('the stream of a page', () => {
  it('reads events, however they are cut up, with the token of the page', async () => {
    stream.connect();
    await settle();
    expect(lines[0]?.url).toBe('/services/vmshare/api/events/stream');
    expect(lines[0]?.headers['X-XSRFToken']).toBe('a|b');
    const text = `${frame('ready', 4)}: beat\n\n${frame('project.joined', 5)}`;
    for (const letter of text) {
      lines[0]?.say(letter);
    }
    await settle();
    expect(stream.connection.state).toBe('live');
    expect(received.map(event => [event.type, event.position])).toEqual([['project.joined', 5]]);
  });

  it('goes on after the newest event, and tells none twice', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    stream.connect();
    await jest.advanceTimersByTimeAsync(0);
    lines[0]?.say(frame('ready', 4) + frame('project.joined', 5));
    await jest.advanceTimersByTimeAsync(0);
    lines[0]?.close();
    await jest.advanceTimersByTimeAsync(0);
    expect(stream.connection.state).toBe('reconnecting');
    await jest.advanceTimersByTimeAsync(2000);
    expect(lines[1]?.url).toContain('after=5');
    lines[1]?.say(frame('ready', 6) + frame('project.joined', 5) + frame('project.left', 6));
    await jest.advanceTimersByTimeAsync(0);
    expect(received.map(event => event.position)).toEqual([5, 6]);
  });

  it('takes a line that says nothing for broken', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    stream.connect();
    await jest.advanceTimersByTimeAsync(0);
    lines[0]?.say(frame('ready', 4));
    await jest.advanceTimersByTimeAsync(39_000);
    expect(lines).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(4000);
    expect(lines).toHaveLength(2);
  });

  it('does not try again where nobody is signed in any more', async () => {
    status = 401;
    stream.connect();
    await settle();
    expect(stream.connection.state).toBe('refused');
    expect(lines).toHaveLength(1);
  });

  it('holds no connection while nobody looks at the page', async () => {
    stream.connect();
    await settle();
    lines[0]?.say(frame('ready', 4) + frame('project.joined', 5));
    await settle();
    look(true);
    await settle();
    stream.connect();
    expect(lines).toHaveLength(1);
    look(false);
    await settle();
    expect(lines[1]?.url).toContain('after=5');
  });
});
