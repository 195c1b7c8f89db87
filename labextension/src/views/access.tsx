import { userIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { GrantView } from '../api/types';
import type { SharingModel } from '../model/sharing';
import { useTrans } from './context';
import { EndDateField } from './enddate';
import { LevelChip, LevelSelect } from './level';
import { ActionButton, EndDate, Message, useDeed } from './parts';
import { grantStory, levelMeaning, memberStory } from './words';

/** Who has access to a folder: its owner, and every pending or live grant. */
export function Access(props: { model: SharingModel; mayChange: boolean }): JSX.Element {
  const trans = useTrans();
  const { model, mayChange } = props;
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
            <Holder key={grant.id} grant={grant} model={model} mayChange={mayChange} />
          ))}
        </ul>
      )}
      {people?.grants.length === 0 && (
        <p className="jp-VMShare-quiet">{trans.__('Nobody else.')}</p>
      )}
      {people && mayChange && people.grants.length > 1 && <StopSharing model={model} />}
    </section>
  );
}

function Person(props: { name: string; story: string; isTeam?: boolean }): JSX.Element {
  const { name, story, isTeam = false } = props;
  const Icon = isTeam ? usersIcon : userIcon;
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
  mayChange: boolean;
}

function Holder({ grant, model, mayChange }: HolderProps): JSX.Element {
  const trans = useTrans();
  const [open, setOpen] = useState<'date' | 'end' | null>(null);
  const { kind, name } = grant.receiver;
  return (
    <li className="jp-VMShare-person" data-receiver={name}>
      <Person name={name} story={grantStory(trans, grant)} isTeam={kind === 'team'} />
      {mayChange ? (
        <LevelSelect
          label={trans.__('Level of %1', name)}
          level={grant.level}
          onChange={level => void model.change(grant, { level })}
        />
      ) : (
        <LevelChip level={grant.level} />
      )}
      <div className="jp-VMShare-personMore">
        <EndDate at={grant.ends_at} />
        {kind === 'person' ? (
          <WhyOf model={model} grant={grant} />
        ) : (
          <Members grant={grant} model={model} />
        )}
        {mayChange && (
          <>
            <ActionButton
              aria-expanded={open === 'date'}
              onClick={() => setOpen(other(open, 'date'))}
            >
              {grant.ends_at ? trans.__('Change end date') : trans.__('Set end date')}
            </ActionButton>
            <ActionButton
              aria-expanded={open === 'end'}
              onClick={() => setOpen(other(open, 'end'))}
            >
              {grant.state === 'pending' ? trans.__('Cancel invitation') : trans.__('Revoke')}
            </ActionButton>
          </>
        )}
      </div>
      {open === 'date' && (
        <ChangeEndDate grant={grant} model={model} onDone={() => setOpen(null)} />
      )}
      {open === 'end' && <End grant={grant} model={model} onDone={() => setOpen(null)} />}
    </li>
  );
}

/** What each member of a team says to it. */
function Members({ model, grant }: Omit<HolderProps, 'mayChange'>): JSX.Element {
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

function WhyOf({ model, grant }: Omit<HolderProps, 'mayChange'>): JSX.Element {
  const trans = useTrans();
  const [because, setBecause] = useState<string | null>(null);
  const { failure, run } = useDeed();
  const ask = (): Promise<void> =>
    run(async () => setBecause((await model.why(grant.receiver.name, 'read_file')).because));
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

interface StepProps {
  grant: GrantView;
  model: SharingModel;
  onDone: () => void;
}

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

function End({ grant, model, onDone }: StepProps): JSX.Element {
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

function other<T>(open: T | null, wanted: T): T | null {
  return open === wanted ? null : wanted;
}
