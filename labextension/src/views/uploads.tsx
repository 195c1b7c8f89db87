import { closeIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { Upload, UploadsModel } from '../model/uploads';
import { useSignal, useTrans } from './context';
import { ActionButton, IconButton, LiveRegion } from './parts';
import { bytes } from './words';

const SHOWN = 20;

/** What is on its way into the folder, and what needs an answer. */
export function Uploads({ model }: { model: UploadsModel }): JSX.Element | null {
  const trans = useTrans();
  useSignal(model.changed);
  const asking = model.items.filter(item => item.state === 'conflict').length;
  const shown = [...model.items].sort(byUrgency).slice(0, SHOWN);
  return (
    <div className="jp-VMShare-uploads">
      <LiveRegion
        text={
          asking > 0
            ? trans._n('%1 upload needs an answer', '%1 uploads need an answer', asking)
            : ''
        }
      />
      {shown.length > 0 && (
        <ul aria-label={trans.__('Uploads')}>
          {shown.map(upload => (
            <UploadRow key={upload.id} upload={upload} model={model} />
          ))}
        </ul>
      )}
      {model.items.length > SHOWN && (
        <p className="jp-VMShare-quiet">{trans.__('…and %1 more', model.items.length - SHOWN)}</p>
      )}
    </div>
  );
}

function UploadRow({ upload, model }: { upload: Upload; model: UploadsModel }): JSX.Element {
  const trans = useTrans();
  return (
    <li className="jp-VMShare-upload" data-state={upload.state}>
      <span className="jp-VMShare-name" title={upload.path}>
        {upload.name}
      </span>
      <Progress upload={upload} />
      {upload.state === 'conflict' && (
        <span className="jp-VMShare-buttons">
          <ActionButton onClick={() => model.replace(upload.id)}>
            {trans.__('Replace')}
          </ActionButton>
          <ActionButton onClick={() => model.keepBoth(upload.id)}>
            {trans.__('Keep both')}
          </ActionButton>
          <ActionButton onClick={() => model.dismiss(upload.id)}>{trans.__('Skip')}</ActionButton>
        </span>
      )}
      {upload.state === 'failed' && (
        <ActionButton onClick={() => model.retry(upload.id)}>{trans.__('Try again')}</ActionButton>
      )}
      {upload.state !== 'conflict' && (
        <IconButton
          icon={closeIcon}
          label={
            upload.state === 'failed'
              ? trans.__('Dismiss "%1"', upload.name)
              : trans.__('Stop the upload of "%1"', upload.name)
          }
          onClick={() => model.dismiss(upload.id)}
        />
      )}
    </li>
  );
}

function Progress({ upload }: { upload: Upload }): JSX.Element {
  const trans = useTrans();
  switch (upload.state) {
    case 'conflict':
      return <span role="alert">{trans.__('Something of this name is there already.')}</span>;
    case 'failed':
      return (
        <span className="jp-VMShare-problem" role="alert">
          {upload.because}
        </span>
      );
    case 'waiting':
      return <span className="jp-VMShare-detail">{trans.__('Waiting')}</span>;
    default:
      return (
        <>
          <progress
            aria-label={trans.__('Upload of "%1"', upload.name)}
            max={Math.max(1, upload.size)}
            value={upload.loaded}
          />
          <span className="jp-VMShare-detail">
            {trans.__('%1 of %2', bytes(trans, upload.loaded), bytes(trans, upload.size))}
          </span>
        </>
      );
  }
}

function byUrgency(one: Upload, other: Upload): number {
  const ranks = { conflict: 0, failed: 1, running: 2, waiting: 3, done: 4 };
  return ranks[one.state] - ranks[other.state] || one.id - other.id;
}
