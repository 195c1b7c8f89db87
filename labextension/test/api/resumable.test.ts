import type { UploadOptions } from 'tus-js-client';
import { DetailedError } from 'tus-js-client';

import { Aborted, Conflict, Unreachable } from '../../src/api/problem';
import { fingerprintOf, mayGoOn, PAUSED, ResumableUploads } from '../../src/api/resumable';
import type { UploadView } from '../../src/api/types';
import { FakeServer, settle } from '../fakes/server';

interface Begun {
  options: UploadOptions;
  aborted: (boolean | undefined)[];
}

const body = new File(['hello'], 'a.txt', { lastModified: 7 });

function uploads(items: Partial<UploadView>[] = []): {
  client: ResumableUploads;
  server: FakeServer;
  begun: Begun[];
} {
  const server = new FakeServer()
    .on('GET api/folders/fld_1/uploads', () => ({ items, next: null }))
    .on('DELETE api/folders/fld_1/uploads/upl_1', () => new Response(null, { status: 204 }));
  const begun: Begun[] = [];
  const client = new ResumableUploads(
    server.client.transport,
    () => ({ 'X-XSRFToken': 'x' }),
    (_, options) => {
      const one: Begun = { options, aborted: [] };
      begun.push(one);
      return {
        start: () => undefined,
        abort: terminate => {
          one.aborted.push(terminate);
          return Promise.resolve();
        }
      };
    }
  );
  return { client, server, begun };
}

function asked(over: object = {}): Parameters<ResumableUploads['send']>[0] {
  return {
    folder: 'fld_1',
    path: 'sub/a.txt',
    body,
    overwrite: false,
    signal: new AbortController().signal,
    progress: () => undefined,
    ...over
  };
}

const began = {
  id: 'upl_1',
  length: 5,
  metadata: { path: 'sub/a.txt', fingerprint: fingerprintOf(body) }
};

function broken(status: number, code = ''): DetailedError {
  const response = {
    getStatus: () => status,
    getBody: () => (code ? JSON.stringify({ code, title: 'No', detail: 'It is there.' }) : ''),
    getHeader: () => undefined,
    getUnderlyingObject: () => null
  };
  return Object.assign(new DetailedError('broken'), {
    originalResponse: status ? response : null
  });
}

describe('a large file', () => {
  it('begins with its path and what it is known by', async () => {
    const { client, begun } = uploads();
    void client.send(asked());
    await settle();
    const { options } = begun[0]!;
    expect(options.endpoint).toMatch(/\/user\/ben\/vmshare\/api\/folders\/fld_1\/uploads$/);
    expect(options.metadata).toEqual(began.metadata);
    expect(options.uploadUrl).toBeUndefined();
    const sent: Record<string, string> = {};
    const request = { setHeader: (name: string, value: string) => (sent[name] = value) };
    void options.onBeforeRequest?.(request as never);
    expect(sent).toEqual({ 'X-XSRFToken': 'x' });
  });

  it.each([
    ['goes on where it broke off', began, {}, true],
    ['is another one at another path', began, { path: 'b.txt' }, false],
    ['is another one when it may replace', began, { overwrite: true }, false],
    ['is another one when it changed', { ...began, length: 6 }, {}, false],
    ['is another one when nobody knows', { ...began, metadata: { path: 'sub/a.txt' } }, {}, false]
  ])('%s', async (_, before, over, goesOn) => {
    const { client, begun } = uploads([before]);
    void client.send(asked(over));
    await settle();
    expect(begun[0]!.options.uploadUrl?.endsWith('/uploads/upl_1') ?? false).toBe(goesOn);
  });

  it('arrives, or says why not', async () => {
    const { client, begun } = uploads();
    const [one, other] = [client.send(asked()), client.send(asked())];
    await settle();
    begun[0]!.options.onSuccess?.({} as never);
    begun[1]!.options.onError?.(broken(409, 'exists'));
    await expect(one).resolves.toBeUndefined();
    await expect(other).rejects.toThrow(Conflict);
    const third = client.send(asked());
    await settle();
    begun[2]!.options.onError?.(broken(0));
    await expect(third).rejects.toThrow(Unreachable);
  });

  it.each([
    ['that is paused keeps what has come', PAUSED, false],
    ['that is stopped is given up', undefined, true]
  ])('%s', async (_, reason, terminated) => {
    const { client, begun } = uploads();
    const abort = new AbortController();
    const sending = client.send(asked({ signal: abort.signal }));
    await settle();
    abort.abort(reason);
    await expect(sending).rejects.toThrow(Aborted);
    expect(begun[0]!.aborted).toEqual([terminated]);
  });

  it('can be given up later', async () => {
    const { client, server } = uploads();
    await client.giveUp('fld_1', 'upl_1');
    const [sent] = server.calls('DELETE api/folders/fld_1/uploads/upl_1');
    expect(sent!.headers.get('Tus-Resumable')).toBe('1.0.0');
  });
});

describe('after a break', () => {
  it.each([
    [0, '', true],
    [503, '', true],
    [409, 'wrong-offset', true],
    [409, 'taken-over', true],
    [423, 'upload-busy', true],
    [409, 'exists', false],
    [403, 'forbidden', false],
    [404, 'not-found', false],
    [413, 'too-large', false]
  ])('%s %s goes on: %s', (status, code, goesOn) => {
    expect(mayGoOn(broken(status, code))).toBe(goesOn);
  });
});
