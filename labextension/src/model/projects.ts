import type { IDisposable } from '@lumino/disposable';

import type { ProjectClient } from '../api/projects';
import { newKey } from '../api/sender';
import type {
  EventView,
  NewProject,
  ProjectQuota,
  ProjectRequest,
  ProjectView
} from '../api/types';
import type { Applied } from './application';
import { LiveList } from './livelist';

const PAGE = 200;

/** The person's projects, and for hub admins those that are asked for. */
export class ProjectsModel implements IDisposable {
  constructor(
    readonly api: ProjectClient,
    /** Whether the person may answer requests. */
    readonly answers: boolean
  ) {}

  readonly projects = new LiveList<ProjectView>({
    page: (after, signal) => this.api.projects({ after, limit: PAGE, signal }),
    apply: askAgain
  });

  readonly requests = new LiveList<ProjectView>({
    page: (after, signal) => this.api.requests({ after, limit: PAGE, signal }),
    apply: askAgain
  });

  get isDisposed(): boolean {
    return this.projects.isDisposed;
  }

  receive(event: EventView): void {
    this.projects.receive(event);
    if (this.answers) {
      this.requests.receive(event);
    }
  }

  async refresh(): Promise<void> {
    await Promise.all([this.projects.refresh(), this.answers ? this.requests.refresh() : null]);
  }

  /** Asks for a project, which is there once a hub admin has said yes. */
  async request(asked: ProjectRequest): Promise<void> {
    await this.api.request(asked, newKey());
    await this.refresh();
  }

  /** Makes a project at once. */
  async create(asked: NewProject): Promise<ProjectView> {
    const made = await this.api.create(asked, newKey());
    await this.refresh();
    return made;
  }

  /** Takes one's own request back. */
  async cancel(id: string): Promise<void> {
    await this.api.cancel(id);
    this.projects.remove(id);
  }

  /** Takes one's own wish to join back. */
  async cancelAsk(id: string, ask: string): Promise<void> {
    await this.api.cancelAsk(id, ask);
    this.projects.remove(id);
  }

  async approve(id: string, quota: ProjectQuota): Promise<void> {
    await this.api.approve(id, quota);
    this.requests.remove(id);
    await this.projects.refresh();
  }

  async decline(id: string, because: string): Promise<void> {
    await this.api.decline(id, because);
    this.requests.remove(id);
    await this.projects.refresh();
  }

  dispose(): void {
    this.projects.dispose();
    this.requests.dispose();
  }
}

/** What happens to projects changes counts and roles, too: the service knows. */
function askAgain(items: readonly ProjectView[], event: EventView): Applied<ProjectView> {
  return { items, stale: event.type.startsWith('project.') };
}
