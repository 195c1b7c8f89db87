import type { FormEvent, JSX } from 'react';
import { useId, useState } from 'react';

import { NameTaken } from '../api/problem';
import type { HandOverView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { ActionButton, LiveRegion, Message, useDeed } from './parts';
import { kindName } from './words';

/** What the visitor is asked to take over, and what of theirs others are asked to. */
export function HandOvers({ model }: { model: VMShareModel }): JSX.Element {
  const trans = useTrans();
  const { handOvers } = model;
  useSignal(handOvers.changed);
  const [said, setSaid] = useState('');
  return (
    <div className="jp-VMShare-invitations">
      <LiveRegion text={said} />
      {handOvers.items.length > 0 && (
        <ul aria-label={trans.__('Handing over')}>
          {handOvers.items.map(offer =>
            offer.receiver === model.me ? (
              <Offered key={offer.id} model={model} offer={offer} say={setSaid} />
            ) : (
              <Offering key={offer.id} model={model} offer={offer} say={setSaid} />
            )
          )}
        </ul>
      )}
    </div>
  );
}

interface OfferProps {
  model: VMShareModel;
  offer: HandOverView;
  say: (sentence: string) => void;
}

/** An offer to the visitor, with the two answers. */
function Offered({ model, offer, say }: OfferProps): JSX.Element {
  const trans = useTrans();
  const { isBusy, failure, run } = useDeed();
  const [name, setName] = useState<string | null>(null);
  const { thing_name: thing, thing_kind: kind, owner, by } = offer;

  const take = (): Promise<void> =>
    run(async () => {
      try {
        await model.takeOver(offer, name?.trim());
        say(trans.__('"%1" is yours now.', name?.trim() ?? thing));
      } catch (error) {
        if (!(error instanceof NameTaken) || name !== null) {
          throw error;
        }
        setName(error.suggestion);
      }
    });
  const refuse = (): Promise<void> =>
    run(async () => {
      await model.refuseHandOver(offer.id);
      say(trans.__('"%1" stays with its owner.', thing));
    });

  return (
    <li className="jp-VMShare-invitation" data-offer={offer.id}>
      <p className="jp-VMShare-name">{thing}</p>
      <p className="jp-VMShare-detail">
        {by === owner
          ? trans.__('%1 offers to hand this %2 over to you.', owner, kindName(trans, kind))
          : trans.__(
              '%1, a hub admin, offers you this %2 of %3, who has left.',
              by,
              kindName(trans, kind),
              owner
            )}{' '}
        {kind === 'folder'
          ? trans.__('It will be yours: you share it and delete it, and its files count as yours.')
          : trans.__('It will be yours: you share it and delete it, and it counts as yours.')}{' '}
        {offer.keep && trans.__('%1 keeps %2.', owner, kept(kind))}
      </p>
      {failure && <Message kind="error">{failure}</Message>}
      {name !== null && <NewName {...{ name, thing, kind }} onChange={setName} onSubmit={take} />}
      <div className="jp-VMShare-buttons">
        {offer.available && (
          <ActionButton
            look="accept"
            disabled={isBusy}
            aria-label={trans.__('Take "%1" over', thing)}
            onClick={() => void take()}
          >
            {trans.__('Take over')}
          </ActionButton>
        )}
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Do not take "%1" over', thing)}
          onClick={() => void refuse()}
        >
          {trans.__('No, thanks')}
        </ActionButton>
      </div>
    </li>
  );
}

/** The strongest level that is not the owner's. */
function kept(kind: HandOverView['thing_kind']): string {
  return kind === 'folder' ? 'Edit+Delete' : 'Co-own';
}

interface NewNameProps {
  name: string;
  thing: string;
  kind: HandOverView['thing_kind'];
  onChange: (name: string) => void;
  onSubmit: () => Promise<void>;
}

function NewName({ name, thing, kind, onChange, onSubmit }: NewNameProps): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void onSubmit();
  };
  return (
    <form className="jp-VMShare-aliasForm" onSubmit={submit}>
      <label htmlFor={id}>
        {trans.__(
          'You already have a %1 "%2". Rename this one, for everybody:',
          kindName(trans, kind),
          thing
        )}
      </label>
      <input
        id={id}
        className="jp-mod-styled"
        value={name}
        onChange={event => onChange(event.target.value)}
        required
      />
    </form>
  );
}

/** The visitor's own offer, which waits for somebody. */
function Offering({ model, offer, say }: OfferProps): JSX.Element {
  const trans = useTrans();
  const { isBusy, failure, run } = useDeed();
  const { thing_name: thing, thing_kind: kind, receiver } = offer;
  const cancel = (): Promise<void> =>
    run(async () => {
      await model.cancelHandOver(offer.id);
      say(trans.__('The offer of "%1" is taken back.', thing));
    });
  return (
    <li className="jp-VMShare-invitation" data-offer={offer.id}>
      <p className="jp-VMShare-name">{thing}</p>
      <p className="jp-VMShare-detail">
        {trans.__(
          '%1 was asked to take this %2 over, and has not answered yet.',
          receiver,
          kindName(trans, kind)
        )}
      </p>
      {failure && <Message kind="error">{failure}</Message>}
      <div className="jp-VMShare-buttons">
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Take back the offer of "%1"', thing)}
          onClick={() => void cancel()}
        >
          {trans.__('Take back')}
        </ActionButton>
      </div>
    </li>
  );
}
