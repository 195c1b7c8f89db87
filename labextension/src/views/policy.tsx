import type { FormEvent, JSX } from 'react';
import { useId, useState } from 'react';

import type { SnapshotsModel } from '../model/snapshots';
import { useTrans } from './context';
import { ActionButton, Message, useDeed } from './parts';
import { moment } from './words';

const USUAL = { every: 24, keep: 24 };
const MOST = 8760;

/** How snapshots are made by themselves, and a form that changes it. */
export function Policy({ model }: { model: SnapshotsModel }): JSX.Element | null {
  const trans = useTrans();
  const [isOpen, setOpen] = useState(false);
  const { policy } = model;
  if (!policy) {
    return null;
  }
  const { every_hours: every, keep, next_at: next } = policy;
  return (
    <div className="jp-VMShare-policy">
      <p>
        {every == null
          ? trans.__('Snapshots are made by hand alone.')
          : trans.__('Every %1 hours by itself; the last %2 of those are kept.', every, keep)}{' '}
        {next && trans.__('Next: %1.', moment(next))}
      </p>
      {model.may('snapshot_folder') && (
        <ActionButton aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {every == null ? trans.__('Make them by themselves…') : trans.__('Change…')}
        </ActionButton>
      )}
      {isOpen && <Form model={model} onDone={() => setOpen(false)} />}
    </div>
  );
}

function Form({ model, onDone }: { model: SnapshotsModel; onDone: () => void }): JSX.Element {
  const trans = useTrans();
  const { policy } = model;
  const [every, setEvery] = useState(policy?.every_hours ?? USUAL.every);
  const [keep, setKeep] = useState(policy?.keep ?? USUAL.keep);
  const { isBusy, failure, run } = useDeed();
  const set = (hours: number | null): Promise<void> =>
    run(async () => {
      await (hours === null ? model.setPolicy(null) : model.setPolicy(hours, keep));
      onDone();
    });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void set(every);
  };
  return (
    <form className="jp-VMShare-policyForm" onSubmit={submit}>
      <NumberField label={trans.__('Hours between two')} value={every} onChange={setEvery} />
      <NumberField label={trans.__('How many are kept')} value={keep} onChange={setKeep} />
      <div className="jp-VMShare-buttons">
        <button type="submit" className="jp-VMShare-button jp-mod-accept" disabled={isBusy}>
          {trans.__('Save')}
        </button>
        {policy?.every_hours != null && (
          <ActionButton disabled={isBusy} onClick={() => void set(null)}>
            {trans.__('By hand alone')}
          </ActionButton>
        )}
        <ActionButton onClick={onDone}>{trans.__('Keep as it is')}</ActionButton>
      </div>
      {failure && <Message kind="error">{failure}</Message>}
    </form>
  );
}

function NumberField(props: {
  label: string;
  value: number;
  onChange: (value: number) => void;
}): JSX.Element {
  const id = useId();
  return (
    <div className="jp-VMShare-numberField">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        type="number"
        min={1}
        max={MOST}
        required
        value={props.value}
        onChange={event => props.onChange(event.target.valueAsNumber || 1)}
      />
    </div>
  );
}
