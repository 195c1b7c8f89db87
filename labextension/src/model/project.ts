import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { NotThere, sentenceOf } from '../api/problem';
import type { ProjectClient } from '../api/projects';
import type {
  AskView,
  DriveView,
  EventView,
  LinkMade,
  LinkView,
  MachineView,
  MemberChange,
  MembershipEnded,
  MemberView,
  NewLink,
  ProjectChange,
  ProjectMeter,
  ProjectQuota,
  ProjectView
} from '../api/types';
import type { Applied } from './application';
import { detail } from './application';
import { LiveList } from './livelist';

const PAGE = 200;

/** A member, who is told apart by name. */
export type Member = MemberView & { id: string };

/** One project with its people, and what the person may do there. */
export class ProjectModel implements IDisposable {
  constructor(
    readonly api: ProjectClient,
    readonly id: string,
    readonly me: string
  ) {}

  readonly members = new LiveList<Member>({
    page: async (after, signal) => {
      const { items, next } = await this.api.members(this.id, { after, limit: PAGE, signal });
      return { items: items.map(one => ({ ...one, id: one.person })), next: next ?? null };
    },
    apply: unchanged
  });

  readonly links = new LiveList<LinkView>({
    page: (after, signal) => this.api.links(this.id, { after, limit: PAGE, signal }),
    apply: unchanged
  });

  readonly asks = new LiveList<AskView>({
    page: (after, signal) => this.api.asks(this.id, { after, limit: PAGE, signal }),
    apply: unchanged
  });

  /** Those that the person may see: their own, or for administrators all. */
  readonly machines = new LiveList<MachineView>({
    page: (after, signal) => this.api.machines(this.id, { after, limit: PAGE, signal }),
    apply: unchanged
  });

  readonly drives = new LiveList<DriveView>({
    page: (after, signal) => this.api.drives(this.id, { after, limit: PAGE, signal }),
    apply: unchanged
  });

  /** What the project holds; empty until the service has said so. */
  get meters(): readonly ProjectMeter[] {
    return this._meters;
  }

  /** Who went out of it last, here, and what that cut. */
  get parted(): MembershipEnded | null {
    return this._parted;
  }

  /** Emits when the project itself is another, or could not be had. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null before the first answer, and when it is gone. */
  get project(): ProjectView | null {
    return this._project;
  }

  /** Whether it is not, or no longer, there for the person. */
  get isGone(): boolean {
    return this._isGone;
  }

  /** Why the last look failed, in a sentence; null when it succeeded. */
  get failure(): string | null {
    return this._failure;
  }

  /** The event with which the person went out of it, if one told. */
  get ending(): EventView | null {
    return this._ending;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  may(action: string): boolean {
    return this._project?.actions.includes(action) ?? false;
  }

  receive(event: EventView): void {
    if (/^(machine|drive|machine_snapshot)\./u.test(event.type) && this._project?.role) {
      void this.lookAtThings();
      return;
    }
    if (detail(event, 'project_id') !== this.id) {
      return;
    }
    if (ENDINGS.has(event.type) && detail(event, 'person') === this.me) {
      this._ending = event;
    }
    void this.refresh();
  }

  /** Asks the service again for everything that the person sees of it. */
  async refresh(): Promise<void> {
    const asked = ++this._asked;
    try {
      const told = await this.api.project(this.id);
      if (asked === this._asked) {
        this.show(told);
      }
    } catch (error) {
      this.fail(error);
    }
    await Promise.all([
      this._project?.role ? this.members.refresh() : null,
      this._project?.role ? this.lookAtThings() : null,
      this.may('member.invite') ? this.links.refresh() : null,
      this.may('member.answer_request') ? this.asks.refresh() : null
    ]);
  }

  private async lookAtThings(): Promise<void> {
    const meters = async (): Promise<void> => {
      try {
        this._meters = (await this.api.meters(this.id)).meters;
        this._changed.emit(undefined);
      } catch {
        // What was known stands; the lists say what is wrong.
      }
    };
    await Promise.all([this.machines.refresh(), this.drives.refresh(), meters()]);
  }

  /** `version` is what the person saw; raises `ChangedMeanwhile` where it is another by now. */
  async change(asked: ProjectChange, version: number): Promise<void> {
    try {
      this.show(await this.api.change(this.id, asked, version));
    } catch (error) {
      void this.refresh();
      throw error;
    }
  }

  async setQuota(quota: ProjectQuota): Promise<void> {
    await this.api.setQuota(this.id, quota);
    await this.refresh();
  }

  async changeMember(member: Member, asked: MemberChange): Promise<void> {
    await this.andLook(this.api.changeMember(this.id, member.person, asked, member.version));
  }

  async removeMember(person: string): Promise<void> {
    this._parted = await this.andLook(this.api.removeMember(this.id, person));
    this._changed.emit(undefined);
  }

  async leave(): Promise<void> {
    this._parted = await this.andLook(this.api.leave(this.id));
    this._changed.emit(undefined);
  }

  /** Lets only active members into a machine or a drive, whatever others were given. */
  async tag(kind: 'machine' | 'drive', id: string): Promise<void> {
    await this.api.tag(kind, id);
    await this.lookAtThings();
  }

  async power(machine: string, verb: 'start' | 'stop'): Promise<void> {
    this.machines.put(await this.api.power(machine, verb));
  }

  makeLink(asked: NewLink): Promise<LinkMade> {
    return this.andLook(this.api.makeLink(this.id, asked));
  }

  async revokeLink(link: string): Promise<void> {
    await this.andLook(this.api.revokeLink(this.id, link));
  }

  async letIn(ask: string, endsAt: string | null): Promise<void> {
    await this.andLook(this.api.letIn(this.id, ask, endsAt));
  }

  async keepOut(ask: string): Promise<void> {
    await this.andLook(this.api.keepOut(this.id, ask));
  }

  /** Takes one's own wish to join, or one's own request for the project, back. */
  async withdraw(): Promise<void> {
    const ask = this._project?.ask_id;
    await this.andLook(ask ? this.api.cancelAsk(this.id, ask) : this.api.cancel(this.id));
  }

  dispose(): void {
    this._isDisposed = true;
    [this.members, this.links, this.asks, this.machines, this.drives].forEach(list =>
      list.dispose()
    );
    Signal.clearData(this);
  }

  /** Looks at the project again after a deed, also after one that failed: it may be why. */
  private async andLook<T>(deed: Promise<T>): Promise<T> {
    try {
      return await deed;
    } finally {
      await this.refresh();
    }
  }

  private show(project: ProjectView): void {
    this._project = project;
    this._isGone = false;
    this._failure = null;
    if (project.role) {
      this._ending = null;
    }
    this._changed.emit(undefined);
  }

  private fail(error: unknown): void {
    if (error instanceof NotThere) {
      this._project = null;
      this._isGone = true;
    } else {
      this._failure = sentenceOf(error);
    }
    this._changed.emit(undefined);
  }

  /** Counts looks: an answer that a later one overtook is old. */
  private _asked = 0;
  private _changed = new Signal<this, void>(this);
  private _ending: EventView | null = null;
  private _failure: string | null = null;
  private _isDisposed = false;
  private _isGone = false;
  private _meters: readonly ProjectMeter[] = [];
  private _parted: MembershipEnded | null = null;
  private _project: ProjectView | null = null;
}

const ENDINGS = new Set([
  'project.ask_cancelled',
  'project.ask_declined',
  'project.left',
  'project.member_ended',
  'project.removed'
]);

/** Every event of the project asks for all of it again (`receive`). */
function unchanged<T>(items: readonly T[]): Applied<T> {
  return { items, stale: false };
}
