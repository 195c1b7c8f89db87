import type { JSX } from 'react';
import { useState } from 'react';

import type { AskView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { EndDateField } from '../enddate';
import { ActionButton, useDeed } from '../parts';
import { moment } from '../words';
import { Failure, Part, Unfolding } from './pieces';

/** Who wishes to join, for administrators to answer. */
export function Asks({ model }: { model: ProjectModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.asks.changed);
  const { items, isLoaded, failure } = model.asks;
  return (
    <Part id="asks" title={trans.__('Wishes to join')} count={items.length}>
      {failure && <Failure error={failure} />}
      {isLoaded && items.length === 0 && (
        <p className="jp-VMShare-detail">
          {trans.__(
            'Nobody waits. Who asks to join with one of your links appears here by itself.'
          )}
        </p>
      )}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Wishes to join')}>
        {items.map(ask => (
          <Row key={ask.id} model={model} ask={ask} />
        ))}
      </ul>
    </Part>
  );
}

function Row({ model, ask }: { model: ProjectModel; ask: AskView }): JSX.Element {
  const trans = useTrans();
  const { isBusy, error, run } = useDeed();
  const [endsAt, setEndsAt] = useState<string | null>(null);
  const { person } = ask;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{person}</bdi>
        </h3>
        <p className="jp-VMShare-detail">{trans.__('asked on %1', moment(ask.asked_at))}</p>
      </div>
      <div className="jp-VMShare-buttons">
        <ActionButton
          look="accept"
          disabled={isBusy}
          aria-label={trans.__('Let in %1', person)}
          onClick={() => void run(() => model.letIn(ask.id, null))}
        >
          {trans.__('Let in')}
        </ActionButton>
        <Unfolding label={trans.__('Let in until…')} name={trans.__('Let in until… (%1)', person)}>
          {close => (
            <form
              onSubmit={event => {
                event.preventDefault();
                void run(() => model.letIn(ask.id, endsAt));
              }}
            >
              <EndDateField
                label={trans.__('%1 is in the project until', person)}
                value={endsAt}
                onChange={setEndsAt}
              />
              <div className="jp-VMShare-buttons">
                <ActionButton type="submit" look="accept" disabled={isBusy}>
                  {trans.__('Let in')}
                </ActionButton>
                <ActionButton onClick={close}>{trans.__('Not now')}</ActionButton>
              </div>
            </form>
          )}
        </Unfolding>
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Decline %1', person)}
          onClick={() => void run(() => model.keepOut(ask.id))}
        >
          {trans.__('Decline')}
        </ActionButton>
      </div>
      <Failure error={error} />
    </li>
  );
}
