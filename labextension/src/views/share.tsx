import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import type { HoldersModel } from '../model/holders';
import type { ShareRights } from '../model/rights';
import type { Saying, SharingModel } from '../model/sharing';
import { Access } from './access';
import { useSignal, useTrans } from './context';
import { Drafts } from './drafts';
import { Holders } from './fast';
import { ActionButton, LiveRegion, Message } from './parts';
import { profileName } from './ticks';
import { levelName, listing } from './words';

/** The share dialog: whom to invite, and who has access. */
export function Share({
  model,
  holders,
  rights
}: {
  model: SharingModel;
  /** The sessions that hold what was taken from them; null: not the person's to know. */
  holders?: HoldersModel | null;
  rights: ShareRights;
}): JSX.Element {
  useSignal(model.changed);
  const saying = useSaying(model);
  return (
    <div className="jp-VMShare-share">
      {rights.invite && <Invite model={model} levels={rights.levels} />}
      <Said saying={saying} model={model} />
      {holders && <Holders model={holders} />}
      <Access model={model} rights={rights} />
    </div>
  );
}

function Invite(props: { model: SharingModel; levels: readonly string[] }): JSX.Element {
  const trans = useTrans();
  const { model, levels } = props;
  const count = model.drafts.length;
  return (
    <section className="jp-VMShare-invite" aria-label={trans.__('Invite people')}>
      <Drafts model={model} levels={levels} />
      {count > 0 && (
        <div className="jp-VMShare-buttons">
          <ActionButton look="accept" disabled={model.isSending} onClick={() => void model.send()}>
            {model.isSending
              ? trans.__('Inviting…')
              : trans._n('Invite %1 person', 'Invite %1 people', count)}
          </ActionButton>
        </div>
      )}
    </section>
  );
}

function Said(props: { saying: Saying | null; model: SharingModel }): JSX.Element {
  const trans = useTrans();
  const { saying, model } = props;
  const text = saying ? sentence(trans, saying, model) : '';
  const isBad = saying?.kind === 'failed' || saying?.kind === 'changed-meanwhile';
  return (
    <>
      <LiveRegion text={isBad ? '' : text} />
      {text && <Message kind={isBad ? 'error' : 'info'}>{text}</Message>}
    </>
  );
}

function invited(
  trans: ReturnType<typeof useTrans>,
  people: string[],
  teams: string[],
  { thingKind }: SharingModel
): string {
  const asked = trans.__(
    'Invited: %1. Nothing is open to them until they accept.',
    listing(people)
  );
  const given =
    thingKind === 'folder'
      ? trans.__(
          'Shared with %1: members have it in their lists now, and in their sessions once they accept.',
          listing(teams)
        )
      : trans.__('Offered to %1: each member has it once they accept.', listing(teams));
  return [...(people.length > 0 ? [asked] : []), ...(teams.length > 0 ? [given] : [])].join(' ');
}

function sentence(trans: ReturnType<typeof useTrans>, saying: Saying, model: SharingModel): string {
  const { kind, names, teams, text } = saying;
  const who = listing(names);
  switch (kind) {
    case 'invited':
      return invited(trans, names, teams ?? [], model);
    case 'changed':
      return [trans.__('Changed for %1.', who), ...reached(trans, saying)].join(' ');
    case 'changed-meanwhile':
      return trans.__(
        'Somebody else changed the access of %1 first. This is how it is now; nothing of yours was changed.',
        who
      );
    case 'ended':
      return [trans.__('Ended for %1.', who), ...reached(trans, saying), text ?? ''].join(' ');
    case 'failed':
      return text ?? trans.__('That did not work.');
  }
}

/** Whom a deed concerned beside those whom it was about. */
function reached(
  trans: ReturnType<typeof useTrans>,
  { lowered = [], off = [], ending = [] }: Saying
): string[] {
  const flowed = lowered.map(({ receiver, level, profile, giver }) => {
    const may = [levelName(trans, level), ...(profile ? [profileName(trans, profile)] : [])];
    return trans.__('%1 (%2), from %3', receiver.name, may.join(', '), giver);
  });
  const told: [string[], string][] = [
    [flowed, trans.__('Lowered with it, as given on from there: %1.', listing(flowed))],
    [off, trans.__('Was on it, and was cut off: %1.', listing(off))],
    [ending, trans.__('The machine has not confirmed that yet of %1.', listing(ending))]
  ];
  return told.flatMap(([whom, sentence]) => (whom.length > 0 ? [sentence] : []));
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
