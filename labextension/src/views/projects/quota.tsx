import type { JSX } from 'react';
import { useState } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useTrans } from '../context';
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
  return (
    <Part id="quota" title={trans.__('Quota')}>
      <p className="jp-VMShare-detail">
        {trans.__(
          'Folders (GiB) limits what the folders of the project hold. The rest is written down, and limits nothing yet: machines and drives are still people’s own.'
        )}
      </p>
      <dl className="jp-VMShare-facts">
        {quotaNames(trans).map(([name, label]) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd>{project.quota[name] ?? trans.__('no limit')}</dd>
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
