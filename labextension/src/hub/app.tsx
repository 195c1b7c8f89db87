import { nullTranslator } from '@jupyterlab/translation';
import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import type { Connection } from '../api/stream';
import { DOMAIN, TransContext, useTrans } from '../views/context';
import { Message } from '../views/parts';
import { PlacesContext, usePlaces } from '../views/projects/places';
import { PageStream } from './stream';
import type { Opened } from './views';

/** The hub has no translations of other packages: its own pages are in English, too. */
const TRANS = nullTranslator.load(DOMAIN);

// A gap shorter than this is nobody's business.
const LONG_GAP_MS = 5000;
const LOOK_EVERY_MS = 10_000;

/** A page of the hub around a view, which it keeps true as the service's stream tells. */
export function HubApp({ opened }: { opened: Opened }): JSX.Element {
  const [gap, setGap] = useState<Connection['state'] | null>(null);
  useEffect(() => {
    const stream = new PageStream(opened.sender);
    let timer: ReturnType<typeof setTimeout> | undefined;
    stream.received.connect((_, event) => opened.receive(event));
    stream.opened.connect(() => void opened.refresh());
    stream.connectionChanged.connect((_, { state }) => {
      clearTimeout(timer);
      if (state === 'reconnecting') {
        timer = setTimeout(() => setGap(state), LONG_GAP_MS);
      } else {
        setGap(state === 'refused' ? state : null);
      }
    });
    // Not only once the stream is there: what it can't tell must not keep the page empty.
    void opened.refresh();
    stream.connect();
    const looking = setInterval(() => {
      if (!document.hidden) {
        void opened.look?.();
      }
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(looking);
      clearTimeout(timer);
      stream.dispose();
    };
  }, [opened]);
  return (
    <TransContext.Provider value={TRANS}>
      <PlacesContext.Provider value={opened.places}>
        <div role="status">{gap && <Gap state={gap} />}</div>
        {opened.draw()}
      </PlacesContext.Provider>
    </TransContext.Provider>
  );
}

function Gap({ state }: { state: Connection['state'] }): JSX.Element {
  const trans = useTrans();
  const { home } = usePlaces();
  return state === 'refused' ? (
    <Message kind="warning">
      {trans.__('You are signed out: this page does not change by itself any more.')}{' '}
      <a href={home} target="_blank" rel="noopener noreferrer">
        {trans.__('Sign in in a new tab')}
      </a>{' '}
      {trans.__('and load this one again.')}
    </Message>
  ) : (
    <Message kind="warning">
      {trans.__(
        'The connection is broken, so what you see may be old. The page tries again by itself.'
      )}
    </Message>
  );
}
