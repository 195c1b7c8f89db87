import { nullTranslator } from '@jupyterlab/translation';

import type { EventView } from '../../src/api/types';
import { noticeOf } from '../../src/lab/notices';
import { grantEvent, happening } from '../fakes/things';

const trans = nullTranslator.load('jupyter_vmshare');
const message = (event: EventView, me: string): string | undefined =>
  noticeOf(event, me, trans)?.message;

describe('a notification', () => {
  it('of an invitation can be answered', () => {
    expect(noticeOf(grantEvent('grant.invited'), 'ben', trans)).toMatchObject({
      message: 'ana invites you to "tests" (View).',
      invitation: 'gnt_1'
    });
  });

  it.each([
    ['grant.accepted', 'ben accepted your invitation to "tests".'],
    ['grant.declined', 'ben declined your invitation to "tests".'],
    ['grant.left', 'ben left "tests".']
  ])('of %s tells the giver', (type, expected) => {
    expect(message({ ...grantEvent(type), actor: 'ben' }, 'ana')).toBe(expected);
  });

  it('of what a team was given can be answered by its members', () => {
    const given = { receiver: 'genomics', receiver_kind: 'team' };
    expect(noticeOf(grantEvent('grant.invited', given), 'ben', trans)).toMatchObject({
      message: 'ana shares "tests" with genomics (View).',
      invitation: 'gnt_1'
    });
    const accepted = { ...grantEvent('grant.accepted', given), actor: 'ben' };
    expect(message(accepted, 'ana')).toBe('ben accepted your invitation to "tests".');
    const left = { ...grantEvent('grant.ended', { ...given, why: 'team_left' }), actor: null };
    expect(message(left, 'ben')).toContain('You are no longer in the team');
  });

  it('of a project tells its members, and who answered alone of their answer', () => {
    const given = { receiver: 'reef', receiver_kind: 'project' };
    expect(noticeOf(grantEvent('grant.invited', given), 'ben', trans)).toMatchObject({
      message: 'ana shares "tests" with reef (View).',
      invitation: 'gnt_1'
    });
    const left = { ...grantEvent('grant.ended', { ...given, why: 'team_left' }), actor: null };
    expect(message(left, 'ben')).toContain('You are no longer in the project reef.');
  });

  it.each([
    ['hand_over.offered', 'ana', 'ben', 'ana offers to hand "tests" over to you.'],
    ['hand_over.accepted', 'ben', 'ana', 'ben has taken "tests" over.'],
    ['hand_over.accepted', 'ben', 'cleo', '"tests" belongs to ben now.'],
    ['hand_over.declined', 'ben', 'ana', 'ben did not take "tests" over.'],
    ['hand_over.cancelled', 'ana', 'ben', 'ana took back the offer of "tests".']
  ])('of %s by %s tells %s', (type, actor, me, expected) => {
    const data = { hand_over_id: 'hnd_1', from: 'ana', to: 'ben', keep: true };
    expect(message({ ...happening(type, { data }), actor }, me)).toBe(expected);
  });

  it('of another level says from which to which', () => {
    const event = grantEvent('grant.changed', {
      from: 'edit',
      to: 'view',
      level: 'view',
      ends_at: null
    });
    expect(message(event, 'ben')).toBe('ana changed your level on "tests" from Edit to View.');
  });

  it('of another end date says it', () => {
    const dates = { from: 'view', to: 'view', ends_at: '2099-11-27T18:00:00.000Z' };
    expect(message(grantEvent('grant.changed', dates), 'ben')).toMatch(/now ends .*2099/);
    const none = { ...dates, ends_at: null };
    expect(message(grantEvent('grant.changed', none), 'ben')).toContain(
      'no longer has an end date'
    );
  });

  it.each([
    [grantEvent('grant.revoked'), 'ana no longer shares "tests" with you.'],
    [
      { ...grantEvent('grant.expired'), actor: null },
      'Your access to "tests" has ended: its end date has come.'
    ],
    [
      { ...grantEvent('grant.ended', { why: 'team_left' }), actor: null },
      'Your access to "tests" has ended. You are no longer in the team it was shared with.'
    ],
    [happening('folder.trashed'), 'ana moved "tests" to the trash.']
  ])('of an end says why: %#', (event, expected) => {
    expect(message(event, 'ben')).toBe(expected);
  });

  it('is not given for what one has done oneself, on whichever tab', () => {
    for (const type of ['grant.accepted', 'grant.left', 'grant.declined']) {
      expect(noticeOf({ ...grantEvent(type), actor: 'ben' }, 'ben', trans)).toBeNull();
    }
    expect(noticeOf(grantEvent('grant.invited'), 'ana', trans)).toBeNull();
  });

  it('is given once for a folder deleted for ever, not for each grant that ends with it', () => {
    const event = grantEvent('grant.ended', { why: 'thing_deleted' });
    expect(noticeOf(event, 'ben', trans)).toBeNull();
  });

  it.each([
    ['machine.deleted', 'ana deleted "gpu-box" for ever.'],
    ['drive.deleted', 'ana deleted "gpu-box" for ever.'],
    ['machine.idle_warned', 'Nobody uses "gpu-box": it stops soon.']
  ])('of %s says what there is to know', (type, expected) => {
    const actor = type === 'machine.idle_warned' ? null : 'ana';
    const event = { ...happening(type, { thing_name: 'gpu-box' }), actor };
    expect(message(event, 'ben')).toContain(expected);
  });

  it('of a mount that failed says where to look', () => {
    const event = { ...happening('mount.failed', { data: { name: 'tests' } }), actor: null };
    expect(message(event, 'ben')).toContain('"tests" could not be mounted in your session');
  });

  it('is given once for a right that changes, not again for each session that follows', () => {
    for (const type of ['mount.mounted', 'mount.changed', 'mount.unmounted', 'mount.chosen']) {
      expect(noticeOf(happening(type), 'ben', trans)).toBeNull();
      expect(noticeOf({ ...happening(type), actor: null }, 'ben', trans)).toBeNull();
    }
  });

  it('is not given for what the panel shows anyway', () => {
    expect(noticeOf(happening('files.changed'), 'ben', trans)).toBeNull();
    expect(noticeOf(happening('folder.renamed'), 'ben', trans)).toBeNull();
  });
});

describe('a notification about fast mounts', () => {
  const data = { session_id: 'ses_1', server_name: '', person: 'ben', processes: 1 };

  it('tells the owner who holds what was taken away, and offers to look', () => {
    const event = { ...happening('mount.held', { data }), actor: null };
    expect(noticeOf(event, 'ana', trans)).toMatchObject({
      message: '"tests" was a fast mount, and programs of ben have something of it open still.',
      held: 'fld_1'
    });
    expect(noticeOf(event, 'ben', trans)).toBeNull();
  });

  it('tells whose session was ended, and not who did it', () => {
    const event = { ...happening('session.stopped', { data }), actor: 'ana' };
    expect(message(event, 'ben')).toBe('ana ended your session, which held "tests".');
    expect(message(event, 'ana')).toBeUndefined();
  });
});
