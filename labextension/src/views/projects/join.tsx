import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import type { LinkLeadsTo } from '../../api/types';
import { useTrans } from '../context';
import { ActionButton, useDeed } from '../parts';
import { listing } from '../words';
import { Failure, Labelled } from './pieces';
import { usePlaces } from './places';

interface JoinProps {
  /** The code that the page was opened with; empty: it is typed. */
  code: string;
  look: (code: string) => Promise<LinkLeadsTo>;
  /** Asks to join, and goes to the project's page. */
  ask: (code: string) => Promise<void>;
}

/** Where an invitation link leads, and asking to join. */
export function Join({ code, look, ask }: JoinProps): JSX.Element {
  const trans = useTrans();
  const { projects } = usePlaces();
  const [typed, setTyped] = useState(code);
  const [found, setFound] = useState<LinkLeadsTo | null>(null);
  const { isBusy, error, run } = useDeed();
  const find = (given: string): Promise<void> =>
    run(async () => {
      setFound(null);
      setFound(await look(codeIn(given)));
    });
  useEffect(() => {
    if (code) {
      void find(code);
    }
    // Once, with what the page was opened with.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <>
      <p className="jp-VMShare-back">
        <a href={projects}>{trans.__('All your projects')}</a>
      </p>
      <h1>{trans.__('Join a project')}</h1>
      <form
        onSubmit={event => {
          event.preventDefault();
          void find(typed);
        }}
      >
        <Labelled
          label={trans.__('Invitation link, or its code')}
          hint={trans.__('Whoever administers the project has sent it to you.')}
        >
          {(id, hint) => (
            <input
              id={id}
              aria-describedby={hint}
              required
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              value={typed}
              onChange={event => {
                setTyped(event.target.value);
                setFound(null);
              }}
            />
          )}
        </Labelled>
        {!found && (
          <div className="jp-VMShare-buttons">
            <ActionButton type="submit" look="accept" disabled={isBusy}>
              {trans.__('Look where it leads')}
            </ActionButton>
          </div>
        )}
      </form>
      {found && (
        <section className="jp-VMShare-row" aria-label={trans.__('Where it leads')}>
          <div className="jp-VMShare-rowText">
            <h2>
              <bdi>{found.name}</bdi>
            </h2>
            {found.description && <p className="jp-VMShare-prose">{found.description}</p>}
            <p className="jp-VMShare-detail">
              {trans.__('Administered by %1.', listing(found.administrators))}
            </p>
          </div>
          <div className="jp-VMShare-buttons">
            <ActionButton
              look="accept"
              disabled={isBusy}
              onClick={() => void run(() => ask(codeIn(typed)))}
            >
              {trans.__('Ask to join')}
            </ActionButton>
          </div>
        </section>
      )}
      <Failure error={error} />
    </>
  );
}

/** The code in what somebody pasted: a whole link, or the code alone. */
export function codeIn(pasted: string): string {
  return pasted.trim().replace(/^.*#/su, '');
}
