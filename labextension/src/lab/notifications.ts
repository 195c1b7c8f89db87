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

/** What a notification's buttons do. */
export interface NoticeDeeds {
  accept: (invitation: string) => void;
  review: () => void;
}

/** One quiet notification for each event that the person should know of. */
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
    this.model.happened.disconnect(this.onEvent);
    this.model.changed.disconnect(this.onConnection);
  }

  private readonly onEvent = (_: VMShareModel, event: EventView): void => {
    this.withdraw(event);
    const notice = noticeOf(event, this.model.me, this.trans);
    if (notice && this.settings.notifications) {
      this.show(notice);
    }
  };

  /** An invitation that has been answered or taken back asks for nothing any more. */
  private withdraw(event: EventView): void {
    const grant = detail(event, 'grant_id');
    const answered = event.type === 'grant.accepted' || event.type === 'grant.declined';
    const shown = grant === null ? undefined : this._invitations.get(grant);
    if (grant !== null && shown !== undefined && (answered || isEnding(event))) {
      this.manager.dismiss(shown);
      this._invitations.delete(grant);
    }
  }

  private show({ kind, message, invitation }: Notice): void {
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
      { label: this.trans.__('Review'), callback: () => this.deeds.review() }
    ];
    const id = this.manager.notify(message, kind, { autoClose: LONG_MS, actions });
    this._invitations.set(invitation, id);
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
  private _invitations = new Map<string, string>();
  private _isDisposed = false;
}
