import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { OperatorClient } from '../../src/api/operators';
import type { AuditEvent, HoldingView } from '../../src/api/types';
import { PagedList } from '../../src/model/pagedlist';
import { Audit, eventsOf } from '../../src/views/operators/audit';
import { Holdings } from '../../src/views/operators/holdings';
import { everybody, People } from '../../src/views/operators/people';
import { FakeServer, refusal } from '../fakes/server';

function holding(over: Partial<HoldingView> = {}): HoldingView {
  return {
    thing_id: 'fld_1',
    kind: 'folder',
    name: 'reads',
    owner: 'ana',
    project_id: null,
    state: 'live',
    level: 'edit',
    ends_at: null,
    because: 'ana gave ben Edit.',
    sources: [
      {
        kind: 'grant',
        level: 'edit',
        grant_id: 'gnt_1',
        giver: 'ana',
        receiver: 'ben',
        ends_at: null,
        live: true,
        ended_why: null
      }
    ],
    ...over
  };
}

function clientOf(server: FakeServer): OperatorClient {
  return new OperatorClient(server.client.transport);
}

async function peopleOf(server: FakeServer): Promise<void> {
  const api = clientOf(server);
  const found = new PagedList(everybody(api, ''));
  render(<People api={api} found={found} />);
  await act(() => found.begin());
}

async function holdingsOf(server: FakeServer): Promise<void> {
  const api = clientOf(server);
  const held = new PagedList<HoldingView>((after, signal) =>
    api.holdings('ben', null, { after, signal })
  );
  render(<Holdings person="ben" project={null} ofAdmin held={held} />);
  await act(() => held.begin());
}

describe('people', () => {
  it('are found by how their name begins, and lead to what they hold', async () => {
    const all = ['ana', 'b&b'].map(name => ({ name, teams: [] }));
    const server = new FakeServer().on('GET api/people', ({ query }) => ({
      items: all.filter(({ name }) => name.startsWith(query.get('q') ?? '')),
      next: null
    }));
    await peopleOf(server);
    expect(screen.getAllByRole('listitem')).toHaveLength(2);
    await userEvent.type(screen.getByRole('searchbox', { name: 'Name' }), 'b{Enter}');
    const link = await screen.findByRole('link', { name: 'b&b' });
    expect(screen.getAllByRole('listitem')).toHaveLength(1);
    expect(link.getAttribute('href')).toBe('people?person=b%26b');
    await userEvent.type(screen.getByRole('searchbox', { name: 'Name' }), 'x{Enter}');
    expect(await screen.findByText('There is nobody whose name begins like that.')).toBeTruthy();
  });
});

describe('what somebody holds', () => {
  it('is told with every way by which they have it', async () => {
    const [way] = holding().sources;
    const sources = [
      { ...way!, kind: 'team_grant', receiver: 'genomics', level: 'view' },
      { ...way!, kind: 'project_override', level: 'view' },
      { ...way!, live: false }
    ];
    const server = new FakeServer().on('GET api/people/ben/things', () => ({
      items: [
        holding({ sources, name: '<b>reads</b>' }),
        holding({ thing_id: 'fld_2', level: null })
      ],
      next: null
    }));
    await holdingsOf(server);
    const [first, second] = within(screen.getByRole('list', { name: 'What they hold' }))
      .getAllByRole('heading')
      .map(heading => heading.closest('li')!);
    const ways = within(first!).getAllByRole('listitem');
    expect(ways.map(one => one.textContent.trim())).toEqual([
      'ana gave View to the team genomics, which they are in.',
      'ana set View for this member, in the place of the others.',
      'ana gave them Edit. They have not accepted it.'
    ]);
    expect(within(first!).getByRole('heading').textContent).toContain('<b>reads</b> Edit');
    expect(within(second!).getByRole('heading').textContent).toContain('Invited');
  });

  it('goes on over pages of which some are empty, each asked for once', async () => {
    const pages: Record<string, unknown> = {
      '': { items: [holding()], next: 'a' },
      a: { items: [], next: 'b' },
      b: { items: [holding({ thing_id: 'fld_2', name: 'late' })], next: null }
    };
    const server = new FakeServer().on(
      'GET api/people/ben/things',
      ({ query }) => pages[query.get('after') ?? '']
    );
    await holdingsOf(server);
    expect(screen.queryByText('late')).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: 'Show more' }));
    expect(await screen.findByText('late')).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
    expect(server.calls('GET api/people/ben/things')).toHaveLength(3);
  });

  it('says why it can not be told', async () => {
    const server = new FakeServer().on('GET api/people/ben/things', () =>
      refusal(403, 'forbidden', { because: 'Only hub admins may.' })
    );
    await holdingsOf(server);
    expect((await screen.findByRole('alert')).textContent).toBeTruthy();
  });
});

describe('the audit trail', () => {
  const revoked: AuditEvent = {
    position: 7,
    type: 'grant.revoked',
    at: '2026-11-27T10:00:00.000Z',
    actor: 'ana',
    thing_id: 'fld_1',
    thing_name: '<b>reads</b>',
    data: { level: 'view' },
    id: 'e7',
    audience: ['ana', 'ben'],
    hash: 'abc'
  };

  async function auditOf(events: AuditEvent[]): Promise<[FakeServer, unknown[]]> {
    const server = new FakeServer()
      .on('GET api/audit', () => ({ items: events, next: null }))
      .on('GET api/audit/verification', ({ query }) => ({
        whole: !query.get('head'),
        head: '7:abc',
        events: 7,
        broken_at: null,
        why: null,
        sentence: query.get('head') ? 'It is broken.' : 'It is whole.'
      }));
    const api = clientOf(server);
    const found = new PagedList(eventsOf(api, {}));
    const kept: unknown[] = [];
    render(<Audit api={api} found={found} keep={asked => kept.push(asked)} />);
    await act(() => found.begin());
    return [server, kept];
  }

  it('is looked into by person and kind, and what was found is what is kept', async () => {
    const [server, kept] = await auditOf([revoked]);
    expect(screen.getByText('<b>reads</b>')).toBeTruthy();
    expect(screen.getByText('ana and ben')).toBeTruthy();
    await userEvent.type(screen.getByLabelText('Who did it, or was told'), ' ben ');
    await userEvent.type(screen.getByLabelText('What was done'), 'grant.');
    await userEvent.click(screen.getByRole('button', { name: 'Find' }));
    const [, asked] = server.calls('GET api/audit');
    expect(Object.fromEntries(asked!.query)).toEqual({
      person: 'ben',
      verb: 'grant.',
      limit: '100'
    });
    await userEvent.click(screen.getByRole('button', { name: /^Take a copy/ }));
    expect(kept).toEqual([{ person: 'ben', verb: 'grant.', thing: '', since: '', until: '' }]);
  });

  it('tells nothing of who else was told to whom a part is shown', async () => {
    await auditOf([{ ...revoked, audience: null, hash: null }]);
    expect(screen.queryByText('Told to')).toBeNull();
    expect(screen.queryByText('Hash')).toBeNull();
  });

  it('says whether it is whole, and alarms where it is not', async () => {
    await auditOf([]);
    expect(screen.getByText('Nothing like that was done.')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'Verify' }));
    expect(await screen.findByText('It is whole.')).toBeTruthy();
    await userEvent.type(screen.getByLabelText('A head that you noted down'), '1:a');
    await userEvent.click(screen.getByRole('button', { name: 'Verify' }));
    expect((await screen.findByRole('alert')).textContent).toBe('It is broken.');
  });
});
