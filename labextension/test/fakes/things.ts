import type {
  CloneView,
  EntryView,
  EventView,
  FolderView,
  GrantView,
  InvitationView,
  MountView,
  Problem,
  QuotaView,
  Session,
  SessionView,
  ShareView,
  SnapshotView
} from '../../src/api/types';

const OWNER_ACTIONS = [
  'see_in_list',
  'see_people',
  'list_files',
  'read_file',
  'download',
  'create_file',
  'create_directory',
  'write_file',
  'upload',
  'rename_file',
  'delete_file',
  'rename_folder',
  'trash_folder',
  'invite',
  'change_level',
  'revoke',
  'choose_alias',
  'mount_read_only',
  'mount_read_write'
];

/** What each level may do, as the service lists it. */
export const ACTIONS = {
  owner: OWNER_ACTIONS,
  edit_delete: [
    ...['see_in_list', 'see_people', 'list_files', 'read_file', 'download', 'create_file'],
    ...['create_directory', 'write_file', 'upload', 'rename_file', 'delete_file'],
    ...['choose_alias', 'leave', 'mount_read_only']
  ],
  edit: [
    ...['see_in_list', 'see_people', 'list_files', 'read_file', 'download', 'create_file'],
    ...['create_directory', 'write_file', 'upload', 'choose_alias', 'leave', 'mount_read_only']
  ],
  view: [
    ...['see_in_list', 'see_people', 'list_files', 'read_file', 'download'],
    ...['choose_alias', 'leave', 'mount_read_only']
  ]
};

export function folder(over: Partial<FolderView> = {}): FolderView {
  const name = over.name ?? 'tests';
  return {
    id: 'fld_1',
    name,
    label: over.alias ?? name,
    alias: null,
    owner: 'ana',
    relation: 'shared_with_me',
    level: 'view',
    state: 'live',
    created_at: '2026-11-23T00:00:00.000Z',
    ends_at: null,
    shared_with: null,
    actions: ACTIONS.view,
    version: 1,
    ...over
  };
}

export function invitation(over: Partial<InvitationView> = {}): InvitationView {
  return {
    id: 'gnt_1',
    thing_id: 'fld_1',
    thing_kind: 'folder',
    thing_name: 'tests',
    owner: 'ana',
    giver: 'ana',
    level: 'view',
    receiver: { kind: 'person', name: 'ben' },
    created_at: '2026-11-23T00:00:00.000Z',
    ends_at: null,
    available: true,
    version: 1,
    suggested_alias: null,
    ...over
  };
}

export function grant(over: Partial<GrantView> = {}): GrantView {
  return {
    id: 'gnt_1',
    thing_id: 'fld_1',
    thing_kind: 'folder',
    receiver: { kind: 'person', name: 'ben' },
    giver: 'ana',
    level: 'view',
    state: 'active',
    created_at: '2026-11-23T00:00:00.000Z',
    ends_at: null,
    version: 1,
    ...over
  };
}

/** What the notebook server says of ben's visit. */
export function here(over: Partial<Session> = {}): Session {
  return {
    hub: true,
    user: 'ben',
    server_owner: 'ben',
    server_name: '',
    own_server: true,
    service: 'ok',
    service_url: '/services/vmshare/',
    because: null,
    shared_dir: 'shared',
    shared_path: '/home/ben/shared',
    mounts_because: null,
    ...over
  };
}

export function running(over: Partial<SessionView> = {}): SessionView {
  return {
    id: 'ses_1',
    server_name: '',
    started_at: '2026-11-23T00:00:00.000Z',
    mounts_available: true,
    because: null,
    mounts: [],
    ...over
  };
}

export function mount(over: Partial<MountView> = {}): MountView {
  return {
    folder_id: 'fld_1',
    name: 'tests',
    level: 'view',
    read_only: true,
    state: 'mounted',
    because: null,
    until: null,
    ...over
  };
}

export function entry(path: string, over: Partial<EntryView> = {}): EntryView {
  return {
    name: path.split('/').at(-1) ?? path,
    path,
    kind: 'file',
    size: 12,
    modified_at: '2026-11-23T00:00:00.000Z',
    ...over
  };
}

let position = 0;

export function happening(type: string, over: Partial<EventView> = {}): EventView {
  return {
    position: ++position,
    type,
    at: '2026-11-23T00:00:00.000Z',
    actor: 'ana',
    thing_id: 'fld_1',
    thing_name: 'tests',
    data: {},
    ...over
  };
}

/** An event about ben's grant. */
export function grantEvent(type: string, data: Record<string, unknown> = {}): EventView {
  const particulars = { grant_id: 'gnt_1', level: 'view', receiver: 'ben', giver: 'ana', ...data };
  return happening(type, { data: particulars });
}

export function problem(status: number, code: string, over: Partial<Problem> = {}): Problem {
  return { type: `urn:${code}`, title: code, status, code, detail: `It is ${code}.`, ...over };
}

export function snapshot(over: Partial<SnapshotView> = {}): SnapshotView {
  return {
    id: 'snp_1',
    folder_id: 'fld_1',
    state: 'done',
    automatic: false,
    created_at: '2026-11-23T00:00:00.000Z',
    ended_at: '2026-11-23T00:00:01.000Z',
    files: 3,
    bytes: 36,
    because: null,
    ...over
  };
}

export function clone(over: Partial<CloneView> = {}): CloneView {
  return {
    id: 'cln_1',
    source_id: 'fld_1',
    source_name: 'tests',
    folder_id: 'fld_9',
    name: 'my tests',
    state: 'copying',
    created_at: '2026-11-23T00:00:00.000Z',
    files: 7,
    bytes: 84,
    because: null,
    ...over
  };
}

export function quota(over: Partial<QuotaView> = {}): QuotaView {
  return {
    person: 'ben',
    bytes: { used: 3 << 20, limit: 10 << 20, left: 7 << 20 },
    folders: { used: 2, limit: 20, left: 18 },
    by_default: true,
    by_folder: [{ folder_id: 'fld_1', used: 2 << 20, snapshots: 1 << 20 }],
    ...over
  };
}

export function share(over: Partial<ShareView> = {}): ShareView {
  return {
    ...grant(),
    thing_name: 'tests',
    thing_label: 'tests',
    thing_state: 'live',
    owner: 'ana',
    answer: 'accepted',
    effective_level: 'view',
    actions: ['change_level', 'revoke', 'list_files'],
    ...over
  };
}
