import type { ApiError } from './problem';
import { Aborted, errorOfResponse, Unreachable } from './problem';

/** What a request may carry. */
export interface Asking {
  method?: string;
  query?: Record<string, string | number | null | undefined>;
  body?: unknown;
  /** The version that the person saw; somebody else's change answers 412. */
  version?: number;
  /** One key for one deed of the person, however often it has to be sent. */
  key?: string;
  /** Headers that a protocol asks for. */
  headers?: Record<string, string>;
  /** Twice does no more than once, without a key: it may be sent again. */
  repeatable?: boolean;
  signal?: AbortSignal | undefined;
}

const PAUSES_MS = [400, 1200];

/** Sends requests of the HTTP contract; a shell says where they go, and as whom. */
export abstract class Sender {
  constructor(private readonly pause: (ms: number) => Promise<void> = sleep) {}

  /** The address of `path`, without a query. */
  protected abstract address(path: string): string;

  /** One request. Whatever it throws means that no answer came. */
  protected abstract request(url: string, init: RequestInit): Promise<Response>;

  /** What to tell the person when no answer came. */
  protected abstract readonly silence: string;

  /** The address of `path` with a query. */
  url(path: string, query: Asking['query'] = {}): string {
    const wanted = Object.entries(query).filter(([, value]) => value != null && value !== '');
    const search = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)]));
    const address = this.address(path);
    return wanted.length > 0 ? `${address}?${search.toString()}` : address;
  }

  /** The answer to a request, or an `ApiError`. */
  async send(path: string, asking: Asking = {}): Promise<Response> {
    const once = (): Promise<Response> => this.sendOnce(path, asking);
    // Reading, and a deed with a key, may be sent again: they happen at most once.
    const isOnce = (asking.method ?? 'GET') === 'GET' || asking.key !== undefined;
    return isOnce || asking.repeatable ? this.persist(once, asking.signal) : once();
  }

  /** The JSON of an answer; null when it has none. */
  async json<T>(path: string, asking: Asking = {}): Promise<T> {
    const response = await this.send(path, asking);
    if (response.status === 204) {
      return null as T;
    }
    try {
      return (await response.json()) as T;
    } catch {
      throw this.lost(asking.signal);
    }
  }

  private async persist(
    once: () => Promise<Response>,
    signal: AbortSignal | undefined
  ): Promise<Response> {
    for (const pause of PAUSES_MS) {
      try {
        return await once();
      } catch (error) {
        if (!(error instanceof Unreachable) || signal?.aborted) {
          throw error;
        }
        await this.pause(pause);
      }
    }
    return once();
  }

  private async sendOnce(path: string, asking: Asking): Promise<Response> {
    const response = await this.attempt(path, asking);
    if (!response.ok) {
      throw await errorOfResponse(response);
    }
    return response;
  }

  private async attempt(path: string, asking: Asking): Promise<Response> {
    try {
      return await this.request(this.url(path, asking.query), initOf(asking));
    } catch {
      throw this.lost(asking.signal);
    }
  }

  /** The error for an answer that never came, or not to its end. */
  private lost(signal: AbortSignal | undefined): ApiError {
    return signal?.aborted
      ? new Aborted('No longer wanted.', 0, 'aborted')
      : new Unreachable(this.silence, 0, 'network');
  }
}

function initOf(asking: Asking): RequestInit {
  const headers: Record<string, string> = { Accept: 'application/json', ...asking.headers };
  if (asking.body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  if (asking.version !== undefined) {
    headers['If-Match'] = `"${asking.version}"`;
  }
  if (asking.key !== undefined) {
    headers['Idempotency-Key'] = asking.key;
  }
  return {
    method: asking.method ?? 'GET',
    headers,
    // With its usual "no-store", JupyterLab adds a nameless number to the query.
    cache: 'no-cache',
    ...(asking.body === undefined ? {} : { body: JSON.stringify(asking.body) }),
    ...(asking.signal === undefined ? {} : { signal: asking.signal })
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** A key for one deed of the person. */
export function newKey(): string {
  // randomUUID is missing where a hub is served without TLS.
  const random = globalThis.crypto as Partial<Crypto> & Pick<Crypto, 'getRandomValues'>;
  if (random.randomUUID) {
    return random.randomUUID();
  }
  const bytes = random.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
