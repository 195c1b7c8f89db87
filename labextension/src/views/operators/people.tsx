import type { FormEvent, JSX } from 'react';
import { useState } from 'react';

import type { OperatorClient } from '../../api/operators';
import type { PersonView } from '../../api/types';
import type { PagedList } from '../../model/pagedlist';
import { useSignal, useTrans } from '../context';
import { ActionButton } from '../parts';
import { Labelled, Part } from '../projects/pieces';
import { usePlaces } from '../projects/places';
import { More } from './more';

const PAGE = 100;

/** Everybody whom the service has met, to look at what one of them holds. */
export function People(props: { api: OperatorClient; found: PagedList<PersonView> }): JSX.Element {
  const trans = useTrans();
  const { api, found } = props;
  const { person } = usePlaces();
  useSignal(found.changed);
  const [q, setQ] = useState('');
  const look = (event: FormEvent): void => {
    event.preventDefault();
    void found.begin(everybody(api, q.trim()));
  };
  return (
    <>
      <h1>{trans.__('People')}</h1>
      <p>
        {trans.__(
          'What somebody holds, and why. That you looked is told to them, and to the owners of what you were shown.'
        )}
      </p>
      <form role="search" onSubmit={look}>
        <Labelled
          label={trans.__('Name')}
          hint={trans.__(
            'How it begins. Of people who have done nothing here yet, the whole name.'
          )}
        >
          {(id, hint) => (
            <input
              id={id}
              aria-describedby={hint}
              type="search"
              maxLength={255}
              autoComplete="off"
              value={q}
              onChange={event => setQ(event.target.value)}
            />
          )}
        </Labelled>
        <ActionButton type="submit" look="accept">
          {trans.__('Find')}
        </ActionButton>
      </form>
      <Part id="people" title={trans.__('Found')}>
        <ul className="jp-VMShare-rows" aria-label={trans.__('Found')}>
          {found.items.map(({ name }) => (
            <li key={name} className="jp-VMShare-row">
              <a href={person(name)}>
                <bdi>{name}</bdi>
              </a>
            </li>
          ))}
        </ul>
        <More list={found} empty={trans.__('There is nobody whose name begins like that.')} />
      </Part>
    </>
  );
}

/** How people are asked for whose name begins with `q`. */
export function everybody(
  api: OperatorClient,
  q: string
): (after: string | null, signal: AbortSignal) => ReturnType<OperatorClient['people']> {
  return (after, signal) => api.people({ q, after, limit: PAGE, signal });
}
