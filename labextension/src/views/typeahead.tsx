import type { JSX, KeyboardEvent } from 'react';
import { useEffect, useId, useRef, useState } from 'react';

import { Aborted } from '../api/problem';
import type { Offer, ReceiverKind } from '../model/receivers';
import { useTrans } from './context';

interface TypeaheadProps {
  search: (typed: string) => Promise<Offer[]>;
  onAdd: (name: string, kind?: ReceiverKind) => void;
  disabled: boolean;
}

const PAUSE_MS = 200;
const SEPARATORS = /[,;\s]+/;

/** A field for names: it offers teams and team-mates, and takes exact names on Enter or a comma. */
export function Typeahead({ search, onAdd, disabled }: TypeaheadProps): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const [typed, setTyped] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const { found, hint } = useSuggestions(typed, search);
  const field = useRef<HTMLInputElement>(null);
  const offers = isOpen ? found : [];

  const add = (names: string): void => {
    names.split(SEPARATORS).forEach(name => onAdd(name));
    clear();
  };
  const choose = ({ name, kind }: Offer): void => {
    onAdd(name, kind);
    clear();
  };
  const clear = (): void => {
    setTyped('');
    setOpen(false);
    setChosen(-1);
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && offers.length > 0) {
      setChosen((chosen + step + offers.length + 1) % (offers.length + 1) || 0);
    } else if (event.key === 'Enter' || event.key === ',') {
      const offer = offers[chosen];
      if (offer) {
        choose(offer);
      } else {
        add(typed);
      }
    } else if (event.key === 'Escape' && offers.length > 0) {
      setOpen(false);
      event.nativeEvent.stopImmediatePropagation();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="jp-VMShare-typeahead">
      <label htmlFor={id}>{trans.__('Invite people')}</label>
      <input
        id={id}
        ref={field}
        className="jp-mod-styled jp-VMShare-peopleField"
        role="combobox"
        aria-expanded={offers.length > 0}
        aria-controls={`${id}-offers`}
        aria-autocomplete="list"
        aria-describedby={`${id}-hint`}
        aria-activedescendant={offers[chosen] ? `${id}-${chosen}` : undefined}
        autoComplete="off"
        spellCheck={false}
        disabled={disabled}
        placeholder={trans.__('Names, separated by commas')}
        value={typed}
        onChange={event => {
          setTyped(event.target.value);
          setOpen(true);
          setChosen(-1);
        }}
        onPaste={event => {
          const text = event.clipboardData.getData('text');
          if (SEPARATORS.test(text.trim())) {
            event.preventDefault();
            add(text);
          }
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      <Offers id={id} offers={offers} chosen={chosen} onChoose={choose} />
      <p id={`${id}-hint`} className="jp-VMShare-detail">
        {hint ?? trans.__('Your teams and team-mates are offered; anybody else by the exact name.')}
      </p>
    </div>
  );
}

interface OffersProps {
  id: string;
  offers: readonly Offer[];
  chosen: number;
  onChoose: (offer: Offer) => void;
}

function Offers({ id, offers, chosen, onChoose }: OffersProps): JSX.Element {
  const trans = useTrans();
  return (
    <div
      id={`${id}-offers`}
      className="jp-VMShare-offers"
      role="listbox"
      aria-label={trans.__('Teams and team-mates')}
      hidden={offers.length === 0}
    >
      {offers.map((offer, at) => (
        // The field keeps the focus and the keys: an option is only ever clicked.
        // eslint-disable-next-line jsx-a11y/click-events-have-key-events
        <div
          key={`${offer.kind} ${offer.name}`}
          id={`${id}-${at}`}
          role="option"
          tabIndex={-1}
          aria-selected={at === chosen}
          className="jp-VMShare-offer"
          onMouseDown={event => event.preventDefault()}
          onClick={() => onChoose(offer)}
        >
          <span className="jp-VMShare-name">{offer.name}</span>
          <span className="jp-VMShare-detail">
            {offer.kind === 'team'
              ? trans._n('team, %1 member', 'team, %1 members', offer.members)
              : offer.teams.join(', ')}
          </span>
        </div>
      ))}
    </div>
  );
}

function useSuggestions(
  typed: string,
  search: (typed: string) => Promise<Offer[]>
): { found: readonly Offer[]; hint: string | null } {
  const [found, setFound] = useState<readonly Offer[]>([]);
  const [hint, setHint] = useState<string | null>(null);
  const wanted = typed.trim();
  useEffect(() => {
    if (!wanted) {
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(() => {
      search(wanted)
        .then(people => {
          if (isCurrent) {
            setFound(people);
            setHint(null);
          }
        })
        .catch((error: unknown) => {
          // Names can still be typed: a search that fails is only mentioned.
          if (isCurrent && !(error instanceof Aborted)) {
            setHint(error instanceof Error ? error.message : null);
          }
        });
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [wanted, search]);
  return { found: wanted ? found : [], hint };
}
