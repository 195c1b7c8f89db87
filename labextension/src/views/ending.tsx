import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import { sentenceOf } from '../api/problem';
import type { GrantView } from '../api/types';
import type { ShareRights } from '../model/rights';
import type { SharingModel } from '../model/sharing';
import { useTrans } from './context';
import { ActionButton, ActionLink, Message } from './parts';
import { levelName, listing } from './words';

/** What is done with one grant, below its row. */
export interface StepProps {
  grant: GrantView;
  model: SharingModel;
  onDone: () => void;
}

/** What concerns everybody: one more owner, and an end to all sharing. */
export function Ends({ model, rights }: { model: SharingModel; rights: ShareRights }): JSX.Element {
  const shared = model.people?.grants ?? [];
  // A folder's only grant has a button of its own for that.
  const least = model.thingKind === 'folder' ? 2 : 1;
  return (
    <>
      {rights.coOwn && <CoOwn model={model} page={rights.coOwn} />}
      {rights.stop && shared.filter(({ level }) => level !== 'co_own').length >= least && (
        <StopSharing model={model} />
      )}
    </>
  );
}

/** Taking a grant away, with what ends beside it. */
export function End({ grant, model, onDone }: StepProps): JSX.Element {
  const trans = useTrans();
  const { name } = grant.receiver;
  const isPending = grant.state === 'pending';
  return (
    <div className="jp-VMShare-step">
      <p>
        {isPending
          ? trans.__('%1 will no longer be able to accept.', name)
          : trans.__(
              '%1 loses access at once. What they have read or copied already stays with them.',
              name
            )}
      </p>
      {model.thingKind !== 'folder' && <EndsToo grant={grant} model={model} />}
      <div className="jp-VMShare-buttons">
        <ActionButton look="warn" onClick={() => void model.end(grant).then(onDone)}>
          {isPending
            ? trans.__('Cancel the invitation of %1', name)
            : trans.__('Revoke the access of %1', name)}
        </ActionButton>
        <ActionButton onClick={onDone}>{trans.__('Keep')}</ActionButton>
      </div>
    </div>
  );
}

/** What was given on from a grant, and ends with it. */
function EndsToo({ grant, model }: Omit<StepProps, 'onDone'>): JSX.Element | null {
  const trans = useTrans();
  const [ending, setEnding] = useState<readonly GrantView[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    model.endingWith(grant).then(setEnding, (error: unknown) => setFailure(sentenceOf(error)));
  }, [model, grant]);
  if (failure) {
    return <Message kind="error">{failure}</Message>;
  }
  return ending && ending.length > 0 ? (
    <div>
      <p>{trans.__('What %1 gave on ends, too:', grant.receiver.name)}</p>
      <ul aria-label={trans.__('Ends, too')} className="jp-VMShare-members">
        {ending.map(({ id, receiver, level, giver }) => (
          <li key={id}>
            {trans.__('%1 (%2), from %3', receiver.name, levelName(trans, level), giver)}
          </li>
        ))}
      </ul>
    </div>
  ) : null;
}

/** Co-ownership is given on a page of the hub: what it means is said before one goes there. */
function CoOwn(props: {
  model: SharingModel;
  page: (to: string) => string | null;
}): JSX.Element | null {
  const trans = useTrans();
  const [isAsking, setAsking] = useState(false);
  const owners = (props.model.people?.grants ?? []).filter(({ level }) => level === 'co_own');
  const address = props.page('');
  if (address === null) {
    return null;
  }
  return isAsking ? (
    <div className="jp-VMShare-step">
      <p>
        {trans.__(
          'A co-owner may do everything but hand it over: share it, change it, take its drives elsewhere, and delete it. Have one, so that somebody can take it over; more than one is rarely wise.'
        )}
      </p>
      {owners.length > 0 && (
        <p>
          {trans.__(
            'There is one already: %1.',
            listing(owners.map(({ receiver }) => receiver.name))
          )}
        </p>
      )}
      <p>{trans.__('A page of the hub opens in a new tab. You confirm there.')}</p>
      <div className="jp-VMShare-buttons">
        <ActionLink href={address}>{trans.__('Open the page')}</ActionLink>
        <ActionButton onClick={() => setAsking(false)}>{trans.__('Not now')}</ActionButton>
      </div>
    </div>
  ) : (
    <div className="jp-VMShare-buttons">
      <ActionButton onClick={() => setAsking(true)}>{trans.__('Add a co-owner…')}</ActionButton>
    </div>
  );
}

function StopSharing({ model }: { model: SharingModel }): JSX.Element {
  const trans = useTrans();
  const [isAsking, setAsking] = useState(false);
  const stop = async (): Promise<void> => {
    await model.stopSharing();
    setAsking(false);
  };
  return isAsking ? (
    <div className="jp-VMShare-step">
      <p>
        {trans.__(
          'Everybody but the owner loses access at once, and open invitations are cancelled. What people have read or copied already stays with them.'
        )}
        {model.thingKind !== 'folder' && ` ${trans.__('Co-owners keep it.')}`}
      </p>
      <div className="jp-VMShare-buttons">
        <ActionButton look="warn" onClick={() => void stop()}>
          {trans.__('Stop sharing with everyone')}
        </ActionButton>
        <ActionButton onClick={() => setAsking(false)}>{trans.__('Keep')}</ActionButton>
      </div>
    </div>
  ) : (
    <div className="jp-VMShare-buttons">
      <ActionButton onClick={() => setAsking(true)}>
        {trans.__('Stop sharing with everyone…')}
      </ActionButton>
    </div>
  );
}
