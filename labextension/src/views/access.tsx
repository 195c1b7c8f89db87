import { userIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { GrantView } from '../api/types';
import type { ShareRights } from '../model/rights';
import type { SharingModel } from '../model/sharing';
import { useTrans } from './context';
import { EndDateField } from './enddate';
import { LevelChip, LevelSelect } from './level';
import type { StepProps } from './ending';
import { End, Ends } from './ending';
import { ActionButton, EndDate, Message, useDeed } from './parts';
import { ChangeTicks, profileName, tickName } from './ticks';
import { grantStory, levelMeaning, listing, memberStory } from './words';

/** Who has access to a thing: its owner, and every pending or live grant. */
export function Access(props: { model: SharingModel; rights: ShareRights }): JSX.Element {
  const trans = useTrans();
  const { model, rights } = props;
  const { people } = model;
  return (
    <section className="jp-VMShare-access" aria-label={trans.__('Who has access')}>
      <h3>{trans.__('Who has access')}</h3>
      {model.failure && <Message kind="error">{model.failure}</Message>}
      {!people && !model.failure && <p className="jp-VMShare-quiet">{trans.__('Looking…')}</p>}
      {people && (
        <ul>
          <li className="jp-VMShare-person">
            <Person name={people.owner} story={levelMeaning(trans, 'owner')} />
            <LevelChip level="owner" />
          </li>
          {people.grants.map(grant => (
            <Holder key={grant.id} grant={grant} model={model} rights={rights} />
          ))}
        </ul>
      )}
      {people?.grants.length === 0 && (
        <p className="jp-VMShare-quiet">{trans.__('Nobody else.')}</p>
      )}
      {people && <Ends model={model} rights={rights} />}
    </section>
  );
}

function Person(props: { name: string; story: string; isMany?: boolean }): JSX.Element {
  const { name, story, isMany = false } = props;
  const Icon = isMany ? usersIcon : userIcon;
  return (
    <>
      <Icon.react tag="span" className="jp-VMShare-rowIcon" />
      <div className="jp-VMShare-rowText">
        <span className="jp-VMShare-name">{name}</span>
        <span className="jp-VMShare-detail">{story}</span>
      </div>
    </>
  );
}

interface HolderProps {
  grant: GrantView;
  model: SharingModel;
  rights: ShareRights;
}

function Holder({ grant, model, rights }: HolderProps): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState<Opened>(null);
  const { kind, name } = grant.receiver;
  const close = (): void => setOpen(null);
  // Another level than co-ownership can be given here, but not co-ownership itself.
  const mayChange = rights.change(grant) && grant.level !== 'co_own';
  return (
    <li className="jp-VMShare-person" data-receiver={name}>
      <Person name={name} story={grantStory(trans, grant)} isMany={kind !== 'person'} />
      {mayChange ? (
        <LevelSelect
          label={trans.__('Level of %1', name)}
          level={grant.level}
          levels={rights.levels}
          onChange={level => void model.change(grant, { level })}
        />
      ) : (
        <LevelChip level={grant.level} />
      )}
      <div className="jp-VMShare-personMore">
        <EndDate at={grant.ends_at} />
        {!mayChange && grant.profile && <ProfileChip grant={grant} />}
        {kind === 'person' ? (
          <WhyOf model={model} grant={grant} />
        ) : (
          <Members grant={grant} model={model} />
        )}
        <Openers {...{ grant, open, setOpen, mayChange, mayRevoke: rights.revoke(grant) }} />
      </div>
      {open === 'ticks' && (
        <ChangeTicks
          name={name}
          ticks={grant.ticks ?? []}
          save={ticks => model.change(grant, { ticks: [...ticks] })}
          onDone={close}
        />
      )}
      {open === 'date' && <ChangeEndDate grant={grant} model={model} onDone={close} />}
      {open === 'end' && <End grant={grant} model={model} onDone={close} />}
    </li>
  );
}

type Opened = 'ticks' | 'date' | 'end' | null;

/** The buttons that open what can be done with a grant. */
function Openers(props: {
  grant: GrantView;
  open: Opened;
  setOpen: (open: Opened) => void;
  mayChange: boolean;
  mayRevoke: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { grant, open, setOpen, mayChange, mayRevoke } = props;
  const opener = (wanted: Opened, label: string, name?: string): JSX.Element => (
    <ActionButton
      aria-expanded={open === wanted}
      aria-label={name}
      onClick={() => setOpen(other(open, wanted))}
    >
      {label}
    </ActionButton>
  );
  const { name } = grant.receiver;
  return (
    <>
      {mayChange &&
        grant.ticks &&
        opener(
          'ticks',
          trans.__('May: %1', profileName(trans, grant.profile ?? 'custom')),
          trans.__('What %1 may do on it: %2', name, profileName(trans, grant.profile ?? 'custom'))
        )}
      {mayChange &&
        opener('date', grant.ends_at ? trans.__('Change end date') : trans.__('Set end date'))}
      {mayRevoke &&
        opener(
          'end',
          grant.state === 'pending' ? trans.__('Cancel invitation') : trans.__('Revoke')
        )}
    </>
  );
}

/** What somebody may do on a machine, in a word; its ticks are the tooltip. */
function ProfileChip({ grant }: { grant: GrantView }): JSX.Element {
  const trans = useTrans();
  const ticks = (grant.ticks ?? []).map(tick => tickName(trans, tick));
  return (
    <span className="jp-VMShare-chip" title={listing(ticks)}>
      {profileName(trans, grant.profile ?? 'custom')}
    </span>
  );
}

/** What each member of a team says to it. */
function Members({ model, grant }: Omit<HolderProps, 'rights'>): JSX.Element {
  const trans = useTrans();
  const [isOpen, setOpen] = useState(false);
  const people = model.people?.people ?? [];
  const members = people.flatMap(({ name, sources }) =>
    sources.flatMap(({ grant_id: id, answer }) => (id === grant.id ? [{ name, answer }] : []))
  );
  return (
    <>
      <ActionButton
        aria-expanded={isOpen}
        aria-label={trans.__('Members of %1', grant.receiver.name)}
        onClick={() => setOpen(!isOpen)}
      >
        {trans.__('Members')}
      </ActionButton>
      {isOpen && (
        <ul className="jp-VMShare-members">
          {members.map(({ name, answer }) => (
            <li key={name}>{memberStory(trans, name, answer)}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function WhyOf({ model, grant }: Omit<HolderProps, 'rights'>): JSX.Element {
  const trans = useTrans();
  const [because, setBecause] = useState<string | null>(null);
  const { failure, run } = useDeed();
  const ask = (): Promise<void> =>
    run(async () =>
      setBecause((await model.why(grant.receiver.name, QUESTIONS[model.thingKind])).because)
    );
  const answer = because ?? failure;
  return (
    <>
      <ActionButton
        aria-expanded={answer !== null}
        aria-label={trans.__('Why does %1 have access?', grant.receiver.name)}
        onClick={() => (because === null ? void ask() : setBecause(null))}
      >
        {trans.__('Why?')}
      </ActionButton>
      {answer !== null && (
        <p className="jp-VMShare-because" role="status">
          {answer}
        </p>
      )}
    </>
  );
}

/** What is asked to learn why somebody has access at all. */
const QUESTIONS = { folder: 'read_file', machine: 'connect', drive: 'attach_read_only' } as const;

function ChangeEndDate({ grant, model, onDone }: StepProps): JSX.Element {
  const trans = useTrans();
  const [endsAt, setEndsAt] = useState(grant.ends_at ?? null);
  const save = async (value: string | null): Promise<void> => {
    await model.change(grant, { ends_at: value });
    onDone();
  };
  return (
    <div className="jp-VMShare-step">
      <EndDateField label={trans.__('Access ends')} value={endsAt} onChange={setEndsAt} />
      <div className="jp-VMShare-buttons">
        <ActionButton look="accept" onClick={() => void save(endsAt)}>
          {trans.__('Save')}
        </ActionButton>
        {grant.ends_at && (
          <ActionButton onClick={() => void save(null)}>{trans.__('No end date')}</ActionButton>
        )}
        <ActionButton onClick={onDone}>{trans.__('Keep as it is')}</ActionButton>
      </div>
    </div>
  );
}

function other<T>(open: T | null, wanted: T): T | null {
  return open === wanted ? null : wanted;
}
