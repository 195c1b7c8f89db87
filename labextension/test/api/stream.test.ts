import { EventStream } from '../../src/api/stream';
import type { EventView } from '../../src/api/types';
import { FakeServer } from '../fakes/server';
import { happening } from '../fakes/things';

function opened(): { server: FakeServer; stream: EventStream; seen: number[] } {
  const server = new FakeServer();
  const stream = new EventStream(server.settings);
  const seen: number[] = [];
  stream.received.connect((_, event: EventView) => {
    seen.push(event.position);
  });
  stream.connect();
  return { server, stream, seen };
}

const at = (position: number): EventView => happening('files.changed', { position });

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('the stream', () => {
  it('begins at the present, without asking for the past', () => {
    const { server, stream } = opened();
    server.sockets[0]!.say({ type: 'ready', position: 40 });
    expect(server.sockets[0]!.url).toBe('ws://hub/user/ben/vmshare/events');
    expect(stream.position).toBe(40);
    expect(stream.connection.state).toBe('live');
  });

  it('takes itself up again after the last event that it saw', () => {
    const { server, seen } = opened();
    server.sockets[0]!.say({ type: 'ready', position: 40 });
    server.sockets[0]!.say({ type: 'event', event: at(43) });
    server.sockets[0]!.breakOff();
    jest.advanceTimersByTime(2000);
    expect(server.sockets[1]!.url).toContain('after=43');
    server.sockets[1]!.say({ type: 'ready', position: 50 });
    server.sockets[1]!.say({ type: 'event', event: at(45) });
    server.sockets[1]!.say({ type: 'event', event: at(50) });
    expect(seen).toEqual([43, 45, 50]);
  });

  it('delivers an event that comes again only once', () => {
    const { server, seen } = opened();
    server.sockets[0]!.say({ type: 'ready', position: 1 });
    [2, 3, 3, 2, 4].forEach(position => {
      server.sockets[0]!.say({ type: 'event', event: at(position) });
    });
    expect(seen).toEqual([2, 3, 4]);
  });

  it('begins anew where the service has another past', () => {
    const { server, stream, seen } = opened();
    server.sockets[0]!.say({ type: 'ready', position: 90 });
    server.sockets[0]!.breakOff();
    jest.advanceTimersByTime(2000);
    server.sockets[1]!.say({ type: 'ready', position: 5, reset: true });
    server.sockets[1]!.say({ type: 'event', event: at(6) });
    expect(stream.position).toBe(6);
    expect(seen).toEqual([6]);
  });

  it('waits longer after each failure, and no longer than half a minute or so', () => {
    const { server } = opened();
    for (let failure = 0; failure < 12; failure++) {
      server.sockets.at(-1)!.breakOff();
      jest.advanceTimersByTime(40_000);
    }
    expect(server.sockets).toHaveLength(13);
  });

  it('tells when the way behind the notebook server is broken, and when it is whole', () => {
    const { server, stream } = opened();
    const states: string[] = [];
    stream.connectionChanged.connect((_, connection) => {
      states.push(connection.state);
    });
    server.sockets[0]!.say({ type: 'ready', position: 1 });
    server.sockets[0]!.say({ type: 'status', state: 'unreachable', because: 'It restarts.' });
    server.sockets[0]!.say({ type: 'status', state: 'ok' });
    server.sockets[0]!.say({ type: 'ready', position: 1 });
    expect(states).toEqual(['live', 'reconnecting', 'live']);
  });

  it('does not try again when it was refused', () => {
    const { server, stream } = opened();
    server.sockets[0]!.say({ type: 'status', state: 'refused', because: 'Sign in again.' });
    server.sockets[0]!.breakOff();
    jest.advanceTimersByTime(120_000);
    expect(server.sockets).toHaveLength(1);
    expect(stream.connection).toEqual({ state: 'refused', because: 'Sign in again.' });
  });

  it('does not wait when the browser is online again', () => {
    const { server } = opened();
    server.sockets[0]!.breakOff();
    window.dispatchEvent(new Event('online'));
    expect(server.sockets).toHaveLength(2);
  });

  it('ends with its owner', () => {
    const { server, stream } = opened();
    stream.dispose();
    jest.advanceTimersByTime(120_000);
    expect(server.sockets).toHaveLength(1);
    expect(server.sockets[0]!.isClosed).toBe(true);
  });
});
