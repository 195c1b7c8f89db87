import type { PageAsked } from './client';
import { placeOf } from './things';
import type { Asking, Transport } from './transport';
import type {
  CloudView,
  ConsoleLog,
  Cut,
  DiskSource,
  DrivesPage,
  DriveView,
  GrantResult,
  GrantResults,
  GrantView,
  Lineage,
  MachineSnapshotsPage,
  MachineSnapshotView,
  MachinesPage,
  MachineView,
  NewGrant,
  NewMachine,
  ProjectMeters,
  ProjectsPage,
  ProjectView,
  Reboot
} from './types';

/** What can be asked of a machine by a word. */
export type MachineVerb = 'start' | 'stop' | 'reboot' | 'reboot-hard';

/** Every request about machines, drives and snapshots that the panel makes. */
export class MachineClient {
  constructor(readonly transport: Transport) {}

  /** What this site offers, or why it offers nothing. */
  cloud(signal?: AbortSignal): Promise<CloudView> {
    return this.call('cloud', { signal });
  }

  machines(page: PageAsked): Promise<MachinesPage> {
    return this.read('machines', page);
  }

  machine(id: string, signal?: AbortSignal): Promise<MachineView> {
    return this.call(`machines/${id}`, { signal });
  }

  /** `project`: in that one; null: for oneself. */
  create(machine: NewMachine, key: string, project: string | null = null): Promise<MachineView> {
    const path = project === null ? 'machines' : `projects/${project}/machines`;
    return this.call(path, { method: 'POST', body: machine, key });
  }

  /** The projects in which the visitor may make machines. */
  async placesForMachines(): Promise<readonly ProjectView[]> {
    const { items } = await this.call<ProjectsPage>('projects', { query: { limit: 200 } });
    return items.filter(({ actions }) => actions.includes('machine.create'));
  }

  /** What a project holds, and how much of its quota is left. */
  meters(project: string): Promise<ProjectMeters> {
    return this.call(`projects/${project}/meters`);
  }

  /** Wanting the same twice is wanting it once, but for a reboot. */
  ask(id: string, verb: MachineVerb, key: string): Promise<MachineView> {
    if (verb === 'reboot-hard') {
      const body: Reboot = { hard: true };
      return this.call(`machines/${id}/reboot`, { method: 'POST', body, key });
    }
    const once = verb === 'reboot' ? { key } : { repeatable: true };
    return this.call(`machines/${id}/${verb}`, { method: 'POST', ...once });
  }

  resize(id: string, size: string): Promise<MachineView> {
    return this.call(`machines/${id}/size`, { method: 'PUT', body: { size } });
  }

  rebuild(id: string, source: DiskSource, key: string): Promise<MachineView> {
    return this.call(`machines/${id}/rebuild`, { method: 'POST', body: source, key });
  }

  /** The end of what a machine wrote to its console. */
  console(id: string): Promise<ConsoleLog> {
    return this.call(`machines/${id}/console`);
  }

  keepOn(id: string, hours: number): Promise<MachineView> {
    const asking = { method: 'POST', body: { hours }, repeatable: true };
    return this.call(`machines/${id}/keep-on`, asking);
  }

  /** After how many minutes without use it stops; null: never. */
  setIdle(id: string, minutes: number | null): Promise<MachineView> {
    return this.call(`machines/${id}/idle-policy`, { method: 'PUT', body: { minutes } });
  }

  /** Of a machine or a drive, for everybody. */
  rename(id: string, name: string, version: number): Promise<MachineView | DriveView> {
    return this.call(placeOf(id), { method: 'PATCH', body: { name }, version });
  }

  /** Of a machine or a drive. */
  leave(id: string): Promise<Cut> {
    return this.call(`${placeOf(id)}/leave`, { method: 'POST' });
  }

  drives(page: PageAsked): Promise<DrivesPage> {
    return this.read('drives', page);
  }

  createDrive(name: string, size: number, key: string): Promise<DriveView> {
    return this.call('drives', { method: 'POST', body: { name, size_gib: size }, key });
  }

  /** To write, on one machine; to read, on several. */
  attach(drive: string, machine: string, readOnly: boolean): Promise<DriveView> {
    const role = readOnly ? 'readers' : 'writer';
    return this.call(`drives/${drive}/${role}/${machine}`, { method: 'PUT' });
  }

  /** From the drive's side, for who may do that with the drive. */
  detach(drive: string, machine: string): Promise<DriveView> {
    return this.call(`drives/${drive}/machines/${machine}`, { method: 'DELETE' });
  }

  /** From the machine's side, whosever the drive is. */
  takeOff(machine: string, drive: string): Promise<MachineView> {
    return this.call(`machines/${machine}/drives/${drive}`, { method: 'DELETE' });
  }

  /** Of a machine's owner, whosever the drive is. */
  moveDrive(machine: string, drive: string, to: string): Promise<MachineView> {
    const path = `machines/${machine}/drives/${drive}/move`;
    return this.call(path, { method: 'POST', body: { machine_id: to } });
  }

  extend(drive: string, size: number): Promise<DriveView> {
    return this.call(`drives/${drive}/size`, { method: 'PUT', body: { size_gib: size } });
  }

  cloneDrive(drive: string, name: string, key: string): Promise<DriveView> {
    return this.call(`drives/${drive}/clones`, { method: 'POST', body: { name }, key });
  }

  snapshots(page: PageAsked): Promise<MachineSnapshotsPage> {
    return this.read('machine-snapshots', page);
  }

  takeSnapshot(machine: string, name: string, key: string): Promise<MachineSnapshotView> {
    return this.call(`machines/${machine}/snapshots`, { method: 'POST', body: { name }, key });
  }

  deleteSnapshot(id: string): Promise<void> {
    return this.call(`machine-snapshots/${id}`, { method: 'DELETE' });
  }

  /** Everything that ends with a grant: it, and what was given on from it. */
  lineage(grant: string, signal?: AbortSignal): Promise<Lineage> {
    return this.call(`grants/${grant}/lineage`, { signal });
  }

  takeOver(handOver: string, kind: 'machine' | 'drive', name?: string): Promise<GrantView> {
    const body = name === undefined ? {} : { body: { name } };
    const asking = { method: 'POST', ...body, repeatable: true };
    return this.call(`hand-overs/${handOver}/${kind}`, asking);
  }

  /** Users and managers are invited by routes of their own; the results are in the order asked. */
  async invite(machine: string, grants: readonly NewGrant[], key: string): Promise<GrantResults> {
    const told: { at: number; result: GrantResult }[] = [];
    for (const [level, role] of [
      ['use', 'users'],
      ['manage', 'managers']
    ] as const) {
      const asked = grants.flatMap(({ level: wanted, ...use }, at) =>
        wanted === level ? [{ at, use }] : []
      );
      if (asked.length > 0) {
        const body = { grants: asked.map(({ use }) => use) };
        const asking = { method: 'POST', body, key: `${key}-${level}` };
        const path = `machines/${machine}/${role}`;
        const { results } = await this.call<GrantResults>(path, asking);
        told.push(...results.map((result, which) => ({ at: asked[which]?.at ?? 0, result })));
      }
    }
    return { results: told.sort((one, other) => one.at - other.at).map(({ result }) => result) };
  }

  private call<T>(path: string, asking: Asking = {}): Promise<T> {
    return this.transport.json(`api/${path}`, asking);
  }

  private read<T>(path: string, { after, limit, signal }: PageAsked): Promise<T> {
    return this.call(path, { query: { after, limit }, signal });
  }
}
