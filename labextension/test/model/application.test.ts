import { applyToFolders, applyToInvitations, applyToTrash } from '../../src/model/application';
import { folder, grantEvent, happening, invitation } from '../fakes/things';

describe('invitations', () => {
  it.each(['grant.accepted', 'grant.declined', 'grant.cancelled', 'grant.expired', 'grant.ended'])(
    'go away on %s',
    type => {
      expect(applyToInvitations([invitation()], grantEvent(type), 'ben').items).toEqual([]);
    }
  );

  it('of others stay', () => {
    const event = grantEvent('grant.cancelled', { grant_id: 'gnt_2' });
    expect(applyToInvitations([invitation()], event, 'ben').items).toHaveLength(1);
  });

  it('are asked for when the visitor is invited, and only then', () => {
    const invited = grantEvent('grant.invited');
    expect(applyToInvitations([], invited, 'ben').stale).toBe(true);
    expect(applyToInvitations([], invited, 'ana').stale).toBe(false);
  });

  it('to what is a project’s go with one’s own answer, and not with another member’s', () => {
    const given = { receiver: 'reef', receiver_kind: 'project' };
    const said = { ...grantEvent('grant.accepted', given), actor: 'ben' };
    expect(applyToInvitations([invitation()], said, 'ana').items).toHaveLength(1);
    expect(applyToInvitations([invitation()], said, 'ben').items).toEqual([]);
  });

  it.each(['project.joined', 'project.removed', 'team.left'])('are asked for again on %s', type => {
    expect(applyToInvitations([], happening(type), 'ben').stale).toBe(true);
  });

  it('show a changed level and end date before they are answered', () => {
    const event = grantEvent('grant.changed', {
      level: 'edit',
      from: 'view',
      to: 'edit',
      ends_at: '2026-11-27T18:00:00.000Z'
    });
    const { items } = applyToInvitations([invitation()], event, 'ben');
    expect(items[0]).toMatchObject({ level: 'edit', ends_at: '2026-11-27T18:00:00.000Z' });
  });

  it('to a folder in the trash are not available, until it is restored', () => {
    const { items } = applyToInvitations([invitation()], happening('folder.trashed'), 'ben');
    expect(items[0]?.available).toBe(false);
    const restored = applyToInvitations(items, happening('folder.restored'), 'ben');
    expect(restored.items[0]?.available).toBe(true);
  });
});

describe('folders', () => {
  it('get their new name at once', () => {
    const event = happening('folder.renamed', { data: { from: 'tests', to: 'reef' } });
    expect(applyToFolders([folder()], event, 'ben').items[0]).toMatchObject({ label: 'reef' });
  });

  it("keep the visitor's own name for them", () => {
    const event = happening('folder.renamed', { data: { from: 'tests', to: 'reef' } });
    const { items } = applyToFolders([folder({ alias: 'mine' })], event, 'ben');
    expect(items[0]).toMatchObject({ label: 'mine', name: 'reef' });
  });

  it('of a project stay with others’ answers, and are asked for again with one’s membership', () => {
    const given = { receiver: 'reef', receiver_kind: 'project' };
    const left = { ...grantEvent('grant.left', given), actor: 'cleo' };
    expect(applyToFolders([folder()], left, 'ben').items).toHaveLength(1);
    expect(applyToFolders([], grantEvent('grant.invited', given), 'ana').stale).toBe(true);
    for (const type of ['project.member_ended', 'override.set']) {
      expect(applyToFolders([], happening(type), 'ben').stale).toBe(true);
    }
  });

  it.each(['grant.revoked', 'grant.expired', 'grant.left', 'grant.ended'])(
    'disappear on %s of the visitor, and are asked for again: another source may open them',
    type => {
      expect(applyToFolders([folder()], grantEvent(type), 'ben')).toEqual({
        items: [],
        stale: true
      });
    }
  );

  it("stay when somebody else's access to them ends", () => {
    const event = grantEvent('grant.revoked', { receiver: 'dan' });
    expect(applyToFolders([folder()], event, 'ana').items).toHaveLength(1);
  });

  it.each(['folder.trashed', 'folder.deleted'])('disappear on %s', type => {
    expect(applyToFolders([folder()], happening(type), 'ben').items).toEqual([]);
  });

  it('do not mind what changes inside them', () => {
    const items = [folder()];
    const applied = applyToFolders(items, happening('files.changed'), 'ben');
    expect(applied).toEqual({ items, stale: false });
    expect(applied.items).toBe(items);
  });
});

describe('any event', () => {
  const types = ['folder.renamed', 'folder.trashed', 'grant.revoked', 'grant.changed'];
  it.each(types)('%s applied twice is as if once', type => {
    const event = grantEvent(type, { to: 'reef' });
    const once = applyToFolders([folder()], event, 'ben').items;
    expect(applyToFolders(once, event, 'ben').items).toEqual(once);
    const asked = applyToInvitations([invitation()], event, 'ben').items;
    expect(applyToInvitations(asked, event, 'ben').items).toEqual(asked);
  });
});

describe('the trash', () => {
  it('takes up, and gives back', () => {
    expect(applyToTrash([], happening('folder.trashed')).stale).toBe(true);
    expect(applyToTrash([folder()], happening('folder.restored')).items).toEqual([]);
  });
});
