import { Notification, NotificationManager } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import type { EventView } from '../../src/api/types';
import { Notifications, TOGETHER_MS } from '../../src/lab/notifications';
import type { Settings } from '../../src/lab/settings';
import type { VMShareModel } from '../../src/model/vmshare';
import { grantEvent } from '../fakes/things';

const trans = nullTranslator.load('jupyter_vmshare');

function about(type: string, name: string, over: Record<string, unknown> = {}): EventView {
  const event = grantEvent(type, { grant_id: `gnt_${name}`, ...over });
  return { ...event, thing_name: name };
}

/** What ben is told of these events, which come at once. */
function told(...events: EventView[]): Notification.INotification[] {
  const model = { me: 'ben', gap: null } as unknown as VMShareModel;
  const happened = new Signal<VMShareModel, EventView>(model);
  Object.assign(model, { happened, changed: new Signal<VMShareModel, void>(model) });
  const manager = new NotificationManager();
  const deeds = { accept: jest.fn(), review: jest.fn(), showHolders: jest.fn() };
  const settings = { notifications: true } as unknown as Settings;
  const notifications = new Notifications(model, settings, deeds, trans, manager);
  events.forEach(event => happened.emit(event));
  jest.advanceTimersByTime(TOGETHER_MS);
  notifications.dispose();
  return manager.notifications;
}

describe('notifications', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('of one change of many folders are one', () => {
    const levels = { from: 'view', to: 'edit', level: 'edit', ends_at: null };
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const [only, ...others] = told(...names.map(name => about('grant.changed', name, levels)));
    expect(others).toEqual([]);
    expect(only!.message).toBe(
      'ana changed your level on "a" from View to Edit. ' +
        'The same for 6 more: "b", "c", "d", "e", "f", …'
    );
  });

  it('of many invitations lead to all of them, and of few to each', () => {
    const labels = (one: Notification.INotification): string[] =>
      (one.options.actions ?? []).map(action => action.label);
    const many = told(...['a', 'b', 'c'].map(name => about('grant.invited', name)));
    expect(many.map(labels)).toEqual([['Review']]);
    const few = told(...['a', 'b'].map(name => about('grant.invited', name)));
    expect(few.map(labels)).toEqual([
      ['Accept', 'Review'],
      ['Accept', 'Review']
    ]);
  });

  it('of different things are told apart', () => {
    const shared = ['a', 'b', 'c'].map(name => about('grant.invited', name));
    const lowered = about('grant.changed', 'd', { from: 'edit', to: 'view', ends_at: null });
    expect(told(...shared, lowered)).toHaveLength(2);
  });

  it('of an invitation that was taken back before are none', () => {
    expect(told(about('grant.invited', 'a'), about('grant.cancelled', 'a'))).toHaveLength(1);
    const messages = told(about('grant.invited', 'a'), about('grant.cancelled', 'a'));
    expect(messages[0]!.message).toBe('ana took back the invitation to "a".');
  });
});
