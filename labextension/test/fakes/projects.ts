import { ProjectClient } from '../../src/api/projects';
import type { AskView, LinkView, MemberView, ProjectView } from '../../src/api/types';
import type { FakeServer } from './server';

/** What the tables let an administrator do, of what the pages offer. */
export const ADMINISTERS = [
  'member.invite',
  'member.list',
  'member.answer_request',
  'member.change_role',
  'member.remove',
  'member.leave',
  'settings.change'
];

export function project(over: Partial<ProjectView> = {}): ProjectView {
  return {
    id: 'prj_1',
    kind: 'research',
    name: 'genome',
    description: '',
    state: 'active',
    role: 'member',
    member_until: null,
    ask_id: null,
    created_by: 'ana',
    created_at: '2026-11-20T10:00:00.000Z',
    because: null,
    administrators: ['ana'],
    members: 2,
    quota: { machines: 4 },
    members_may_create: true,
    members_see_each_other: true,
    new_things_open: false,
    actions: ['member.list', 'member.leave'],
    version: 1,
    ...over
  };
}

export function member(person: string, over: Partial<MemberView> = {}): MemberView {
  return {
    person,
    role: 'member',
    since: '2026-11-20T10:00:00.000Z',
    ends_at: null,
    version: 1,
    ...over
  };
}

export function link(over: Partial<LinkView> = {}): LinkView {
  return {
    id: 'lnk_1',
    note: 'for the lab',
    made_by: 'ana',
    made_at: '2026-11-20T10:00:00.000Z',
    ends_at: '2026-12-04T10:00:00.000Z',
    uses: 3,
    used: 1,
    is_open: true,
    ...over
  };
}

export function ask(person: string, over: Partial<AskView> = {}): AskView {
  return {
    id: `ask_${person}`,
    project_id: 'prj_1',
    person,
    state: 'waiting',
    asked_at: '2026-11-20T10:00:00.000Z',
    answered_by: null,
    ...over
  };
}

/** A service with one project in it, as `mine` sees it. */
export function withProject(
  server: FakeServer,
  mine: () => ProjectView,
  people: () => MemberView[] = () => [member('ana', { role: 'administrator' }), member('ben')]
): FakeServer {
  const page = (items: unknown[]): unknown => ({ items, next: null });
  return server
    .on('GET api/projects', () => page([mine()]))
    .on('GET api/projects/prj_1', mine)
    .on('GET api/projects/prj_1/members', () => page(people()))
    .on('GET api/projects/prj_1/links', () => page([link()]))
    .on('GET api/projects/prj_1/asks', () => page([ask('cleo')]))
    .on('GET api/projects/prj_1/machines', () => page([]))
    .on('GET api/projects/prj_1/drives', () => page([]))
    .on('GET api/projects/prj_1/meters', () => ({ meters: [] }));
}

export function clientOf(server: FakeServer): ProjectClient {
  return new ProjectClient(server.client.transport);
}
