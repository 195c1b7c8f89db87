import { HTMLSelect } from '@jupyterlab/ui-components';
import type { FormEvent, JSX } from 'react';
import { useId } from 'react';

import type { Missing, NewMachineModel } from '../model/newmachine';
import { keyOf } from '../model/newmachine';
import { LEVELS_OF } from '../model/rights';
import { useSignal, useTrans } from './context';
import { Drafts } from './drafts';
import { Field } from './field';
import { sizeStory, sourceName } from './machinewords';
import { ActionButton, Message } from './parts';
import { leftLine } from './projects/words';

/** The create dialog: what the machine is, who gets it, and what is missing. */
export function NewMachineForm(props: {
  model: NewMachineModel;
  make: () => void;
  cancel: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, make, cancel } = props;
  useSignal(model.changed);
  const { missing, failure, isSending } = model;
  const id = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    make();
  };
  return (
    <form className="jp-VMShare-share jp-VMShare-newMachine" onSubmit={submit}>
      <Fields model={model} />
      <section className="jp-VMShare-invite" aria-label={trans.__('Who gets it')}>
        <h3>{trans.__('Who gets it')}</h3>
        <p className="jp-VMShare-detail">
          {trans.__('They are invited as soon as it is asked for. You can do that later, too.')}
        </p>
        <Drafts model={model} levels={LEVELS_OF.machine} />
      </section>
      {failure && <Message kind="error">{failure}</Message>}
      <p id={id} className="jp-VMShare-missing" role="status">
        {missing.length > 0 && trans.__('Still missing: %1', say(trans, model, missing))}
      </p>
      <div className="jp-VMShare-buttons">
        <ActionButton
          type="submit"
          look="accept"
          aria-describedby={id}
          disabled={isSending || missing.length > 0}
        >
          {isSending ? trans.__('Asking for it…') : trans.__('Create')}
        </ActionButton>
        <ActionButton onClick={cancel}>{trans.__('Cancel')}</ActionButton>
      </div>
    </form>
  );
}

function Fields({ model }: { model: NewMachineModel }): JSX.Element {
  const trans = useTrans();
  const { plan, sources, sizes, isSending, cloud } = model;
  const choose = { value: '', label: trans.__('Choose…') };
  return (
    <div className="jp-VMShare-fields">
      <Field label={trans.__('Name')}>
        {id => (
          <input
            id={id}
            className="jp-mod-styled jp-VMShare-machineName"
            value={plan.name}
            disabled={isSending}
            autoComplete="off"
            onChange={event => model.change({ name: event.target.value })}
          />
        )}
      </Field>
      <Place model={model} />
      <Field label={trans.__('Made from')} hint={about(model)}>
        {id => (
          <HTMLSelect
            id={id}
            value={plan.source}
            disabled={isSending}
            onChange={event => model.change({ source: event.target.value })}
            options={[
              choose,
              ...sources.map(source => ({
                value: keyOf(source),
                label: sourceName(trans, source)
              }))
            ]}
          />
        )}
      </Field>
      <Field label={trans.__('Size')}>
        {id => (
          <HTMLSelect
            id={id}
            value={plan.size}
            disabled={isSending}
            onChange={event => model.change({ size: event.target.value })}
            options={[
              choose,
              ...sizes.map(size => ({ value: size.id, label: sizeStory(trans, size) }))
            ]}
          />
        )}
      </Field>
      <Field
        label={trans.__('Drive (GiB)')}
        hint={trans.__(
          'A disk that outlives the machine. 0: none. Usual here: %1.',
          cloud.drive_gib ?? 0
        )}
      >
        {id => (
          <input
            id={id}
            type="number"
            className="jp-mod-styled"
            min={0}
            step={1}
            value={plan.driveGib ?? ''}
            disabled={isSending}
            onChange={event => model.change({ driveGib: whole(event.target.value) })}
          />
        )}
      </Field>
    </div>
  );
}

/** Where it is made, and what is left there; nothing for who is in no project. */
function Place({ model }: { model: NewMachineModel }): JSX.Element | null {
  const trans = useTrans();
  const { places, plan, isSending, meters } = model;
  if (places.length === 0) {
    return null;
  }
  return (
    <Field label={trans.__('In')} hint={meters && leftLine(trans, meters)}>
      {id => (
        <HTMLSelect
          id={id}
          value={plan.project}
          disabled={isSending}
          onChange={event => void model.choosePlace(event.target.value)}
          options={[
            { value: '', label: trans.__('No project: my own') },
            ...places.map(({ id: value, name }) => ({ value, label: name }))
          ]}
        />
      )}
    </Field>
  );
}

function about({ cloud, source }: NewMachineModel): string | null {
  const image = source?.kind === 'image' ? source.id : null;
  return cloud.images?.find(({ id }) => id === image)?.description ?? null;
}

/** What is missing, as one goes on saying it after "Still missing:". */
function say(
  trans: ReturnType<typeof useTrans>,
  { source, size }: NewMachineModel,
  missing: readonly Missing[]
): string {
  const names: Record<Missing, string> = {
    name: trans.__('a name'),
    source: trans.__('what it is made from'),
    size: trans.__('a size'),
    room: trans.__(
      'a larger size ("%1" needs a disk of %2 GiB, and "%3" has %4)',
      source?.name ?? '',
      source?.diskGib ?? 0,
      size?.name ?? '',
      size?.disk_gib ?? 0
    ),
    drive: trans.__('how large its drive is, in whole GiB (0 for none)')
  };
  return missing.map(each => names[each]).join(', ');
}

/** A whole number that a field holds; null: it holds none. */
function whole(typed: string): number | null {
  return /^\d+$/u.test(typed) ? Number(typed) : null;
}
