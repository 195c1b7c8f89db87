import type { PageAsked } from './client';
import type { Asking, Sender } from './sender';
import type {
  AsksPage,
  AskView,
  DrivesPage,
  LinkLeadsTo,
  LinkMade,
  LinksPage,
  MachinesPage,
  MachineView,
  MemberChange,
  MembershipEnded,
  MembersPage,
  MemberView,
  NewLink,
  NewProject,
  ProjectChange,
  ProjectMeters,
  ProjectQuota,
  ProjectRequest,
  ProjectsPage,
  ProjectView
} from './types';

/** The contract's requests about projects; one method a route. */
export class ProjectClient {
  constructor(private readonly sender: Sender) {}

  projects(page: PageAsked): Promise<ProjectsPage> {
    return this.read('projects', page);
  }

  create(asked: NewProject, key: string): Promise<ProjectView> {
    return this.call('projects', { method: 'POST', body: asked, key });
  }

  /** Requests that wait for an answer; for hub admins. */
  requests(page: PageAsked): Promise<ProjectsPage> {
    return this.read('project-requests', page);
  }

  request(asked: ProjectRequest, key: string): Promise<ProjectView> {
    return this.call('project-requests', { method: 'POST', body: asked, key });
  }

  project(id: string, signal?: AbortSignal): Promise<ProjectView> {
    return this.call(`projects/${id}`, { signal });
  }

  change(id: string, asked: ProjectChange, version: number): Promise<ProjectView> {
    return this.call(`projects/${id}`, { method: 'PATCH', body: asked, version });
  }

  approve(id: string, quota: ProjectQuota): Promise<ProjectView> {
    return this.call(`projects/${id}/approve`, { method: 'POST', body: { quota } });
  }

  decline(id: string, because: string): Promise<ProjectView> {
    return this.call(`projects/${id}/decline`, { method: 'POST', body: { because } });
  }

  cancel(id: string): Promise<null> {
    return this.call(`projects/${id}/cancel`, { method: 'POST' });
  }

  setQuota(id: string, quota: ProjectQuota): Promise<ProjectView> {
    return this.call(`projects/${id}/quota`, { method: 'PUT', body: quota, repeatable: true });
  }

  members(id: string, page: PageAsked): Promise<MembersPage> {
    return this.read(`projects/${id}/members`, page);
  }

  changeMember(
    id: string,
    person: string,
    asked: MemberChange,
    version: number
  ): Promise<MemberView> {
    return this.call(memberPath(id, person), { method: 'PATCH', body: asked, version });
  }

  removeMember(id: string, person: string): Promise<MembershipEnded> {
    return this.call(memberPath(id, person), { method: 'DELETE' });
  }

  leave(id: string): Promise<MembershipEnded> {
    return this.call(`projects/${id}/leave`, { method: 'POST' });
  }

  /** What it holds, and how much of its quota is left. */
  meters(id: string): Promise<ProjectMeters> {
    return this.call(`projects/${id}/meters`);
  }

  machines(id: string, page: PageAsked): Promise<MachinesPage> {
    return this.read(`projects/${id}/machines`, page);
  }

  drives(id: string, page: PageAsked): Promise<DrivesPage> {
    return this.read(`projects/${id}/drives`, page);
  }

  /** Lets only active members in; of a machine or a drive. */
  tag(kind: 'machine' | 'drive', id: string): Promise<unknown> {
    return this.call(`${kind}s/${id}/tag`, { method: 'PUT', repeatable: true });
  }

  /** Wanting the same twice is wanting it once. */
  power(machine: string, verb: 'start' | 'stop'): Promise<MachineView> {
    return this.call(`machines/${machine}/${verb}`, { method: 'POST', repeatable: true });
  }

  links(id: string, page: PageAsked): Promise<LinksPage> {
    return this.read(`projects/${id}/links`, page);
  }

  /** A new link, with the code that is told this once. */
  makeLink(id: string, asked: NewLink): Promise<LinkMade> {
    return this.call(`projects/${id}/links`, { method: 'POST', body: asked });
  }

  revokeLink(id: string, link: string): Promise<null> {
    return this.call(`projects/${id}/links/${link}`, { method: 'DELETE' });
  }

  asks(id: string, page: PageAsked): Promise<AsksPage> {
    return this.read(`projects/${id}/asks`, page);
  }

  letIn(id: string, ask: string, endsAt: string | null): Promise<AskView> {
    const body = { ends_at: endsAt };
    return this.call(`projects/${id}/asks/${ask}/accept`, { method: 'POST', body });
  }

  keepOut(id: string, ask: string): Promise<AskView> {
    return this.call(`projects/${id}/asks/${ask}/decline`, { method: 'POST' });
  }

  /** Takes one's own wish to join back. */
  cancelAsk(id: string, ask: string): Promise<null> {
    return this.call(`projects/${id}/asks/${ask}`, { method: 'DELETE' });
  }

  /** Where a link leads. */
  look(code: string): Promise<LinkLeadsTo> {
    return this.call('project-links/look', { method: 'POST', body: { code } });
  }

  /** Asks to join; asking twice asks once. */
  ask(code: string): Promise<AskView> {
    return this.call('project-links/ask', { method: 'POST', body: { code }, repeatable: true });
  }

  private call<T>(path: string, asking: Asking = {}): Promise<T> {
    return this.sender.json(`api/${path}`, asking);
  }

  private read<T>(path: string, { after, limit, signal }: PageAsked): Promise<T> {
    return this.call(path, { query: { after, limit }, signal });
  }
}

function memberPath(id: string, person: string): string {
  return `projects/${id}/members/${encodeURIComponent(person)}`;
}
