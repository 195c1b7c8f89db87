import type { FormEvent, JSX } from 'react';
import { useState } from 'react';

import type { AuditAsked, OperatorClient } from '../../api/operators';
import type { AuditEvent, AuditVerdict } from '../../api/types';
import type { PagedList } from '../../model/pagedlist';
import { useSignal, useTrans } from '../context';
import { ActionButton, Message, useDeed } from '../parts';
import { Failure, Labelled, Part } from '../projects/pieces';
import { listing, moment } from '../words';
import { More } from './more';

const PAGE = 100;

/** What was done, by whom and with what; and whether all of it still stands as it was written. */
export function Audit(props: {
  api: OperatorClient;
  found: PagedList<AuditEvent>;
  /** Has the browser save what is looked for. */
  keep: (asked: AuditAsked) => void;
}): JSX.Element {
  const trans = useTrans();
  const { api, found, keep } = props;
  const [asked, setAsked] = useState<AuditAsked>({});
  const look = (wanted: AuditAsked): void => {
    setAsked(wanted);
    void found.begin(eventsOf(api, wanted));
  };
  return (
    <>
      <h1>{trans.__('Audit')}</h1>
      <p>
        {trans.__(
          'Everything that was changed, in the order in which it was. That a hub admin looked for a person or a thing is told to them or to its owner.'
        )}
      </p>
      <Filter look={look} />
      <Verification api={api} />
      <Events found={found} keep={() => keep(asked)} />
    </>
  );
}

/** How the events that are looked for are asked for. */
export function eventsOf(
  api: OperatorClient,
  asked: AuditAsked
): (after: string | null, signal: AbortSignal) => ReturnType<OperatorClient['audit']> {
  return (after, signal) => api.audit(asked, { after, limit: PAGE, signal });
}

function Filter({ look }: { look: (asked: AuditAsked) => void }): JSX.Element {
  const trans = useTrans();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    const text = (name: string): string => (said.get(name) as string).trim();
    look({
      person: text('person'),
      verb: text('verb'),
      thing: text('thing'),
      since: instant(text('since')),
      until: instant(text('until'))
    });
  };
  return (
    <form role="search" className="jp-VMShare-filter" onSubmit={submit}>
      <Labelled label={trans.__('Who did it, or was told')}>
        {id => <input id={id} name="person" maxLength={255} autoComplete="off" />}
      </Labelled>
      <Labelled
        label={trans.__('What was done')}
        hint={trans.__('How it begins: grant., or grant.revoked')}
      >
        {(id, hint) => (
          <input
            id={id}
            name="verb"
            aria-describedby={hint}
            maxLength={64}
            pattern="[a-z_.]*"
            autoComplete="off"
          />
        )}
      </Labelled>
      <Labelled
        label={trans.__('With what')}
        hint={trans.__('The id of a folder, machine or drive')}
      >
        {(id, hint) => (
          <input
            id={id}
            name="thing"
            aria-describedby={hint}
            pattern="[a-z]{3}_[0-9a-z]{26}"
            autoComplete="off"
          />
        )}
      </Labelled>
      <Labelled label={trans.__('From')}>
        {id => <input id={id} name="since" type="datetime-local" />}
      </Labelled>
      <Labelled label={trans.__('Until')}>
        {id => <input id={id} name="until" type="datetime-local" />}
      </Labelled>
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept">
          {trans.__('Find')}
        </ActionButton>
      </div>
    </form>
  );
}

/** A moment of the person's own clock as the service reads it. */
function instant(local: string): string {
  return local === '' ? '' : new Date(local).toISOString();
}

function Verification({ api }: { api: OperatorClient }): JSX.Element {
  const trans = useTrans();
  const [head, setHead] = useState('');
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const { isBusy, error, run } = useDeed();
  const verify = (event: FormEvent): void => {
    event.preventDefault();
    setVerdict(null);
    void run(async () => setVerdict(await api.verify(head.trim())));
  };
  return (
    <Part id="verification" title={trans.__('Is it whole?')}>
      <p className="jp-VMShare-detail">
        {trans.__(
          'Every event bears the hash of all before it. Whoever can write the database can write a whole new trail; it will not fit a head that was noted down somewhere else before.'
        )}
      </p>
      <form onSubmit={verify}>
        <Labelled
          label={trans.__('A head that you noted down')}
          hint={trans.__('A position, a colon and 64 digits; or nothing.')}
        >
          {(id, hint) => (
            <input
              id={id}
              aria-describedby={hint}
              maxLength={100}
              autoComplete="off"
              value={head}
              onChange={event => setHead(event.target.value)}
            />
          )}
        </Labelled>
        <ActionButton type="submit" disabled={isBusy}>
          {trans.__('Verify')}
        </ActionButton>
      </form>
      <div role="status">
        {isBusy && <p>{trans.__('Reading every event…')}</p>}
        {verdict?.whole && <Message kind="info">{verdict.sentence}</Message>}
      </div>
      {verdict && !verdict.whole && <Message kind="error">{verdict.sentence}</Message>}
      <Failure error={error} />
    </Part>
  );
}

function Events(props: { found: PagedList<AuditEvent>; keep: () => void }): JSX.Element {
  const trans = useTrans();
  const { found, keep } = props;
  useSignal(found.changed);
  return (
    <Part id="events" title={trans.__('Events')}>
      <div className="jp-VMShare-buttons">
        <ActionButton onClick={keep}>{trans.__('Take a copy of what was found')}</ActionButton>
      </div>
      <ul className="jp-VMShare-rows" aria-label={trans.__('Events')}>
        {found.items.map(event => (
          <Row key={event.position} event={event} />
        ))}
      </ul>
      <More list={found} empty={trans.__('Nothing like that was done.')} />
    </Part>
  );
}

function Row({ event }: { event: AuditEvent }): JSX.Element {
  const trans = useTrans();
  const { type, at, actor, thing_name: name, thing_id: thing, position, audience, hash } = event;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>{type}</h3>
        <p className="jp-VMShare-detail">
          <time dateTime={at}>{moment(at, true)}</time> ·{' '}
          <bdi>{actor ?? trans.__('by itself')}</bdi>
          {name && (
            <>
              {' · '}
              <bdi>{name}</bdi>
            </>
          )}
        </p>
        <details>
          <summary aria-label={trans.__('Details of event %1', position)}>
            {trans.__('Details')}
          </summary>
          <dl>
            <dt>{trans.__('Position')}</dt>
            <dd>{position}</dd>
            {thing && (
              <>
                <dt>{trans.__('Thing')}</dt>
                <dd>{thing}</dd>
              </>
            )}
            {Object.entries(event.data ?? {}).map(([key, value]) => (
              <Datum key={key} name={key} value={value} />
            ))}
            {audience && (
              <>
                <dt>{trans.__('Told to')}</dt>
                <dd>{audience.length > 0 ? listing(audience) : trans.__('nobody')}</dd>
              </>
            )}
            {hash && (
              <>
                <dt>{trans.__('Hash')}</dt>
                <dd>{hash}</dd>
              </>
            )}
          </dl>
        </details>
      </div>
    </li>
  );
}

function Datum({ name, value }: { name: string; value: unknown }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
    </>
  );
}
