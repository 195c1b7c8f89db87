import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX, ReactNode } from 'react';
import { useId } from 'react';

import type { RebuildModel, ResizeModel } from '../model/machinechange';
import { keyOf } from '../model/newmachine';
import { useSignal, useTrans } from './context';
import { Field } from './field';
import { sizeStory, sourceName } from './machinewords';
import { ActionButton, Message } from './parts';

/** Another size for a machine. */
export function ResizeForm(props: {
  model: ResizeModel;
  send: () => void;
  cancel: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, send, cancel } = props;
  useSignal(model.changed);
  const { present, machine, missing, sizes } = model;
  const known = sizes.map(size => ({
    value: size.id,
    label:
      size.id === present?.id
        ? trans.__('%1 (what it has)', sizeStory(trans, size))
        : sizeStory(trans, size)
  }));
  return (
    <ChangeForm
      model={model}
      missing={missing.length > 0 ? trans.__('another size than it has') : ''}
      ok={trans.__('Resize')}
      {...{ send, cancel }}
    >
      <div className="jp-VMShare-fields">
        <Field label={trans.__('Size')}>
          {id => (
            <HTMLSelect
              id={id}
              value={model.chosen}
              disabled={model.isSending}
              onChange={event => model.choose(event.target.value)}
              options={present ? known : [{ value: '', label: trans.__('Choose…') }, ...known]}
            />
          )}
        </Field>
      </div>
      <p>
        {trans.__(
          'Its disks, drives, people and address stay. It may be off for some minutes, and what runs on it may end.'
        )}
      </p>
      {model.isSmaller && (
        <Message kind="warning">
          {trans.__(
            'The system disk of "%1" is %2 GiB, and this size has %3. Not every cloud makes it smaller: if it can\'t, it says so, and nothing is lost.',
            machine.name,
            present?.disk_gib ?? 0,
            model.size?.disk_gib ?? 0
          )}
        </Message>
      )}
    </ChangeForm>
  );
}

/** A fresh system disk for a machine, once the person has said that the present one may go. */
export function RebuildForm(props: {
  model: RebuildModel;
  send: () => void;
  cancel: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, send, cancel } = props;
  useSignal(model.changed);
  const sources = model.sources.map(source => ({
    value: keyOf(source),
    label: sourceName(trans, source)
  }));
  return (
    <ChangeForm
      model={model}
      missing={sayMissing(trans, model)}
      ok={trans.__('Rebuild')}
      hurts
      {...{ send, cancel }}
    >
      <p>
        {trans.__(
          'It gets a fresh system disk, and runs. What is on the present one is lost: what was installed, and the home directories of everybody on it. Whoever is on it is cut off.'
        )}
      </p>
      <p>{trans.__('Its drives with all that is on them, its people, name and address stay.')}</p>
      <div className="jp-VMShare-fields">
        <Field label={trans.__('Made from')}>
          {id => (
            <HTMLSelect
              id={id}
              value={model.chosen}
              disabled={model.isSending}
              onChange={event => model.choose(event.target.value)}
              options={[{ value: '', label: trans.__('Choose…') }, ...sources]}
            />
          )}
        </Field>
      </div>
      <div className="jp-VMShare-ticks">
        <label>
          <input
            type="checkbox"
            checked={model.isSure}
            disabled={model.isSending}
            onChange={event => model.setSure(event.target.checked)}
          />
          {trans.__('What is on the system disk of "%1" may go', model.machine.name)}
        </label>
      </div>
    </ChangeForm>
  );
}

/** What both have: what is missing, why it was refused, and the buttons. */
function ChangeForm(props: {
  model: ResizeModel | RebuildModel;
  /** What is missing, as one goes on saying it; empty: nothing. */
  missing: string;
  ok: string;
  hurts?: boolean;
  send: () => void;
  cancel: () => void;
  children: ReactNode;
}): JSX.Element {
  const trans = useTrans();
  const { model, missing, ok, hurts = false } = props;
  const { failure, isSending } = model;
  const id = useId();
  return (
    <form
      className="jp-VMShare-share jp-VMShare-machineChange"
      onSubmit={event => {
        event.preventDefault();
        props.send();
      }}
    >
      {props.children}
      {failure && <Message kind="error">{failure}</Message>}
      <p id={id} className="jp-VMShare-missing" role="status">
        {missing && trans.__('Still missing: %1', missing)}
      </p>
      <div className="jp-VMShare-buttons">
        <ActionButton
          type="submit"
          look={hurts ? 'warn' : 'accept'}
          aria-describedby={id}
          disabled={isSending || missing !== ''}
        >
          {isSending ? trans.__('Asking for it…') : ok}
        </ActionButton>
        <ActionButton onClick={props.cancel}>{trans.__('Cancel')}</ActionButton>
      </div>
    </form>
  );
}

function sayMissing(
  trans: ReturnType<typeof useTrans>,
  { missing, source, present }: RebuildModel
): string {
  const names = {
    source: trans.__('what it is made from'),
    room: trans.__(
      'something smaller ("%1" needs a disk of %2 GiB, and "%3" has %4)',
      source?.name ?? '',
      source?.diskGib ?? 0,
      present?.name ?? '',
      present?.disk_gib ?? 0
    ),
    sure: trans.__('your tick that what is on the disk may go')
  };
  return missing.map(each => names[each]).join(', ');
}
