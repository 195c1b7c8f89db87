import { ChangedMeanwhile } from '../../src/api/problem';
import { ProjectModel } from '../../src/model/project';
import { ProjectsModel } from '../../src/model/projects';
import { ADMINISTERS, clientOf, project, withProject } from '../fakes/projects';
import { FakeServer, json, refusal, settle } from '../fakes/server';
import { happening } from '../fakes/things';

function modelOf(server: FakeServer, me = 'ben'): ProjectModel {
  return new ProjectModel(clientOf(server), 'prj_1', me);
}

// scenario: P2
describe('a project', () => {
  it('asks for links and wishes only where the person may see them', async () => {
    const server = withProject(new FakeServer(), () => project());
    await modelOf(server).refresh();
    expect(server.calls('GET api/projects/prj_1/members')).toHaveLength(1);
    expect(server.calls('GET api/projects/prj_1/links')).toHaveLength(0);
    expect(server.calls('GET api/projects/prj_1/asks')).toHaveLength(0);
  });

  it('asks for nothing more while the person waits to be let in', async () => {
    const server = withProject(new FakeServer(), () =>
      project({ role: null, ask_id: 'ask_ben', actions: [] })
    );
    await modelOf(server).refresh();
    expect(server.asked).toHaveLength(1);
  });

  it('changes with its own events alone', async () => {
    let mine = project({ role: null, ask_id: 'ask_ben', actions: [] });
    const server = withProject(new FakeServer(), () => mine);
    const model = modelOf(server);
    await model.refresh();
    mine = project();
    model.receive(happening('project.joined', { data: { project_id: 'prj_2', person: 'ben' } }));
    await settle();
    expect(model.project?.role).toBeNull();
    model.receive(happening('project.joined', { data: { project_id: 'prj_1', person: 'ben' } }));
    await settle();
    expect(model.project?.role).toBe('member');
    expect(model.members.items.map(one => one.id)).toEqual(['ana', 'ben']);
  });

  it('is gone for who was taken out, and says by whom', async () => {
    const server = withProject(new FakeServer(), () => project());
    const model = modelOf(server);
    await model.refresh();
    server.on('GET api/projects/prj_1', () => refusal(404, 'not-found'));
    const data = { project_id: 'prj_1', person: 'ben' };
    model.receive(happening('project.removed', { actor: 'ana', data }));
    await settle();
    expect(model.isGone).toBe(true);
    expect(model.project).toBeNull();
    expect(model.ending?.actor).toBe('ana');
  });

  it('stays as it was shown while the service does not answer', async () => {
    const server = withProject(new FakeServer(), () => project());
    const model = modelOf(server);
    await model.refresh();
    server.on('GET api/projects/prj_1', () => refusal(500, 'internal-error'));
    await model.refresh();
    expect(model.project?.name).toBe('genome');
    expect(model.failure).toBe('It is internal-error.');
  });

  it('shows the newer of two answers, whichever comes last', async () => {
    const answers: ((told: unknown) => void)[] = [];
    const server = withProject(new FakeServer(), () => project());
    server.on('GET api/projects/prj_1', () => new Promise(resolve => answers.push(resolve)));
    const model = modelOf(server);
    const both = [model.refresh(), model.refresh()];
    await settle();
    answers[1]?.(json(200, project({ name: 'newer' })));
    await settle();
    answers[0]?.(json(200, project({ name: 'older' })));
    await Promise.all(both);
    expect(model.project?.name).toBe('newer');
  });

  // scenario: P3
  it('is changed in the version that was seen, and looked at again where that is over', async () => {
    const server = withProject(new FakeServer(), () =>
      project({ actions: ADMINISTERS, version: 2 })
    ).on('PATCH api/projects/prj_1', () => refusal(412, 'changed-meanwhile'));
    const model = modelOf(server);
    const change = model.change({ name: 'genomes' }, 1);
    await expect(change).rejects.toBeInstanceOf(ChangedMeanwhile);
    await settle();
    const [asked] = server.calls('PATCH api/projects/prj_1');
    expect(asked?.headers.get('If-Match')).toBe('"1"');
    expect(model.project?.version).toBe(2);
  });
});

describe('projects', () => {
  it('are asked for with a key, and requests only by who answers them', async () => {
    const server = withProject(new FakeServer(), () => project()).on(
      'POST api/project-requests',
      () => project({ state: 'requested', role: null })
    );
    const model = new ProjectsModel(clientOf(server), false);
    await model.request({ name: 'tides', description: '', quota: {} });
    const [asked] = server.calls('POST api/project-requests');
    expect(asked?.headers.get('Idempotency-Key')).toBeTruthy();
    expect(server.calls('GET api/project-requests')).toHaveLength(0);
    expect(model.projects.items).toHaveLength(1);
  });

  it('are looked at again when something happens to one', async () => {
    let items = [project()];
    const server = new FakeServer().on('GET api/projects', () => ({ items, next: null }));
    const model = new ProjectsModel(clientOf(server), false);
    await model.refresh();
    items = [project({ role: 'administrator' })];
    const data = { project_id: 'prj_1', person: 'ben', role: 'administrator', ends_at: null };
    model.receive(happening('project.member_changed', { data }));
    await settle();
    expect(model.projects.items[0]?.role).toBe('administrator');
  });
});
