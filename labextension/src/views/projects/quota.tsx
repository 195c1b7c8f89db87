import type { JSX } from 'react';
import { useState } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { ActionButton, useDeed } from '../parts';
import { Failure, Part, Unfolding } from './pieces';
import { QuotaFields, quotaOf, typedOf } from './quotafields';
import { quotaNames } from './words';

/** What a project may hold, as it is written down; hub admins change it. */
export function Quota(props: {
  model: ProjectModel;
  project: ProjectView;
  changes: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { model, project, changes } = props;
  useSignal(model.changed);
  return (
    <Part id="quota" title={trans.__('Quota')}>
      <p className="jp-VMShare-detail">
        {trans.__(
          'What there is in the project, and how much there may be. What is being deleted counts until it is gone.'
        )}
      </p>
      <dl className="jp-VMShare-facts">
        {quotaNames(trans).map(([name, label]) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd>
              <Meter
                label={label}
                limit={project.quota[name] ?? null}
                used={model.meters.find(meter => meter.name === name)?.used ?? null}
              />
            </dd>
          </div>
        ))}
      </dl>
      {changes && (
        <div className="jp-VMShare-buttons">
          <Unfolding label={trans.__('Change the quota…')}>
            {close => <QuotaForm model={model} project={project} close={close} />}
          </Unfolding>
        </div>
      )}
    </Part>
  );
}

function Meter(props: { label: string; used: number | null; limit: number | null }): JSX.Element {
  const trans = useTrans();
  const { label, used, limit } = props;
  if (used === null) {
    return <>{limit ?? trans.__('no limit')}</>;
  }
  if (limit === null) {
    return <>{trans.__('%1, no limit', used)}</>;
  }
  return (
    <>
      {trans.__('%1 of %2', used, limit)}{' '}
      <meter aria-label={label} min={0} max={Math.max(limit, 1)} value={Math.min(used, limit)} />
    </>
  );
}

function QuotaForm(props: {
  model: ProjectModel;
  project: ProjectView;
  close: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, project, close } = props;
  const [typed, setTyped] = useState(typedOf(project.quota));
  const { isBusy, error, run } = useDeed();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(async () => {
          await model.setQuota(quotaOf(typed));
          close();
        });
      }}
    >
      <QuotaFields typed={typed} onChange={setTyped} />
      <Failure error={error} />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={isBusy}>
          {trans.__('Save')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Leave as it is')}</ActionButton>
      </div>
    </form>
  );
}
