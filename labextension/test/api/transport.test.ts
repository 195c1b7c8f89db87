import {
  Aborted,
  AlreadyThere,
  BadInput,
  ChangedMeanwhile,
  Conflict,
  NameTaken,
  NotSignedIn,
  NotThere,
  Refused,
  sentenceOf,
  TooMany,
  Unreachable
} from '../../src/api/problem';
import { newKey } from '../../src/api/transport';
import { FakeServer, json, refusal } from '../fakes/server';
import { folder } from '../fakes/things';

const ROUTE = 'GET api/folders/fld_1';

async function failureOf(server: FakeServer): Promise<unknown> {
  return server.client.folder('fld_1').catch((error: unknown) => error);
}

describe('a problem', () => {
  it.each([
    [400, 'malformed', BadInput],
    [401, 'not-signed-in', NotSignedIn],
    [403, 'forbidden', Refused],
    [404, 'not-found', NotThere],
    [409, 'wrong-state', Conflict],
    [409, 'name-taken', NameTaken],
    [409, 'exists', AlreadyThere],
    [412, 'changed-meanwhile', ChangedMeanwhile],
    [422, 'bad-input', BadInput],
    [429, 'too-many-requests', TooMany],
    [503, 'hub-unreachable', Unreachable]
  ])('%i %s is an error of its own kind', async (status, code, Kind) => {
    const error = await failureOf(new FakeServer().on(ROUTE, () => refusal(status, code)));
    expect(error).toBeInstanceOf(Kind);
    expect(error).toMatchObject({ status, code });
  });

  it('is told by its reason, if it has one, and keeps its rule', async () => {
    const because = 'You hold View, this needs Edit.';
    const server = new FakeServer().on(ROUTE, () =>
      refusal(403, 'forbidden', { rule: 'folder.upload', because })
    );
    const error = await failureOf(server);
    expect(sentenceOf(error)).toBe(because);
    expect(error).toMatchObject({ rule: 'folder.upload' });
  });

  it('keeps the suggestion of a free name', async () => {
    const server = new FakeServer().on(ROUTE, () =>
      refusal(409, 'name-taken', { suggestion: 'tests (ana)' })
    );
    expect(await failureOf(server)).toMatchObject({ suggestion: 'tests (ana)' });
  });

  it("may be a proxy's page, and is still an error with a status", async () => {
    const server = new FakeServer().on(ROUTE, () => new Response('<html>', { status: 500 }));
    expect(await failureOf(server)).toMatchObject({ status: 500, code: 'http-500' });
  });

  it("may be the notebook server's own, with a message", async () => {
    const server = new FakeServer().on(ROUTE, () => json(403, { message: 'No cookie.' }));
    expect(sentenceOf(await failureOf(server))).toBe('No cookie.');
  });
});

describe('a request', () => {
  it('reads again after a broken network, until it is answered', async () => {
    let attempts = 0;
    const server = new FakeServer().on(ROUTE, () => {
      attempts += 1;
      if (attempts < 3) {
        throw new TypeError('broken');
      }
      return folder();
    });
    await expect(server.client.folder('fld_1')).resolves.toMatchObject({ id: 'fld_1' });
    expect(attempts).toBe(3);
  });

  it('gives up after three attempts, with a sentence', async () => {
    const server = new FakeServer().on(ROUTE, () => {
      throw new TypeError('broken');
    });
    expect(await failureOf(server)).toBeInstanceOf(Unreachable);
    expect(server.asked).toHaveLength(3);
  });

  it('that makes something is sent again with the same key', async () => {
    let attempts = 0;
    const server = new FakeServer().on('POST api/folders', () =>
      ++attempts === 1 ? refusal(503, 'hub-unreachable') : json(201, folder())
    );
    await server.client.createFolder('tests', newKey());
    const keys = server.asked.map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('that changes something without a key is never sent twice', async () => {
    const server = new FakeServer().on('DELETE api/grants/gnt_1', () => {
      throw new TypeError('broken');
    });
    await expect(server.client.endGrant('gnt_1')).rejects.toBeInstanceOf(Unreachable);
    expect(server.asked).toHaveLength(1);
  });

  it('says which version the person saw', async () => {
    const server = new FakeServer().on('PATCH api/folders/fld_1', () => folder());
    await server.client.renameFolder('fld_1', 'new', 7);
    expect(server.asked[0]?.headers.get('If-Match')).toBe('"7"');
    expect(server.asked[0]?.headers.get('Content-Type')).toBe('application/json');
  });

  it('that is no longer wanted is neither a failure of the network nor sent again', async () => {
    const abort = new AbortController();
    const server = new FakeServer().on(ROUTE, () => {
      abort.abort();
      return folder();
    });
    const wanted = server.client.folder('fld_1', abort.signal);
    await expect(wanted).rejects.toBeInstanceOf(Aborted);
    expect(server.asked).toHaveLength(1);
  });

  it('that is no longer wanted while its answer arrives is no failure either', async () => {
    const abort = new AbortController();
    const server = new FakeServer().on(ROUTE, () => {
      const response = new Response('{}');
      response.json = () => {
        abort.abort();
        return Promise.reject(new DOMException('', 'AbortError'));
      };
      return response;
    });
    await expect(server.client.folder('fld_1', abort.signal)).rejects.toBeInstanceOf(Aborted);
  });

  it('carries nothing in its query but what was asked', async () => {
    const server = new FakeServer().on('GET api/folders', () => ({ items: [], next: null }));
    await server.client.folders('live', { after: null, limit: 200 });
    expect(server.asked[0]?.query.toString()).toBe('state=live&limit=200');
  });
});
