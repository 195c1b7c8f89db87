import type { CloudView, DriveView, GrantView, MachineView } from '../../src/api/types';
import { grant } from './things';

const OWNER = [
  ...['see_in_list', 'see_people', 'start', 'stop', 'reboot', 'read_console_log', 'invite_user'],
  ...['invite_manager', 'invite_co_owner', 'change_grant', 'revoke_grant', 'rename', 'resize'],
  ...['rebuild', 'snapshot', 'read_files', 'upload', 'download'],
  ...['stop_sharing_with_all', 'attach_drive', 'detach_drive', 'keep_on', 'edit_idle_policy'],
  ...['hand_over', 'delete']
];

/** What each level may do with a machine that runs, as the service lists it. */
export const MACHINE_ACTIONS = {
  owner: OWNER,
  manage: [
    ...['see_in_list', 'see_people', 'start', 'stop', 'reboot', 'read_console_log'],
    ...['invite_user', 'change_grant', 'revoke_grant', 'leave', 'keep_on']
  ],
  use: [
    ...['see_in_list', 'see_people', 'start', 'invite_user', 'change_grant', 'revoke_grant'],
    ...['leave', 'keep_on']
  ]
};

export function machine(over: Partial<MachineView> = {}): MachineView {
  return {
    id: 'mch_1',
    name: 'gpu-box',
    owner: 'ben',
    level: 'owner',
    state: 'running',
    desired: 'running',
    step: null,
    because: null,
    retry_at: null,
    size: 'small',
    image: 'debian',
    made_from: 'Debian',
    drives: [],
    idle_minutes: null,
    keep_on_until: null,
    stops_at: null,
    ends_at: null,
    shared_with: 0,
    created_at: '2026-11-23T00:00:00.000Z',
    actions: MACHINE_ACTIONS.owner,
    version: 1,
    ...over
  };
}

export function drive(over: Partial<DriveView> = {}): DriveView {
  return {
    id: 'drv_1',
    name: 'data',
    owner: 'ben',
    level: 'owner',
    state: 'ready',
    because: null,
    retry_at: null,
    size_gib: 50,
    machines: [],
    ends_at: null,
    shared_with: 0,
    created_at: '2026-11-23T00:00:00.000Z',
    actions: ['see_in_list', 'see_people', 'attach_read_write', 'detach', 'invite', 'extend'],
    version: 1,
    ...over
  };
}

export function cloud(over: Partial<CloudView> = {}): CloudView {
  return {
    offered: true,
    because: null,
    images: [{ id: 'debian', name: 'Debian', description: 'A small Debian', disk_gib: 2 }],
    sizes: [
      { id: 'small', name: 'Small', processors: 1, memory_mib: 1024, disk_gib: 5 },
      { id: 'tiny', name: 'Tiny', processors: 1, memory_mib: 256, disk_gib: 1 }
    ],
    drive_gib: 10,
    can: ['snapshot', 'attach_running'],
    ...over
  };
}

export function toUse(over: Partial<GrantView> = {}): GrantView {
  return grant({
    thing_id: 'mch_1',
    thing_kind: 'machine',
    level: 'use',
    ticks: ['terminal', 'files', 'upload', 'download', 'apps', 'invite'],
    profile: 'standard',
    ...over
  });
}
