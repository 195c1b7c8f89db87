import type { JSX } from 'react';
import { useEffect, useId, useRef, useState } from 'react';

import type { LinkMade, LinkView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { EndDateField } from '../enddate';
import { ActionButton, useDeed } from '../parts';
import { moment } from '../words';
import { Confirmed, Failure, Labelled, Part, Unfolding } from './pieces';
import { usePlaces } from './places';

/** The links with which people ask to join; for administrators. */
export function Links({ model }: { model: ProjectModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.links.changed);
  const [made, setMade] = useState<LinkMade | null>(null);
  const { items, isLoaded, failure } = model.links;
  const open = items.filter(link => link.is_open);
  const over = items.filter(link => !link.is_open);
  return (
    <Part id="links" title={trans.__('Invitation links')} count={open.length}>
      <p className="jp-VMShare-detail">
        {trans.__(
          'Whoever has a link sees what the project is called and asks to join. You let them in.'
        )}
      </p>
      <Failure error={failure} />
      {made && <Made link={made} close={() => setMade(null)} />}
      <div className="jp-VMShare-buttons">
        <Unfolding look="accept" label={trans.__('Make a link…')}>
          {close => <NewLinkForm model={model} onMade={setMade} close={close} />}
        </Unfolding>
      </div>
      {isLoaded && open.length === 0 && (
        <p className="jp-VMShare-detail">{trans.__('No link is open now.')}</p>
      )}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Open links')}>
        {open.map(link => (
          <Row key={link.id} model={model} link={link} />
        ))}
      </ul>
      {over.length > 0 && (
        <details>
          <summary>
            {trans._n('%1 link that is over', '%1 links that are over', over.length)}
          </summary>
          <ul className="jp-VMShare-rows" aria-label={trans.__('Links that are over')}>
            {over.map(link => (
              <Row key={link.id} model={model} link={link} />
            ))}
          </ul>
        </details>
      )}
    </Part>
  );
}

function Row({ model, link }: { model: ProjectModel; link: LinkView }): JSX.Element {
  const trans = useTrans();
  const name = link.note || trans.__('Link of %1', moment(link.made_at));
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{name}</bdi>
        </h3>
        <p className="jp-VMShare-detail">
          {trans.__('Made by %1 on %2', link.made_by, moment(link.made_at))} ·{' '}
          {trans.__('used %1 of %2 times', String(link.used), String(link.uses))} ·{' '}
          {trans.__('until %1', moment(link.ends_at))}
        </p>
      </div>
      {link.is_open && (
        <div className="jp-VMShare-buttons">
          <Confirmed
            label={trans.__('Revoke…')}
            name={trans.__('Revoke "%1"…', name)}
            warning={trans.__(
              'Nobody can ask with it any more. Who has asked already goes on waiting for you.'
            )}
            yes={trans.__('Revoke "%1"', name)}
            no={trans.__('Keep')}
            deed={() => model.revokeLink(link.id)}
          />
        </div>
      )}
    </li>
  );
}

function NewLinkForm(props: {
  model: ProjectModel;
  onMade: (link: LinkMade) => void;
  close: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, onMade, close } = props;
  const [note, setNote] = useState('');
  const [uses, setUses] = useState('1');
  const [endsAt, setEndsAt] = useState<string | null>(null);
  const { isBusy, error, run } = useDeed();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(async () => {
          onMade(await model.makeLink({ note, uses: Number(uses), ends_at: endsAt }));
          close();
        });
      }}
    >
      <Labelled
        label={trans.__('For whom is it?')}
        hint={trans.__('Only the administrators see this.')}
      >
        {(id, hint) => (
          <input
            id={id}
            aria-describedby={hint}
            maxLength={255}
            value={note}
            onChange={event => setNote(event.target.value)}
          />
        )}
      </Labelled>
      <Labelled label={trans.__('How many people may ask with it?')}>
        {id => (
          <input
            id={id}
            type="number"
            required
            min={1}
            max={10000}
            value={uses}
            onChange={event => setUses(event.target.value)}
          />
        )}
      </Labelled>
      <EndDateField
        label={trans.__('Until when?')}
        value={endsAt}
        onChange={setEndsAt}
        empty={trans.__('Empty: it ends in 14 days.')}
      />
      <Failure error={error} />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={isBusy}>
          {trans.__('Make the link')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Not now')}</ActionButton>
      </div>
    </form>
  );
}

/** A new link's address, which nobody can be shown again. */
function Made({ link, close }: { link: LinkMade; close: () => void }): JSX.Element {
  const trans = useTrans();
  const { joining } = usePlaces();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');
  const address = joining(link.code);
  useEffect(() => field.current?.focus(), []);
  const copy = async (): Promise<void> => {
    // Browsers keep their clipboard from pages that came without TLS.
    let clipboard = (navigator as Partial<Navigator>).clipboard;
    field.current?.select();
    try {
      await clipboard?.writeText(address);
    } catch {
      clipboard = undefined;
    }
    setSaid(clipboard ? trans.__('Copied.') : trans.__('It is selected: copy it with Ctrl+C.'));
  };
  return (
    <div className="jp-VMShare-message jp-mod-info" role="group" aria-labelledby={`${id}-title`}>
      <div className="jp-VMShare-messageText">
        <p id={`${id}-title`}>
          <strong>{trans.__('The link is shown this once.')}</strong>{' '}
          {trans.__('Copy it now, and send it to whom it is for.')}
        </p>
        <label htmlFor={id}>{trans.__('Invitation link')}</label>
        <input
          id={id}
          ref={field}
          readOnly
          value={address}
          onFocus={event => event.target.select()}
        />
        <div className="jp-VMShare-buttons">
          <ActionButton look="accept" onClick={() => void copy()}>
            {trans.__('Copy the link')}
          </ActionButton>
          <ActionButton onClick={close}>{trans.__('I have it')}</ActionButton>
          <span role="status">{said}</span>
        </div>
      </div>
    </div>
  );
}
