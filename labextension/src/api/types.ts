import type { components } from './schema';

type Schemas = components['schemas'];

export type AsksPage = Schemas['AsksPage'];
export type AskView = Schemas['AskView'];
export type AuditEvent = Schemas['AuditEvent'];
export type AuditPage = Schemas['AuditPage'];
export type AuditVerdict = Schemas['AuditVerdict'];
export type ClonesPage = Schemas['ClonesPage'];
export type CloneView = Schemas['CloneView'];
export type CloudView = Schemas['CloudView'];
export type ConsoleLog = Schemas['ConsoleLog'];
export type Cut = Schemas['Cut'];
export type DeletionResults = Schemas['DeletionResults'];
export type DiskSource = Schemas['DiskSource'];
export type DrivesPage = Schemas['DrivesPage'];
export type DriveView = Schemas['DriveView'];
export type EntriesPage = Schemas['EntriesPage'];
export type EntryView = Schemas['EntryView'];
export type EventsPage = Schemas['EventsPage'];
export type EventView = Schemas['EventView'];
export type FolderFast = Schemas['FolderFast'];
export type FolderSettings = Schemas['FolderSettings'];
export type FoldersPage = Schemas['FoldersPage'];
export type FolderTrashed = Schemas['FolderTrashed'];
export type FolderView = Schemas['FolderView'];
export type GrantAt = Schemas['GrantAt'];
export type GrantChange = Schemas['GrantChange'];
export type GrantChanged = Schemas['GrantChanged'];
export type GrantResult = Schemas['GrantResult'];
export type GrantResults = Schemas['GrantResults'];
export type GrantView = Schemas['GrantView'];
export type HandOversPage = Schemas['HandOversPage'];
export type HandOverView = Schemas['HandOverView'];
export type HoldersPage = Schemas['HoldersPage'];
export type HolderView = Schemas['HolderView'];
export type HoldingsPage = Schemas['HoldingsPage'];
export type HoldingView = Schemas['HoldingView'];
export type InvitationsPage = Schemas['InvitationsPage'];
export type InvitationView = Schemas['InvitationView'];
export type Lineage = Schemas['Lineage'];
export type LinkLeadsTo = Schemas['LinkLeadsTo'];
export type LinkMade = Schemas['LinkMade'];
export type LinksPage = Schemas['LinksPage'];
export type LinkView = Schemas['LinkView'];
export type MachineSnapshotsPage = Schemas['MachineSnapshotsPage'];
export type MachineSnapshotView = Schemas['MachineSnapshotView'];
export type MachinesPage = Schemas['MachinesPage'];
export type MachineView = Schemas['MachineView'];
export type ManyResults = Schemas['ManyResults'];
export type MemberChange = Schemas['MemberChange'];
export type MembershipEnded = Schemas['MembershipEnded'];
export type MembersPage = Schemas['MembersPage'];
export type MemberView = Schemas['MemberView'];
export type MountChoice = Schemas['MountChoice'];
export type MountView = Schemas['MountView'];
export type MoveResults = Schemas['MoveResults'];
export type NewGrant = Schemas['NewGrant'];
export type NewLink = Schemas['NewLink'];
export type NewMachine = Schemas['NewMachine'];
export type Reboot = Schemas['Reboot'];
export type NewProject = Schemas['NewProject'];
export type PeopleOfThing = Schemas['PeopleOfThing'];
export type PeoplePage = Schemas['PeoplePage'];
export type PersonView = Schemas['PersonView'];
export type Problem = Schemas['Problem'];
export type ProjectChange = Schemas['ProjectChange'];
export type ProjectMeter = Schemas['ProjectMeter'];
export type ProjectMeters = Schemas['ProjectMeters'];
export type ProjectQuota = Schemas['ProjectQuota'];
export type ProjectRequest = Schemas['ProjectRequest'];
export type ProjectsPage = Schemas['ProjectsPage'];
export type ProjectView = Schemas['ProjectView'];
export type QuotaView = Schemas['QuotaView'];
export type Restoring = Schemas['Restoring'];
export type SessionsPage = Schemas['SessionsPage'];
export type SessionView = Schemas['SessionView'];
export type SharesPage = Schemas['SharesPage'];
export type ShareView = Schemas['ShareView'];
export type ShowingsPage = Schemas['ShowingsPage'];
export type ShowingView = Schemas['ShowingView'];
export type SnapshotPolicyAsked = Schemas['SnapshotPolicyAsked'];
export type SnapshotPolicyView = Schemas['SnapshotPolicyView'];
export type SnapshotsPage = Schemas['SnapshotsPage'];
export type SnapshotView = Schemas['SnapshotView'];
export type SourceView = Schemas['Source'];
export type StoppedPage = Schemas['StoppedPage'];
export type TeamsList = Schemas['TeamsList'];
export type TeamView = Schemas['TeamView'];
export type UploadsPage = Schemas['UploadsPage'];
export type UploadView = Schemas['UploadView'];
export type Why = Schemas['Why'];

/** What the notebook server's extension says about itself, its visitor and the service. */
export interface Session {
  /** Whether this notebook server runs under a JupyterHub. */
  hub: boolean;
  /** The visitor, by the hub's name. */
  user: string | null;
  /** Whose server this is; null without a hub. */
  server_owner: string | null;
  server_name: string | null;
  /** Whether the visitor is on their own server. */
  own_server: boolean;
  service: ServiceState;
  /** Where the service's own pages are; a path, or a whole address. */
  service_url: string | null;
  /** Why the service can't be used, in a sentence; null when it can. */
  because: string | null;
  /** Where shared folders are, as the file browser spells paths; null: it does not show them. */
  shared_dir: string | null;
  /** Where they are for programs of this session: an absolute path; null without mounts. */
  shared_path: string | null;
  /** Why the file browser does not show them, in a sentence. */
  mounts_because: string | null;
}

/** How the service is for this visitor. */
export type ServiceState = 'ok' | 'unreachable' | 'absent' | 'refused';

/** What the notebook server's WebSocket carries. */
export type StreamMessage =
  | { type: 'event'; event: EventView }
  // With `reset`, the service does not know the position asked for: load everything again.
  | { type: 'ready'; position: number; reset?: boolean }
  | { type: 'status'; state: ServiceState; because?: string | null };

/** How a folder of this session stands on a machine. */
export interface Standing {
  folder_id: string;
  machine_id: string;
  /** `elsewhere`: another session of the visitor's shows it there. */
  state: 'shown' | 'elsewhere' | 'waiting' | 'failed';
  place: string | null;
  /** A sentence, where it could not be shown. */
  because: string | null;
}
