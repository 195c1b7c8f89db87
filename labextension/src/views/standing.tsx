import type { JSX } from 'react';

import type { Standing } from '../model/standing';
import { useTrans } from './context';
import { ActionButton, ActionLink, Blank, Message } from './parts';

/** The connection's trouble, above lists that may be out of date. */
export function Gap(props: { because: string | null; onRetry: () => void }): JSX.Element {
  const trans = useTrans();
  return (
    <Message kind="warning">
      <span>{props.because ?? trans.__('The connection is lost.')} </span>
      <span>{trans.__('What you see may be out of date. Trying again…')} </span>
      <ActionButton onClick={props.onRetry}>{trans.__('Try now')}</ActionButton>
    </Message>
  );
}

/** Where nothing can be shared: why, and what the person can do. */
export function NotHere(props: {
  standing: Exclude<Standing, { kind: 'ready' }>;
  hubHome: string | null;
  onRetry: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { standing, hubHome, onRetry } = props;
  const retry = <ActionButton onClick={onRetry}>{trans.__('Try now')}</ActionButton>;
  switch (standing.kind) {
    case 'starting':
      return <Blank title={trans.__('Connecting…')} />;
    case 'no-hub':
      return (
        <Blank title={trans.__('Sharing needs a JupyterHub')}>
          <p>
            {trans.__(
              'This JupyterLab runs by itself, so there is nobody to share with. Open the JupyterLab of your team’s hub.'
            )}
          </p>
        </Blank>
      );
    case 'no-extension':
      return (
        <Blank title={trans.__('The server part is missing')}>
          <p>
            {trans.__(
              'The server extension jupyter_vmshare is not running on this notebook server. Ask who runs the hub to install or enable it, then restart your server.'
            )}
          </p>
        </Blank>
      );
    case 'foreign-server':
      return (
        <Blank title={trans.__('This is the server of %1', standing.owner)}>
          <p>
            {trans.__(
              'Your shared folders open only on your own server, because %1 could use them here.',
              standing.owner
            )}
          </p>
          {hubHome && <ActionLink href={hubHome}>{trans.__('Open your own server')}</ActionLink>}
        </Blank>
      );
    case 'no-service':
      return (
        <Blank title={trans.__('This hub has no VMShare service')}>
          <p>{standing.because}</p>
          <p>{trans.__('Ask who runs the hub to add it.')}</p>
          {retry}
        </Blank>
      );
    case 'unreachable':
      return (
        <Blank title={trans.__('The VMShare service does not answer')}>
          <p>{standing.because}</p>
          <p>{trans.__('Nothing is lost. Trying again every few seconds…')}</p>
          {retry}
        </Blank>
      );
    case 'refused':
      return (
        <Blank title={trans.__('The VMShare service does not know you here')}>
          <p>{standing.because}</p>
          <p>{trans.__('Reload the page to sign in again.')}</p>
          <ActionButton onClick={reloadPage}>{trans.__('Reload')}</ActionButton>
        </Blank>
      );
  }
}

function reloadPage(): void {
  window.location.reload();
}
