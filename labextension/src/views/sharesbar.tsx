import type { JSX } from 'react';
import { useState } from 'react';

import { isWaiting, levelsOf, mayChange, mayRevoke } from '../model/sharelist';
import type { Outcome, SharesModel } from '../model/shares';
import { useTrans } from './context';
import { EndDateField } from './enddate';
import { ActionButton, LiveRegion, Message } from './parts';
import { levelName } from './words';

const SHOWN = 10;

type Step = 'level' | 'date' | 'revoke' | 'leave' | null;

/** What can be done with the selected shares, and what became of it. */
export function SharesBar({ model }: { model: SharesModel }): JSX.Element {
  const trans = useTrans();
  const [step, setStep] = useState<Step>(null);
  const { selected, outcome } = model;
  const told = selected.length > 0 ? trans._n('%1 selected', '%1 selected', selected.length) : '';
  const done = (): void => setStep(null);
  return (
    <>
      <LiveRegion text={told} />
      {selected.length > 0 && (
        <div className="jp-VMShare-selection" role="group" aria-label={trans.__('Selection')}>
          <span>{told}</span>
          {model.side === 'given' ? (
            <Given model={model} step={step} onStep={setStep} />
          ) : (
            <Received model={model} step={step} onStep={setStep} />
          )}
          <ActionButton onClick={() => model.selection.set([])}>
            {trans.__('Select nothing')}
          </ActionButton>
          {step && <StepView model={model} step={step} onDone={done} />}
        </div>
      )}
      <Told outcome={outcome} />
    </>
  );
}

interface SideProps {
  model: SharesModel;
  step: Step;
  onStep: (step: Step) => void;
}

/** A button is there where at least one of the selected may be changed so. */
function Given({ model, step, onStep }: SideProps): JSX.Element {
  const trans = useTrans();
  const { selected } = model;
  const opens = (wanted: Step): object => ({
    disabled: model.isBusy,
    'aria-expanded': step === wanted,
    onClick: () => onStep(step === wanted ? null : wanted)
  });
  return (
    <>
      {selected.some(mayChange) && (
        <>
          {levelsOf(selected).length > 0 && (
            <ActionButton {...opens('level')}>{trans.__('Level…')}</ActionButton>
          )}
          <ActionButton {...opens('date')}>{trans.__('End date…')}</ActionButton>
        </>
      )}
      {selected.some(mayRevoke) && (
        <ActionButton {...opens('revoke')}>{trans.__('Take away…')}</ActionButton>
      )}
    </>
  );
}

function Received({ model, step, onStep }: SideProps): JSX.Element {
  const trans = useTrans();
  const isAsked = model.selected.some(isWaiting);
  return (
    <>
      {isAsked && (
        <>
          <ActionButton disabled={model.isBusy} onClick={() => void model.accept()}>
            {trans.__('Accept')}
          </ActionButton>
          <ActionButton disabled={model.isBusy} onClick={() => void model.decline()}>
            {trans.__('Decline')}
          </ActionButton>
        </>
      )}
      {model.selected.some(share => share.actions.includes('leave')) && (
        <ActionButton
          disabled={model.isBusy}
          aria-expanded={step === 'leave'}
          onClick={() => onStep(step === 'leave' ? null : 'leave')}
        >
          {trans.__('Leave…')}
        </ActionButton>
      )}
    </>
  );
}

interface StepProps {
  model: SharesModel;
  step: Exclude<Step, null>;
  onDone: () => void;
}

function StepView({ model, step, onDone }: StepProps): JSX.Element {
  const trans = useTrans();
  const count = model.selected.length;
  switch (step) {
    case 'level':
      return (
        <div className="jp-VMShare-step" role="group" aria-label={trans.__('Another level')}>
          <div className="jp-VMShare-buttons">
            {levelsOf(model.selected).map(level => (
              <ActionButton key={level} onClick={() => void model.change({ level }).then(onDone)}>
                {levelName(trans, level)}
              </ActionButton>
            ))}
          </div>
        </div>
      );
    case 'date':
      return <EndStep model={model} onDone={onDone} />;
    case 'revoke':
      return (
        <Sure
          question={trans._n(
            'They lose access at once. What they have read or copied already stays with them.',
            'Those of all %1 shares lose access at once. What they have read or copied already stays with them.',
            count
          )}
          label={trans._n('Take %1 share away', 'Take %1 shares away', count)}
          onYes={() => void model.revoke().then(onDone)}
          onNo={onDone}
        />
      );
    case 'leave':
      return (
        <Sure
          question={trans.__(
            'You lose access at once. To come back, you have to be invited again.'
          )}
          label={trans._n('Leave %1 share', 'Leave %1 shares', count)}
          onYes={() => void model.leave().then(onDone)}
          onNo={onDone}
        />
      );
  }
}

function EndStep({ model, onDone }: Omit<StepProps, 'step'>): JSX.Element {
  const trans = useTrans();
  const [endsAt, setEndsAt] = useState<string | null>(null);
  const set = (value: string | null): void => void model.change({ ends_at: value }).then(onDone);
  return (
    <div className="jp-VMShare-step" role="group" aria-label={trans.__('Another end date')}>
      <EndDateField label={trans.__('Access ends')} value={endsAt} onChange={setEndsAt} />
      <div className="jp-VMShare-buttons">
        {endsAt && (
          <ActionButton look="accept" onClick={() => set(endsAt)}>
            {trans.__('Set for all selected')}
          </ActionButton>
        )}
        <ActionButton onClick={() => set(null)}>{trans.__('No end date')}</ActionButton>
        <ActionButton onClick={onDone}>{trans.__('Keep as it is')}</ActionButton>
      </div>
    </div>
  );
}

function Sure(props: {
  question: string;
  label: string;
  onYes: () => void;
  onNo: () => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-VMShare-step">
      <p>{props.question}</p>
      <div className="jp-VMShare-buttons">
        <ActionButton look="warn" onClick={props.onYes}>
          {props.label}
        </ActionButton>
        <ActionButton onClick={props.onNo}>{trans.__('Keep')}</ActionButton>
      </div>
    </div>
  );
}

/** A result for each: how many were done, and each that was not with its reason. */
function Told({ outcome }: { outcome: Outcome | null }): JSX.Element {
  const trans = useTrans();
  const done = outcome ? trans._n('%1 done.', '%1 done.', outcome.done) : '';
  const refused = outcome?.refused ?? [];
  return (
    <>
      <LiveRegion text={done} />
      {outcome && refused.length === 0 && (
        <Message kind="info">
          {done} {outcome.inSessions}
        </Message>
      )}
      {refused.length > 0 && (
        <Message kind="error">
          {done} {trans._n('%1 is as it was:', '%1 are as they were:', refused.length)}
          <ul>
            {refused.slice(0, SHOWN).map(({ share, because }) => (
              <li key={share.id}>
                {trans.__('%1, %2: %3', share.thing_label, share.receiver.name, because)}
              </li>
            ))}
          </ul>
          {refused.length > SHOWN && trans.__('…and %1 more', refused.length - SHOWN)}
        </Message>
      )}
    </>
  );
}
