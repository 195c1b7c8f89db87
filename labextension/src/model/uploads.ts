import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { FileClient } from '../api/files';
import { isResumable } from '../api/files';
import { Aborted, AlreadyThere, NameTaken, sentenceOf } from '../api/problem';
import { fingerprintIn, fingerprintOf, PAUSED } from '../api/resumable';
import type { UploadView } from '../api/types';
import type { Dropped } from './dropped';
import { chosen } from './dropped';

/** One file on its way into a folder. */
export interface Upload {
  id: number;
  name: string;
  path: string;
  size: number;
  loaded: number;
  /** `conflict`: something of that name is there, and the person has to say what to do. */
  state: 'waiting' | 'running' | 'paused' | 'conflict' | 'done' | 'failed';
  because: string | null;
  /** Large files can be paused, and go on after a reload. */
  isResumable: boolean;
}

interface Job extends Upload {
  body: Blob;
  /** The directory that all of it goes to, which is there. */
  base: string;
  overwrite: boolean;
  abort: AbortController;
}

const AT_ONCE = 2;
const NOTICE_MS = 200;

/** The uploads of one folder view, two at a time. */
export class UploadsModel implements IDisposable {
  constructor(
    private readonly files: FileClient,
    private readonly folderId: string,
    private readonly makeDirectory: (path: string) => Promise<unknown> = () => Promise.resolve()
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits the upload that has just arrived; null: an empty directory. */
  get arrived(): ISignal<this, Upload | null> {
    return this._arrived;
  }

  get items(): readonly Upload[] {
    return this._jobs;
  }

  /** Whether closing the view would break something off. */
  get isBusy(): boolean {
    return this._jobs.some(job => job.state === 'running' || job.state === 'waiting');
  }

  /** What broke off before this view was opened: the person may choose its file again. */
  get unfinished(): readonly UploadView[] {
    return this._unfinished.filter(one => !this._jobs.some(job => job.path === one.path));
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Queues files for a directory; `at` makes a path of a name in it. */
  start(files: Iterable<File>, at: (name: string) => string, overwrite = false): void {
    this.startAll(chosen(files), at, overwrite);
  }

  /** The same for directories with all that is in them, which are made where they are missing. */
  startAll({ files, directories }: Dropped, at: (name: string) => string, overwrite = false): void {
    const base = at('');
    directories.forEach(path => void this.ensure(at(path), base).then(this.onMade, this.onMade));
    for (const { file, path } of files) {
      this._jobs.push({
        id: ++this._lastId,
        name: file.name,
        path: at(path),
        base,
        size: file.size,
        loaded: 0,
        state: 'waiting',
        because: null,
        isResumable: isResumable(file, this.folderId),
        body: file,
        overwrite,
        abort: new AbortController()
      });
    }
    this.proceed();
  }

  /** Looks for what broke off. That it can't be known now is no reason to say anything. */
  async look(): Promise<void> {
    const found = await this.files.resumable.unfinished(this.folderId).catch(() => []);
    // Of what a notebook began, only the notebook can tell whether it is the same file.
    this._unfinished = found.filter(one => fingerprintIn(one) !== null);
    this.emit();
  }

  /** Goes on with what broke off; false: this is another file. */
  goOn(one: UploadView, file: File): boolean {
    if (fingerprintIn(one) !== fingerprintOf(file)) {
      return false;
    }
    this.start([file], () => one.path ?? file.name, one.overwrite);
    return true;
  }

  async giveUp(one: UploadView): Promise<void> {
    this._unfinished = this._unfinished.filter(other => other !== one);
    this.emit();
    await this.files.resumable.giveUp(this.folderId, one.id).catch(() => undefined);
  }

  /** Stops for now; `retry` goes on from there. */
  pause(id: number): void {
    const job = this.job(id);
    if (job?.isResumable && (job.state === 'running' || job.state === 'waiting')) {
      job.state = 'paused';
      job.abort.abort(PAUSED);
      this.proceed();
    }
  }

  /** Answers a conflict: replace what is there, or store this one under another name. */
  replace(id: number): void {
    this.again(id, { overwrite: true });
  }

  keepBoth(id: number): void {
    const job = this.job(id);
    if (job) {
      const name = besides(job.name);
      const path = job.path.slice(0, job.path.length - job.name.length) + name;
      this.again(id, { name, path });
    }
  }

  /** The same answer to every conflict. */
  answerAll(answer: 'replace' | 'keepBoth' | 'dismiss'): void {
    this._jobs.filter(job => job.state === 'conflict').forEach(job => this[answer](job.id));
  }

  retry(id: number): void {
    this.again(id, {});
  }

  /** Stops an upload, or takes one that has ended off the list. */
  dismiss(id: number): void {
    this.job(id)?.abort.abort();
    this._jobs = this._jobs.filter(job => job.id !== id);
    this.proceed();
  }

  dispose(): void {
    this._isDisposed = true;
    this._jobs.forEach(job => job.abort.abort(PAUSED));
    Signal.clearData(this);
  }

  private again(id: number, change: Partial<Job>): void {
    const job = this.job(id);
    if (job && job.state !== 'running') {
      const loaded = job.state === 'paused' ? job.loaded : 0;
      Object.assign(job, { state: 'waiting', loaded, because: null }, change);
      this.proceed();
    }
  }

  private proceed(): void {
    if (!this.isBusy) {
      this._made.clear();
    }
    const running = this._jobs.filter(job => job.state === 'running').length;
    this._jobs
      .filter(job => job.state === 'waiting')
      .slice(0, Math.max(0, AT_ONCE - running))
      .forEach(job => void this.run(job));
    this.emit();
  }

  private async run(job: Job): Promise<void> {
    job.state = 'running';
    job.abort = new AbortController();
    try {
      const directory = directoryOf(job.path);
      if (directory.length > job.base.length) {
        await this.ensure(directory, job.base);
      }
      if (job.abort.signal.aborted) {
        return;
      }
      await this.files.upload({
        folder: this.folderId,
        path: job.path,
        body: job.body,
        overwrite: job.overwrite,
        signal: job.abort.signal,
        progress: loaded => this.onProgress(job, loaded)
      });
      this.arrive(job);
    } catch (error) {
      this.settle(job, error);
    }
    this.proceed();
  }

  /** Has a directory below `base`, and those above it. One that is there already will do. */
  private async ensure(directory: string, base: string): Promise<void> {
    if (directory.length <= base.length || !directory.startsWith(base)) {
      return;
    }
    await this.ensure(directoryOf(directory), base);
    const making =
      this._made.get(directory) ??
      Promise.resolve(this.makeDirectory(directory)).catch((error: unknown) => {
        if (!(error instanceof AlreadyThere || error instanceof NameTaken)) {
          this._made.delete(directory);
          throw error;
        }
      });
    this._made.set(directory, making);
    await making;
  }

  private arrive(job: Job): void {
    job.state = 'done';
    this._unfinished = this._unfinished.filter(one => one.path !== job.path);
    this._jobs = this._jobs.filter(other => other !== job);
    this._arrived.emit(job);
  }

  private settle(job: Job, error: unknown): void {
    if (job.state === 'paused') {
      return;
    }
    if (error instanceof Aborted) {
      this._jobs = this._jobs.filter(other => other !== job);
    } else {
      job.state = error instanceof AlreadyThere && !job.overwrite ? 'conflict' : 'failed';
      job.because = sentenceOf(error);
    }
  }

  /** An empty directory has no row of its own: it is there, or it is not. */
  private readonly onMade = (): void => this._arrived.emit(null);

  private onProgress(job: Job, loaded: number): void {
    job.loaded = loaded;
    // Browsers report many times a second; a person needs a few.
    this._notice ??= setTimeout(() => {
      this._notice = null;
      this.emit();
    }, NOTICE_MS);
  }

  private job(id: number): Job | undefined {
    return this._jobs.find(job => job.id === id);
  }

  private emit(): void {
    if (!this._isDisposed) {
      this._changed.emit(undefined);
    }
  }

  private _arrived = new Signal<this, Upload | null>(this);
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
  private _jobs: Job[] = [];
  private _lastId = 0;
  /** The directories of what is on its way. */
  private _made = new Map<string, Promise<unknown>>();
  private _unfinished: readonly UploadView[] = [];
  private _notice: ReturnType<typeof setTimeout> | null = null;
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** `a.txt` becomes `a (1).txt`, and that `a (2).txt`. */
export function besides(name: string): string {
  const [, stem = name, count, extension = ''] =
    /^(.+?)(?: \((\d+)\))?(\.[^.]+)?$/u.exec(name) ?? [];
  return `${stem} (${count === undefined ? 1 : Number(count) + 1})${extension}`;
}
