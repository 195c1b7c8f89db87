import { closeIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useCallback, useEffect, useId } from 'react';

import type { Draft, DraftsModel } from '../model/drafts';
import { useTrans } from './context';
import { EndDateField } from './enddate';
import { IconButton } from './iconbutton';
import { LevelSelect } from './level';
import { TicksField } from './ticks';
import { Typeahead } from './typeahead';
import { levelMeaning } from './words';

/** Who is to be invited: a field for names, and each of them with what they get. */
export function Drafts(props: { model: DraftsModel; levels: readonly string[] }): JSX.Element {
  const trans = useTrans();
  const { model, levels } = props;
  const search = useCallback((typed: string) => model.search(typed), [model]);
  useEffect(() => void model.loadTeams(), [model]);
  return (
    <>
      <Typeahead
        search={search}
        onAdd={(name, kind) => model.add(name, kind)}
        disabled={model.isSending}
      />
      {model.drafts.length > 0 && (
        <>
          <ul className="jp-VMShare-drafts" aria-label={trans.__('People to invite')}>
            {model.drafts.map(draft => (
              <DraftRow key={draft.id} draft={draft} model={model} levels={levels} />
            ))}
          </ul>
          <EndDateField
            label={trans.__('Access ends')}
            value={model.endsAt}
            disabled={model.isSending}
            onChange={endsAt => model.setEndsAt(endsAt)}
          />
        </>
      )}
    </>
  );
}

function DraftRow(props: {
  draft: Draft;
  model: DraftsModel;
  levels: readonly string[];
}): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const { draft, model, levels } = props;
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
          levels={levels}
          disabled={model.isSending}
          onChange={level => model.amend(draft.id, { level })}
        />
        <IconButton
          icon={closeIcon}
          label={trans.__('Do not invite %1', draft.name)}
          onClick={() => model.drop(draft.id)}
        />
      </div>
      {draft.ticks && (
        <TicksField
          name={draft.name}
          ticks={draft.ticks}
          disabled={model.isSending}
          onChange={ticks => model.amend(draft.id, { ticks })}
        />
      )}
      <p id={id} className={draft.problem ? 'jp-VMShare-problem' : 'jp-VMShare-detail'}>
        {draft.problem
          ? (draft.problem.because ?? draft.problem.detail)
          : meaning(trans, model, draft)}
      </p>
    </li>
  );
}

function meaning(
  trans: ReturnType<typeof useTrans>,
  { thingKind }: DraftsModel,
  { kind, level }: Draft
): string {
  const may = levelMeaning(trans, level);
  if (kind !== 'team') {
    return may;
  }
  return thingKind === 'folder'
    ? trans.__('The whole team, whoever joins it later, too. %1', may)
    : trans.__('The whole team, once each of them accepts. %1', may);
}
