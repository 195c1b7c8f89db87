import { closeIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useCallback, useEffect, useId, useState } from 'react';

import type { HoldersModel } from '../model/holders';
import type { Draft, Saying, SharingModel } from '../model/sharing';
import { Access } from './access';
import { useSignal, useTrans } from './context';
import { EndDateField } from './enddate';
import { Holders } from './fast';
import { LevelSelect } from './level';
import { ActionButton, IconButton, LiveRegion, Message } from './parts';
import { Typeahead } from './typeahead';
import { levelMeaning, listing } from './words';

/** The share dialog: whom to invite, and who has access. */
export function Share({
  model,
  holders,
  mayInvite
}: {
  model: SharingModel;
  /** The sessions that hold what was taken from them; null: not the person's to know. */
  holders?: HoldersModel | null;
  mayInvite: boolean;
}): JSX.Element {
  useSignal(model.changed);
  const saying = useSaying(model);
  return (
    <div className="jp-VMShare-share">
      {mayInvite && <Invite model={model} />}
      <Said saying={saying} />
      {holders && <Holders model={holders} />}
      <Access model={model} mayChange={mayInvite} />
    </div>
  );
}

function Invite({ model }: { model: SharingModel }): JSX.Element {
  const trans = useTrans();
  const search = useCallback((typed: string) => model.search(typed), [model]);
  useEffect(() => void model.loadTeams(), [model]);
  const count = model.drafts.length;
  return (
    <section className="jp-VMShare-invite" aria-label={trans.__('Invite people')}>
      <Typeahead
        search={search}
        onAdd={(name, kind) => model.add(name, kind)}
        disabled={model.isSending}
      />
      {count > 0 && (
        <>
          <ul className="jp-VMShare-drafts" aria-label={trans.__('People to invite')}>
            {model.drafts.map(draft => (
              <DraftRow key={draft.id} draft={draft} model={model} />
            ))}
          </ul>
          <EndDateField
            label={trans.__('Access ends')}
            value={model.endsAt}
            disabled={model.isSending}
            onChange={endsAt => model.setEndsAt(endsAt)}
          />
          <div className="jp-VMShare-buttons">
            <ActionButton
              look="accept"
              disabled={model.isSending}
              onClick={() => void model.send()}
            >
              {model.isSending
                ? trans.__('Inviting…')
                : trans._n('Invite %1 person', 'Invite %1 people', count)}
            </ActionButton>
          </div>
        </>
      )}
    </section>
  );
}

function DraftRow({ draft, model }: { draft: Draft; model: SharingModel }): JSX.Element {
  const trans = useTrans();
  const id = useId();
  return (
    <li className={`jp-VMShare-draft${draft.problem ? ' jp-mod-failed' : ''}`}>
      <div className="jp-VMShare-draftFields">
        <input
          className="jp-mod-styled"
          aria-label={draft.kind === 'team' ? trans.__('Team') : trans.__('User name')}
          aria-invalid={draft.problem !== null}
          aria-describedby={draft.problem ? id : undefined}
          value={draft.name}
          disabled={model.isSending}
          onChange={event => model.amend(draft.id, { name: event.target.value })}
        />
        <LevelSelect
          label={trans.__('Level of %1', draft.name)}
          level={draft.level}
          disabled={model.isSending}
          onChange={level => model.amend(draft.id, { level })}
        />
        <IconButton
          icon={closeIcon}
          label={trans.__('Do not invite %1', draft.name)}
          onClick={() => model.drop(draft.id)}
        />
      </div>
      <p id={id} className={draft.problem ? 'jp-VMShare-problem' : 'jp-VMShare-detail'}>
        {draft.problem ? (draft.problem.because ?? draft.problem.detail) : meaning(trans, draft)}
      </p>
    </li>
  );
}

function meaning(trans: ReturnType<typeof useTrans>, { kind, level }: Draft): string {
  const may = levelMeaning(trans, level);
  return kind === 'team' ? trans.__('The whole team, whoever joins it later, too. %1', may) : may;
}

function Said({ saying }: { saying: Saying | null }): JSX.Element {
  const trans = useTrans();
  const text = saying ? sentence(trans, saying) : '';
  const isBad = saying?.kind === 'failed' || saying?.kind === 'changed-meanwhile';
  return (
    <>
      <LiveRegion text={isBad ? '' : text} />
      {text && <Message kind={isBad ? 'error' : 'info'}>{text}</Message>}
    </>
  );
}

function invited(trans: ReturnType<typeof useTrans>, people: string[], teams: string[]): string {
  const asked = trans.__(
    'Invited: %1. Nothing is open to them until they accept.',
    listing(people)
  );
  const given = trans.__(
    'Shared with %1: members have it in their lists now, and in their sessions once they accept.',
    listing(teams)
  );
  return [...(people.length > 0 ? [asked] : []), ...(teams.length > 0 ? [given] : [])].join(' ');
}

function sentence(
  trans: ReturnType<typeof useTrans>,
  { kind, names, teams, text }: Saying
): string {
  const who = listing(names);
  switch (kind) {
    case 'invited':
      return invited(trans, names, teams ?? []);
    case 'changed':
      return trans.__('Changed for %1.', who);
    case 'changed-meanwhile':
      return trans.__(
        'Somebody else changed the access of %1 first. This is how it is now; nothing of yours was changed.',
        who
      );
    case 'ended':
      return [trans.__('Ended for %1.', who), text ?? ''].join(' ');
    case 'failed':
      return text ?? trans.__('That did not work.');
  }
}

function useSaying(model: SharingModel): Saying | null {
  const [saying, setSaying] = useState<Saying | null>(null);
  useEffect(() => {
    const hear = (_: SharingModel, said: Saying): void => setSaying(said);
    model.said.connect(hear);
    return () => {
      model.said.disconnect(hear);
    };
  }, [model]);
  return saying;
}
