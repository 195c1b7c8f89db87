import type { ApiClient } from '../api/client';
import type { MachineClient } from '../api/machines';
import { sentenceOf } from '../api/problem';
import type {
  CloudView,
  DiskSource,
  MachineSnapshotView,
  MachineView,
  NewMachine,
  ProjectMeter,
  ProjectView
} from '../api/types';
import { DraftsModel } from './drafts';

type Image = NonNullable<CloudView['images']>[number];
/** A size that the site offers. */
export type Size = NonNullable<CloudView['sizes']>[number];

/** What is missing before a machine can be made. */
export type Missing = 'name' | 'source' | 'size' | 'room' | 'drive';

/** What a machine's system disk is made from. */
export interface Source {
  kind: 'image' | 'snapshot';
  id: string;
  name: string;
  /** The smallest disk that it fits on; null: not known. */
  diskGib: number | null;
}

/** What a person writes down until a machine can be made. */
export interface Plan {
  name: string;
  /** `image:<id>` or `snapshot:<id>`; empty: not chosen yet. */
  source: string;
  size: string;
  /** Of the drive that comes with it; 0: none, null: that is no number of GiB. */
  driveGib: number | null;
  /** The project in which it is made; empty: for oneself. */
  project: string;
}

/** A machine that is about to be made, and who gets it. */
export class NewMachineModel extends DraftsModel {
  constructor(
    api: ApiClient,
    private readonly machines: MachineClient,
    readonly cloud: CloudView,
    snapshots: readonly MachineSnapshotView[]
  ) {
    super(api, 'machine', 'use');
    this.sources = sourcesOf(cloud, snapshots);
    this.sizes = cloud.sizes ?? [];
    const only = <T>(items: readonly T[]): T | undefined =>
      items.length === 1 ? items[0] : undefined;
    const source = only(this.sources);
    this._plan = {
      name: '',
      source: source ? keyOf(source) : '',
      size: only(this.sizes)?.id ?? '',
      driveGib: cloud.drive_gib ?? 0,
      project: ''
    };
  }

  /** Looks where machines can be made; one's own place is always there. */
  async lookForPlaces(): Promise<void> {
    try {
      this._places = await this.machines.placesForMachines();
    } catch {
      // Then it is made for oneself, or the dialog is opened again.
      this._places = [];
    }
    this.edit(this._drafts);
  }

  /** The projects in which one may make machines. */
  get places(): readonly ProjectView[] {
    return this._places;
  }

  /** What the chosen project has left; null: not known, or there is no project. */
  get meters(): readonly ProjectMeter[] | null {
    return this._meters?.project === this._plan.project ? this._meters.meters : null;
  }

  /** Chooses where it is made, and asks what is left there. */
  async choosePlace(project: string): Promise<void> {
    this.change({ project });
    if (project) {
      try {
        const { meters } = await this.machines.meters(project);
        this._meters = { project, meters };
      } catch (error) {
        this._failure = sentenceOf(error);
      }
      this.edit(this._drafts);
    }
  }

  readonly sources: readonly Source[];
  readonly sizes: readonly Size[];

  get plan(): Plan {
    return this._plan;
  }

  /** Why the service did not make it, in a sentence. */
  get failure(): string | null {
    return this._failure;
  }

  /** The size that was chosen. */
  get size(): Size | undefined {
    return this.sizes.find(({ id }) => id === this._plan.size);
  }

  /** What the system disk is made from. */
  get source(): Source | undefined {
    return this.sources.find(source => keyOf(source) === this._plan.source);
  }

  change(change: Partial<Plan>): void {
    this._plan = { ...this._plan, ...change };
    this._failure = null;
    this.edit(this._drafts);
  }

  /** In the order of the fields. */
  get missing(): readonly Missing[] {
    const { name, driveGib } = this._plan;
    const { source, size } = this;
    const isSmall = source && size && (source.diskGib ?? 0) > size.disk_gib;
    return [
      ...(name.trim() ? [] : ['name' as const]),
      ...(source ? [] : ['source' as const]),
      ...(size ? [] : ['size' as const]),
      ...(isSmall ? ['room' as const] : []),
      ...(driveGib === null || driveGib < 0 ? ['drive' as const] : [])
    ];
  }

  /** Has the machine made, with all invitations; null, and a sentence, where that can't be. */
  async make(): Promise<MachineView | null> {
    const { source } = this;
    if (this.isSending || !source || this.missing.length > 0) {
      return null;
    }
    this._failure = null;
    this.sending(true);
    try {
      const { project } = this._plan;
      return await this.machines.create(this.asked(source), this._key, project || null);
    } catch (error) {
      this._failure = sentenceOf(error);
      return null;
    } finally {
      this.sending(false);
    }
  }

  private asked(source: Source): NewMachine {
    const { name, size, driveGib } = this._plan;
    return {
      name: name.trim(),
      size,
      drive_gib: driveGib,
      grants: this.grants(),
      ...diskOf(source)
    };
  }

  private _failure: string | null = null;
  private _meters: { project: string; meters: readonly ProjectMeter[] } | null = null;
  private _places: readonly ProjectView[] = [];
  private _plan: Plan;
}

/** What a source is called in a field's value. */
export function keyOf({ kind, id }: Source): string {
  return `${kind}:${id}`;
}

/** A source as the service takes it. */
export function diskOf({ kind, id }: Source): DiskSource {
  return kind === 'image' ? { image: id } : { snapshot_id: id };
}

/** Images of the site, and snapshots that are stored. */
export function sourcesOf(
  cloud: CloudView | null,
  snapshots: readonly MachineSnapshotView[]
): readonly Source[] {
  return [
    ...(cloud?.images ?? []).map(sourceOfImage),
    ...snapshots.filter(({ state }) => state === 'ready').map(sourceOfSnapshot)
  ];
}

function sourceOfImage({ id, name, disk_gib: diskGib }: Image): Source {
  return { kind: 'image', id, name, diskGib };
}

function sourceOfSnapshot({ id, name, disk_gib: diskGib }: MachineSnapshotView): Source {
  return { kind: 'snapshot', id, name, diskGib: diskGib ?? null };
}
