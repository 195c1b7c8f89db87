import type { Saying } from '../../src/model/sharing';
import { SharingModel } from '../../src/model/sharing';
import { FakeServer, json, refusal, settle } from '../fakes/server';
import { grant, grantEvent, problem } from '../fakes/things';

const GRANTS = 'POST api/folders/fld_1/grants';
const PEOPLE = 'GET api/folders/fld_1/people';

function sharing(server: FakeServer): { model: SharingModel; said: Saying[] } {
  server.on(PEOPLE, () => ({ owner: 'ana', grants: [grant()] }));
  const model = new SharingModel(server.client, 'fld_1');
  const said: Saying[] = [];
  model.said.connect((_, saying) => {
    said.push(saying);
  });
  return { model, said };
}

describe('inviting several people', () => {
  it('keeps the one who was refused, with the reason, and lets the others go', async () => {
    const server = new FakeServer().on(GRANTS, () =>
      json(201, {
        results: [
          { receiver: 'ben', grant: grant(), problem: null },
          { receiver: 'nobody', grant: null, problem: problem(404, 'no-such-person') },
          { receiver: 'dan', grant: grant({ id: 'gnt_2' }), problem: null }
        ]
      })
    );
    const { model, said } = sharing(server);
    ['ben', 'nobody', 'dan'].forEach(name => model.add(name));
    await model.send();
    expect(model.drafts).toMatchObject([{ name: 'nobody', problem: { code: 'no-such-person' } }]);
    expect(said).toEqual([{ kind: 'invited', names: ['ben', 'dan'], text: null }]);
  });

  it('forgets the reason when the name is corrected in place', () => {
    const { model } = sharing(new FakeServer());
    model.add('nobody');
    const [draft] = model.drafts;
    model.amend(draft!.id, { name: 'dan' });
    expect(model.drafts).toMatchObject([{ name: 'dan', problem: null }]);
  });

  it('does not take a name twice, nor an empty one', () => {
    const { model } = sharing(new FakeServer());
    ['ben', ' ben ', '', '  '].forEach(name => model.add(name));
    expect(model.drafts).toHaveLength(1);
  });

  it('is the same deed when it is sent again after a failure, another one after a change', async () => {
    const server = new FakeServer().on(GRANTS, () => refusal(500, 'internal-error'));
    const { model } = sharing(server);
    model.add('ben');
    await model.send();
    await model.send();
    model.setEndsAt('2026-11-27T18:00:00.000Z');
    await model.send();
    const keys = server.calls(GRANTS).map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('sends each level and the common end date', async () => {
    const server = new FakeServer().on(GRANTS, () => json(201, { results: [] }));
    const { model } = sharing(server);
    model.add('ben');
    model.add('dan');
    model.amend(model.drafts[1]!.id, { level: 'edit' });
    model.setEndsAt('2026-11-27T18:00:00.000Z');
    await model.send();
    const ends_at = '2026-11-27T18:00:00.000Z';
    expect(server.calls(GRANTS)[0]?.body).toEqual({
      grants: [
        { receiver: 'ben', receiver_kind: 'person', level: 'view', ends_at },
        { receiver: 'dan', receiver_kind: 'person', level: 'edit', ends_at }
      ]
    });
  });
});

describe('changing somebody’s access', () => {
  it('sends only what is changed, and the version that was seen', async () => {
    const server = new FakeServer().on('PATCH api/grants/gnt_1', () =>
      grant({ level: 'edit', version: 2 })
    );
    const { model } = sharing(server);
    await model.load();
    await model.change(model.people!.grants[0]!, { level: 'edit' });
    const [call] = server.calls('PATCH api/grants/gnt_1');
    expect(call?.body).toEqual({ level: 'edit' });
    expect(call?.headers.get('If-Match')).toBe('"1"');
    expect(model.people?.grants[0]).toMatchObject({ level: 'edit', version: 2 });
  });

  it('shows what is, and says so, when somebody else was first', async () => {
    const server = new FakeServer().on('PATCH api/grants/gnt_1', () =>
      refusal(412, 'changed-meanwhile')
    );
    const { model, said } = sharing(server);
    await model.load();
    server.on(PEOPLE, () => ({
      owner: 'ana',
      grants: [grant({ level: 'edit_delete', version: 5 })]
    }));
    await model.change(grant(), { level: 'edit' });
    expect(model.people?.grants[0]).toMatchObject({ level: 'edit_delete', version: 5 });
    expect(said).toMatchObject([{ kind: 'changed-meanwhile', names: ['ben'] }]);
  });

  it('says what a revoke can not undo', async () => {
    const server = new FakeServer().on('DELETE api/grants/gnt_1', () => ({
      ended: [grant({ state: 'ended' })],
      cannot_undo: 'ben keeps what he has copied.'
    }));
    const { model, said } = sharing(server);
    await model.end(grant());
    expect(said).toEqual([
      { kind: 'ended', names: ['ben'], text: 'ben keeps what he has copied.' }
    ]);
  });
});

describe('the people of a folder', () => {
  it('are looked up again when one of them answers', async () => {
    const server = new FakeServer();
    const { model } = sharing(server);
    await model.load();
    model.receive(grantEvent('grant.accepted'));
    model.receive({ ...grantEvent('grant.accepted'), thing_id: 'fld_other' });
    await settle();
    expect(server.calls(PEOPLE)).toHaveLength(2);
  });
});
