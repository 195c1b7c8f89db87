import type { HttpRequest, UploadOptions } from 'tus-js-client';
import { DetailedError, Upload as TusUpload } from 'tus-js-client';

import type { UploadAsked } from './files';
import type { ApiError } from './problem';
import { Aborted, errorOfResponse, Unreachable } from './problem';
import type { Transport } from './transport';
import type { UploadsPage, UploadView } from './types';

/** Bytes from which on a file is sent so; a smaller one is sooner sent again. */
export const RESUMED_FROM = 8 * 1024 * 1024;

/** The reason of an abort after which the person may go on: what has come is kept. */
export const PAUSED = 'paused';

const RETRY_DELAYS_MS = [0, 500, 1000, 2000, 5000, 10_000, 20_000];
// Somebody else is at this upload, or was a moment ago: look how far it is, and go on.
const GO_ON = new Set(['wrong-offset', 'taken-over', 'upload-busy']);

/** What tus-js-client does; tests have their own. */
export type MakeUpload = (body: Blob, options: UploadOptions) => Pick<TusUpload, 'start' | 'abort'>;

const makeTusUpload: MakeUpload = (body, options) => new TusUpload(body as File, options);

/**
 * Sends large files in such a way that they go on where they broke off.
 *
 * What is unfinished is the service's to know, so a reload, or another browser, goes on too.
 */
export class ResumableUploads {
  constructor(
    private readonly transport: Transport,
    private readonly headers: () => Record<string, string>,
    private readonly make: MakeUpload = makeTusUpload
  ) {}

  /** The visitor's unfinished uploads to a folder. */
  async unfinished(folder: string): Promise<UploadView[]> {
    const found: UploadView[] = [];
    let after: string | null = null;
    do {
      const query = { after };
      const page: UploadsPage = await this.transport.json(pathOf(folder), { query });
      found.push(...page.items);
      after = page.next ?? null;
    } while (after !== null);
    return found;
  }

  async giveUp(folder: string, id: string): Promise<void> {
    await this.transport.send(`${pathOf(folder)}/${id}`, {
      method: 'DELETE',
      headers: { 'Tus-Resumable': '1.0.0' },
      repeatable: true
    });
  }

  /** Resolves when the file has its name. Aborting with `PAUSED` keeps what has come. */
  async send(asked: UploadAsked): Promise<void> {
    const metadata = metadataOf(asked);
    const before = (await this.unfinished(asked.folder)).find(one => isSame(one, asked, metadata));
    if (asked.signal.aborted) {
      throw stopped();
    }
    const endpoint = this.transport.url(pathOf(asked.folder));
    await new Promise<void>((resolve, reject) => {
      const upload = this.make(asked.body, {
        endpoint,
        ...(before ? { uploadUrl: `${endpoint}/${before.id}` } : {}),
        metadata,
        retryDelays: RETRY_DELAYS_MS,
        storeFingerprintForResuming: false,
        onBeforeRequest: request => this.authorize(request),
        onProgress: asked.progress,
        onShouldRetry: mayGoOn,
        onError: error => void errorFrom(error).then(reject),
        onSuccess: () => resolve()
      });
      asked.signal.addEventListener('abort', () => {
        // What can't be given up now (the network is gone) is forgotten after a day.
        upload.abort(asked.signal.reason !== PAUSED).catch(() => undefined);
        reject(stopped());
      });
      upload.start();
    });
  }

  private authorize(request: HttpRequest): void {
    Object.entries(this.headers()).forEach(([name, value]) => request.setHeader(name, value));
  }
}

/** Whether a break means no more than looking how far the upload is, and going on. */
export function mayGoOn(error: Error | DetailedError): boolean {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  const status = response?.getStatus() ?? 0;
  if (status === 409 || status === 423) {
    return GO_ON.has(codeIn(response?.getBody() ?? ''));
  }
  return status < 400 || status >= 500;
}

function codeIn(body: string): string {
  try {
    return (JSON.parse(body) as { code?: string }).code ?? '';
  } catch {
    return '';
  }
}

async function errorFrom(error: Error | DetailedError): Promise<ApiError> {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response || response.getStatus() === 0) {
    return new Unreachable('The connection broke off.', 0, 'network');
  }
  return errorOfResponse(new Response(response.getBody(), { status: response.getStatus() }));
}

/** Differs where the file may differ; costs no reading of it. */
export function fingerprintOf(body: Blob): string {
  return `browser ${body.size} ${body instanceof File ? body.lastModified : 0}`;
}

/** The fingerprint of the file that an upload is of; null where no browser began it. */
export function fingerprintIn(upload: UploadView): string | null {
  const { fingerprint = '' } = upload.metadata;
  return fingerprint.startsWith('browser ') ? fingerprint : null;
}

function metadataOf({ path, body, overwrite }: UploadAsked): Record<string, string> {
  return {
    path,
    fingerprint: fingerprintOf(body),
    ...(overwrite ? { overwrite: 'true' } : {})
  };
}

function isSame(one: UploadView, { body }: UploadAsked, metadata: Record<string, string>): boolean {
  const keys = Object.keys(metadata);
  return (
    one.length === body.size &&
    keys.length === Object.keys(one.metadata).length &&
    keys.every(key => one.metadata[key] === metadata[key])
  );
}

function stopped(): Aborted {
  return new Aborted('The transfer was stopped.', 0, 'aborted');
}

function pathOf(folder: string): string {
  return `api/folders/${folder}/uploads`;
}
