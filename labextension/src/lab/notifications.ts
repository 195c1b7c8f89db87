import type { NotificationManager } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { EventView } from '../api/types';
import { detail, isEnding } from '../model/application';
import type { VMShareModel } from '../model/vmshare';
import type { Notice } from './notices';
import { noticeOf } from './notices';
import type { Settings } from './settings';

const SHORT_MS = 5000;
const LONG_MS = 15_000;
/** What comes within this time after another one of its kind is told together with it. */
export const TOGETHER_MS = 300;
/** As many of one kind are one notification. */
const MANY = 3;
const NAMED = 5;

/** What a notification's buttons do. */
export interface NoticeDeeds {
  accept: (invitation: string) => void;
  review: () => void;
  /** Shows which sessions hold a folder that was taken from them. */
  showHolders: (folder: string) => void;
}

/** A notice that waits for others like it. */
interface Waiting {
  notice: Notice;
  thing: string;
}

/** A quiet notification for each event that the person should know of; one for many alike. */
export class Notifications implements IDisposable {
  constructor(
    private readonly model: VMShareModel,
    private readonly settings: Settings,
    private readonly deeds: NoticeDeeds,
    private readonly trans: TranslationBundle,
    private readonly manager: NotificationManager = Notification.manager
  ) {
    model.happened.connect(this.onEvent);
    model.changed.connect(this.onConnection);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this.model.happened.disconnect(this.onEvent);
    this.model.changed.disconnect(this.onConnection);
  }

  private readonly onEvent = (_: VMShareModel, event: EventView): void => {
    this.withdraw(event);
    const notice = noticeOf(event, this.model.me, this.trans);
    if (notice && this.settings.notifications) {
      this._waiting.push({ notice, thing: event.thing_name ?? '' });
      clearTimeout(this._timer);
      this._timer = window.setTimeout(this.tell, TOGETHER_MS);
    }
  };

  /** Tells what waits: one change of many things has an event for each of them. */
  private readonly tell = (): void => {
    const groups = new Map<string, Waiting[]>();
    for (const one of this._waiting.splice(0)) {
      const alike = one.notice.message.replace(`"${one.thing}"`, '""');
      groups.set(alike, [...(groups.get(alike) ?? []), one]);
    }
    for (const group of groups.values()) {
      if (group.length < MANY) {
        group.forEach(({ notice }) => this.show(notice));
      } else {
        this.showMany(group);
      }
    }
  };

  private showMany(group: readonly Waiting[]): void {
    const [first, ...others] = group;
    if (!first) {
      return;
    }
    const { message, kind, invitation } = first.notice;
    const names = others.map(({ thing }) => `"${thing}"`);
    const told = this.trans.__(
      '%1 The same for %2 more: %3',
      message,
      others.length,
      names.length > NAMED ? `${names.slice(0, NAMED).join(', ')}, …` : names.join(', ')
    );
    const actions = invitation === null ? [] : [this.reviewing()];
    this.manager.notify(told, kind, { autoClose: LONG_MS, actions });
  }

  /** An invitation that has been answered or taken back asks for nothing any more. */
  private withdraw(event: EventView): void {
    const grant = detail(event, 'grant_id');
    const answered = event.type === 'grant.accepted' || event.type === 'grant.declined';
    if (grant === null || !(answered || isEnding(event))) {
      return;
    }
    this._waiting = this._waiting.filter(({ notice }) => notice.invitation !== grant);
    const shown = this._invitations.get(grant);
    if (shown !== undefined) {
      this.manager.dismiss(shown);
      this._invitations.delete(grant);
    }
  }

  private show({ kind, message, invitation, held }: Notice): void {
    if (held) {
      const action: Notification.IAction = {
        label: this.trans.__('End Their Session…'),
        callback: () => this.deeds.showHolders(held)
      };
      this.manager.notify(message, kind, { autoClose: false, actions: [action] });
      return;
    }
    if (invitation === null) {
      this.manager.notify(message, kind, { autoClose: kind === 'warning' ? LONG_MS : SHORT_MS });
      return;
    }
    const actions: Notification.IAction[] = [
      {
        label: this.trans.__('Accept'),
        displayType: 'accent',
        callback: () => this.deeds.accept(invitation)
      },
      this.reviewing()
    ];
    const id = this.manager.notify(message, kind, { autoClose: LONG_MS, actions });
    this._invitations.set(invitation, id);
  }

  private reviewing(): Notification.IAction {
    return { label: this.trans.__('Review'), callback: () => this.deeds.review() };
  }

  private readonly onConnection = (): void => {
    const { gap } = this.model;
    if (gap && this._gap === null && this.settings.notifications) {
      const message = this.trans.__('The connection to VMShare is lost. Trying again…');
      this._gap = this.manager.notify(message, 'warning', { autoClose: false });
    } else if (!gap && this._gap !== null) {
      this.manager.dismiss(this._gap);
      this._gap = null;
    }
  };

  private _gap: string | null = null;
  private _timer: number | undefined;
  private _waiting: Waiting[] = [];
  private _invitations = new Map<string, string>();
  private _isDisposed = false;
}
