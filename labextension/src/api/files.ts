import { ServerConnection } from '@jupyterlab/services';

import { filesOn, onMachine } from './machinefiles';
import {
  Aborted,
  AlreadyThere,
  ApiError,
  errorOfResponse,
  NameTaken,
  Unreachable
} from './problem';
import type { MakeUpload } from './resumable';
import { RESUMED_FROM, ResumableUploads } from './resumable';
import { kindOf } from './things';
import type { Transport } from './transport';
import type { EntryView } from './types';

/** How an upload goes on. */
export interface UploadAsked {
  /** A folder's id, or a machine's. */
  folder: string;
  path: string;
  body: Blob;
  overwrite: boolean;
  signal: AbortSignal;
  progress: (loaded: number) => void;
}

/** The bytes of files: what JSON requests do not carry. */
export class FileClient {
  constructor(
    private readonly transport: Transport,
    private readonly makeXhr: () => XMLHttpRequest = () => new XMLHttpRequest(),
    makeUpload?: MakeUpload
  ) {
    this.resumable = new ResumableUploads(transport, () => this.headers(), makeUpload);
  }

  /** Large files, and what is unfinished of them. */
  readonly resumable: ResumableUploads;

  /** Where the browser fetches a file to keep. */
  downloadUrl(folder: string, path: string): string {
    // A link can't carry a header: JupyterLab's own downloads pass the token like this too.
    const query = { path: pathIn(folder, path), _xsrf: xsrf() };
    return this.transport.url(`${rootOf(folder)}/download`, query);
  }

  /** The same for a file as it was. */
  snapshotDownloadUrl(folder: string, snapshot: string, path: string): string {
    const route = `api/folders/${folder}/snapshots/${snapshot}/download`;
    return this.transport.url(route, { path, _xsrf: xsrf() });
  }

  /** Has the browser fetch files and directories as one zip archive, which may be of any size. */
  downloadArchive(folder: string, paths: readonly string[]): void {
    // Only what a form answers can be kept without being held in memory. In a frame of its own, so
    // that an answer that is no file takes nobody away from here.
    const form = document.createElement('form');
    form.method = 'post';
    form.target = frameForDownloads().name;
    form.action = this.transport.url(`api/folders/${folder}/archive`, { _xsrf: xsrf() });
    const field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'asked';
    field.value = JSON.stringify({ paths });
    form.append(field);
    document.body.append(form);
    form.submit();
    form.remove();
  }

  /** At most `limit` bytes of a file, and whether there is more. */
  async read(
    folder: string,
    path: string,
    limit: number,
    signal?: AbortSignal
  ): Promise<{ blob: Blob; complete: boolean }> {
    const { settings } = this.transport;
    const route = isOnMachine(folder) ? 'download' : 'file';
    const url = this.transport.url(`${rootOf(folder)}/${route}`, { path: pathIn(folder, path) });
    const init: RequestInit = {
      cache: 'no-cache',
      headers: { Range: `bytes=0-${limit - 1}` },
      ...(signal ? { signal } : {})
    };
    const response = await ServerConnection.makeRequest(url, init, settings).catch(() => {
      throw signal?.aborted ? aborted() : unreachable();
    });
    if (response.status === 416) {
      return { blob: new Blob(), complete: true }; // no byte 0: the file is empty
    }
    if (!response.ok) {
      throw await errorOfResponse(response);
    }
    const blob = await response.blob();
    return { blob: blob.slice(0, limit), complete: isComplete(response, blob.size, limit) };
  }

  /** Stores a file; a large one goes on where it broke off. */
  async upload(asked: UploadAsked): Promise<void> {
    await (isResumable(asked.body, asked.folder) ? this.resumable.send(asked) : this.put(asked));
  }

  /** fetch tells nothing of how far an upload is, so this is the older request. */
  private put(asked: UploadAsked): Promise<EntryView> {
    const { folder, path, body, overwrite, signal, progress } = asked;
    const query = { path: pathIn(folder, path), overwrite: overwrite ? 'true' : null };
    const url = this.transport.url(`${rootOf(folder)}/file`, query);
    return new Promise<EntryView>((resolve, reject) => {
      const xhr = this.makeXhr();
      xhr.open('PUT', url);
      xhr.setRequestHeader('Content-Type', 'application/octet-stream');
      this.authorize(xhr);
      xhr.upload.onprogress = event => progress(event.loaded);
      xhr.onload = () => {
        answerOf(xhr).then(resolve, reject);
      };
      xhr.onerror = () => reject(unreachable());
      xhr.onabort = () => reject(aborted());
      signal.addEventListener('abort', () => xhr.abort(), { once: true });
      xhr.send(body);
    });
  }

  private authorize(xhr: XMLHttpRequest): void {
    Object.entries(this.headers()).forEach(([name, value]) => xhr.setRequestHeader(name, value));
  }

  private headers(): Record<string, string> {
    const { token } = this.transport.settings;
    const xsrfToken = xsrf();
    return {
      ...(token ? { Authorization: `token ${token}` } : {}),
      ...(xsrfToken ? { 'X-XSRFToken': xsrfToken } : {})
    };
  }
}

/** Whether a file is large enough to be gone on with, and goes to where that can be. */
export function isResumable(body: Blob, folder: string): boolean {
  return body.size >= RESUMED_FROM && !isOnMachine(folder);
}

function isOnMachine(id: string): boolean {
  return kindOf(id) === 'machine';
}

function rootOf(id: string): string {
  return isOnMachine(id) ? filesOn(id) : `api/folders/${id}`;
}

function pathIn(id: string, path: string): string {
  return isOnMachine(id) ? onMachine(path) : path;
}

function frameForDownloads(): HTMLIFrameElement {
  const id = 'jp-VMShare-downloads';
  const present = document.getElementById(id);
  if (present instanceof HTMLIFrameElement) {
    return present;
  }
  const frame = document.createElement('iframe');
  frame.id = frame.name = id;
  frame.hidden = true;
  document.body.append(frame);
  return frame;
}

function isComplete(response: Response, size: number, limit: number): boolean {
  const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1];
  return total === undefined ? size <= limit : Number(total) <= limit;
}

async function answerOf(xhr: XMLHttpRequest): Promise<EntryView> {
  if (xhr.status >= 200 && xhr.status < 300) {
    return JSON.parse(xhr.responseText) as EntryView;
  }
  const error = await errorOfResponse(
    new Response(xhr.responseText, { status: xhr.status || 502, statusText: xhr.statusText })
  );
  const { message, status, code } = error;
  throw error instanceof NameTaken ? new AlreadyThere(message, status, code) : error;
}

function xsrf(): string | undefined {
  return /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1];
}

function aborted(): ApiError {
  return new Aborted('The transfer was stopped.', 0, 'aborted');
}

function unreachable(): ApiError {
  return new Unreachable('The connection broke off.', 0, 'network');
}
