import type { JSX } from 'react';
import { useState } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectsModel } from '../../model/projects';
import { useSignal, useTrans } from '../context';
import { ActionButton, useDeed } from '../parts';
import { moment } from '../words';
import { Failure, Labelled, Part, Unfolding } from './pieces';
import { QuotaFields, quotaOf, typedOf } from './quotafields';
import { quotaLine } from './words';

interface AnswerProps {
  model: ProjectsModel;
  project: ProjectView;
  close: () => void;
}

/** Projects that are asked for, for hub admins to answer. */
export function Requests({ model }: { model: ProjectsModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.requests.changed);
  const { items, isLoaded, failure } = model.requests;
  return (
    <Part id="requests" title={trans.__('Requests to answer')} count={items.length}>
      {failure && <Failure error={failure} />}
      {isLoaded && items.length === 0 && (
        <p className="jp-VMShare-detail">
          {trans.__('Nobody waits for an answer. Who asks for a project appears here by itself.')}
        </p>
      )}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Requests to answer')}>
        {items.map(project => (
          <Request key={project.id} model={model} project={project} />
        ))}
      </ul>
    </Part>
  );
}

function Request({ model, project }: Omit<AnswerProps, 'close'>): JSX.Element {
  const trans = useTrans();
  const { name } = project;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{name}</bdi>
        </h3>
        <p>
          {trans.__('%1 asked for it on %2.', project.created_by, moment(project.created_at))}{' '}
          {trans.__('Wanted: %1.', quotaLine(trans, project.quota))}
        </p>
        {project.description && <p className="jp-VMShare-prose">{project.description}</p>}
      </div>
      <div className="jp-VMShare-buttons">
        <Unfolding
          look="accept"
          label={trans.__('Approve…')}
          name={trans.__('Approve "%1"…', name)}
        >
          {close => <Approval model={model} project={project} close={close} />}
        </Unfolding>
        <Unfolding label={trans.__('Decline…')} name={trans.__('Decline "%1"…', name)}>
          {close => <Refusal model={model} project={project} close={close} />}
        </Unfolding>
      </div>
    </li>
  );
}

function Approval({ model, project, close }: AnswerProps): JSX.Element {
  const trans = useTrans();
  const [quota, setQuota] = useState(typedOf(project.quota));
  const { isBusy, error, run } = useDeed();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(() => model.approve(project.id, quotaOf(quota)));
      }}
    >
      <p>{trans.__('%1 will administer it.', project.created_by)}</p>
      <QuotaFields typed={quota} onChange={setQuota} />
      <Failure error={error} />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={isBusy}>
          {trans.__('Approve')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Not now')}</ActionButton>
      </div>
    </form>
  );
}

function Refusal({ model, project, close }: AnswerProps): JSX.Element {
  const trans = useTrans();
  const [because, setBecause] = useState('');
  const { isBusy, error, run } = useDeed();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(() => model.decline(project.id, because.trim()));
      }}
    >
      <Labelled label={trans.__('Why not?')} hint={trans.__('%1 reads it.', project.created_by)}>
        {(id, hint) => (
          <textarea
            id={id}
            aria-describedby={hint}
            required
            rows={3}
            maxLength={4000}
            value={because}
            onChange={event => setBecause(event.target.value)}
          />
        )}
      </Labelled>
      <Failure error={error} />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="warn" disabled={isBusy}>
          {trans.__('Decline')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Not now')}</ActionButton>
      </div>
    </form>
  );
}
