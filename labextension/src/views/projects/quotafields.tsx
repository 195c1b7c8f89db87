import type { JSX } from 'react';

import type { ProjectQuota } from '../../api/types';
import { useTrans } from '../context';
import { Labelled } from './pieces';
import { quotaNames } from './words';

/** Limits as they are typed; empty: no limit. */
export type QuotaTyped = Readonly<Record<string, string>>;

/** Limits as fields show them. */
export function typedOf(quota: ProjectQuota): QuotaTyped {
  const set = Object.entries(quota).filter(([, limit]) => limit != null);
  return Object.fromEntries(set.map(([name, limit]) => [name, String(limit)]));
}

/** What is typed, as limits. */
export function quotaOf(typed: QuotaTyped): ProjectQuota {
  const set = Object.entries(typed).filter(([, limit]) => limit.trim() !== '');
  return Object.fromEntries(set.map(([name, limit]) => [name, Number(limit)]));
}

/** A number for each limit of a project. */
export function QuotaFields(props: {
  typed: QuotaTyped;
  onChange: (typed: QuotaTyped) => void;
}): JSX.Element {
  const trans = useTrans();
  const { typed, onChange } = props;
  return (
    <fieldset className="jp-VMShare-quotaFields">
      <legend>{trans.__('Quota; empty for no limit')}</legend>
      {quotaNames(trans).map(([name, label]) => (
        <Labelled key={name} label={label}>
          {id => (
            <input
              id={id}
              type="number"
              min={0}
              step={1}
              inputMode="numeric"
              value={typed[name] ?? ''}
              onChange={event => onChange({ ...typed, [name]: event.target.value })}
            />
          )}
        </Labelled>
      ))}
    </fieldset>
  );
}
