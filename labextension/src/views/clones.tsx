import { copyIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { CloneView } from '../api/types';
import type { ClonesModel } from '../model/clones';
import { useSignal, useTrans } from './context';
import { ActionButton, LiveRegion, Message, useDeed } from './parts';
import { bytes } from './words';

/** Copies of folders that are not whole yet, or never will be. */
export function Clones({ model }: { model: ClonesModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.changed);
  const { items } = model;
  const copying = items.filter(({ state }) => state === 'copying').length;
  return (
    <>
      <LiveRegion
        text={copying > 0 ? trans._n('%1 copy under way', '%1 copies under way', copying) : ''}
      />
      {items.length > 0 && (
        <ul className="jp-VMShare-clones" aria-label={trans.__('Copies under way')}>
          {items.map(clone => (
            <Clone key={clone.id} clone={clone} model={model} />
          ))}
        </ul>
      )}
    </>
  );
}

function Clone({ clone, model }: { clone: CloneView; model: ClonesModel }): JSX.Element {
  const trans = useTrans();
  const { isBusy, failure, run } = useDeed();
  const isFailed = clone.state === 'failed';
  return (
    <li className="jp-VMShare-invitation" data-clone={clone.id}>
      <div className="jp-VMShare-summary">
        <copyIcon.react tag="span" className="jp-VMShare-rowIcon" />
        <span className="jp-VMShare-name">{clone.name}</span>
      </div>
      {isFailed ? (
        <p className="jp-VMShare-detail jp-VMShare-problem">
          {trans.__('There is no copy of "%1".', clone.source_name)} {clone.because}
        </p>
      ) : (
        <p className="jp-VMShare-detail">
          {trans.__(
            'Copying "%1": %2 files so far, %3. It is there once it is whole.',
            clone.source_name,
            clone.files,
            bytes(trans, clone.bytes)
          )}
        </p>
      )}
      {failure && <Message kind="error">{failure}</Message>}
      <div className="jp-VMShare-buttons">
        <ActionButton
          disabled={isBusy}
          aria-label={
            isFailed
              ? trans.__('Dismiss the copy "%1"', clone.name)
              : trans.__('Give the copy "%1" up', clone.name)
          }
          onClick={() => void run(() => model.forget(clone.id))}
        >
          {isFailed ? trans.__('Dismiss') : trans.__('Give up')}
        </ActionButton>
      </div>
    </li>
  );
}
