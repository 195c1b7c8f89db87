import type { JSX } from 'react';
import { useState } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useTrans } from '../context';
import { ActionButton, Message, useDeed } from '../parts';
import { Failure, Labelled, Part } from './pieces';

type Toggle = 'members_may_create' | 'members_see_each_other' | 'new_things_open';
type Changes = Partial<Pick<ProjectView, 'name' | 'description' | Toggle>>;

/** What the person has changed and not saved, of the version that they saw. */
interface Draft {
  version: number;
  changes: Changes;
}

/**
 * Name, description and settings. What somebody else saves meanwhile is shown beside what is typed,
 * and nothing is written over it before the person has said so.
 */
export function Settings(props: { model: ProjectModel; project: ProjectView }): JSX.Element {
  const trans = useTrans();
  const { model, project } = props;
  const [draft, setDraft] = useState<Draft | null>(null);
  const [isSaved, setSaved] = useState(false);
  const { isBusy, error, run } = useDeed();
  const changes = draft?.changes ?? {};
  const shown = { ...project, ...changes };
  const isOld = draft !== null && draft.version !== project.version;
  const others = draft === null ? [] : changedMeanwhile(project, draft);
  const edit = (change: Changes): void => {
    setSaved(false);
    setDraft({
      version: draft?.version ?? project.version,
      changes: { ...changes, ...change }
    });
  };
  const save = async (): Promise<void> => {
    if (draft) {
      await model.change(draft.changes, draft.version);
      setDraft(null);
      setSaved(true);
    }
  };
  const toggle = (name: Toggle, label: string, hint: string): JSX.Element => (
    <Check label={label} hint={hint} checked={shown[name]} onChange={on => edit({ [name]: on })} />
  );
  return (
    <Part id="settings" title={trans.__('Settings')}>
      <form
        onSubmit={event => {
          event.preventDefault();
          void run(save);
        }}
      >
        <Labelled label={trans.__('Name')}>
          {id => (
            <input
              id={id}
              required
              maxLength={255}
              value={shown.name}
              onChange={event => edit({ name: event.target.value })}
            />
          )}
        </Labelled>
        <Labelled label={trans.__('Description')}>
          {id => (
            <textarea
              id={id}
              rows={4}
              maxLength={4000}
              value={shown.description}
              onChange={event => edit({ description: event.target.value })}
            />
          )}
        </Labelled>
        {toggle(
          'members_see_each_other',
          trans.__('Members see each other'),
          trans.__('Otherwise each sees only themself, and who administers the project.')
        )}
        {toggle(
          'members_may_create',
          trans.__('Members may make machines'),
          trans.__('For the project, within its quota.')
        )}
        {toggle(
          'new_things_open',
          trans.__('New drives and snapshots are open to members'),
          trans.__('Otherwise who made one decides that for each.')
        )}
        {draft && isOld && (
          <Conflict
            fields={others}
            project={project}
            keep={() => setDraft({ ...draft, version: project.version })}
            drop={() => setDraft(null)}
          />
        )}
        {/* A conflict is told above, with what to do about it. */}
        <Failure error={isOld ? null : error} />
        <div className="jp-VMShare-buttons">
          <ActionButton type="submit" look="accept" disabled={isBusy || draft === null || isOld}>
            {trans.__('Save')}
          </ActionButton>
          {draft && (
            <ActionButton onClick={() => setDraft(null)}>{trans.__('Undo changes')}</ActionButton>
          )}
          <span role="status">{isSaved ? trans.__('Saved.') : ''}</span>
        </div>
      </form>
    </Part>
  );
}

function Check(props: {
  label: string;
  hint: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}): JSX.Element {
  return (
    <div className="jp-VMShare-check">
      <label>
        <input
          type="checkbox"
          checked={props.checked}
          onChange={event => props.onChange(event.target.checked)}
        />{' '}
        {props.label}
      </label>
      <p className="jp-VMShare-detail">{props.hint}</p>
    </div>
  );
}

function Conflict(props: {
  fields: readonly string[];
  project: ProjectView;
  keep: () => void;
  drop: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { name, description } = props.project;
  return (
    <Message kind="warning">
      <p>
        {trans.__(
          'Somebody else has changed this project while you were at it. What you typed is still here.'
        )}
      </p>
      {props.fields.includes('name') && <p>{trans.__('Its name is now "%1".', name)}</p>}
      {props.fields.includes('description') && (
        <p className="jp-VMShare-prose">{trans.__('Its description is now: %1', description)}</p>
      )}
      <div className="jp-VMShare-buttons">
        <ActionButton onClick={props.keep}>{trans.__('Go on with mine')}</ActionButton>
        <ActionButton onClick={props.drop}>{trans.__('Take theirs')}</ActionButton>
      </div>
    </Message>
  );
}

/** The fields that the person has changed and that are others by now. */
function changedMeanwhile(project: ProjectView, { version, changes }: Draft): string[] {
  const fields = Object.keys(changes) as (keyof Changes)[];
  return version === project.version
    ? []
    : fields.filter(field => changes[field] !== project[field]);
}
