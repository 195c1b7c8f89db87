import { closeIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { UploadView } from '../api/types';
import type { Upload, UploadsModel } from '../model/uploads';
import { useSignal, useTrans } from './context';
import { IconButton } from './iconbutton';
import { ActionButton, LiveRegion } from './parts';
import { bytes } from './words';

const SHOWN = 20;

/** Has the person choose files, and hands them on. */
export type Choose = (take: (files: Iterable<File>) => void) => void;

/** What is on its way into the folder, what needs an answer, and what broke off. */
export function Uploads(props: { model: UploadsModel; choose: Choose }): JSX.Element | null {
  const { model, choose } = props;
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
      {asking > 1 && <ForAll model={model} />}
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
      {model.unfinished.length > 0 && (
        <ul aria-label={trans.__('Unfinished uploads')}>
          {model.unfinished.slice(0, SHOWN).map(one => (
            <Unfinished key={one.id} one={one} model={model} choose={choose} />
          ))}
        </ul>
      )}
    </div>
  );
}

/** One answer for all that is there already. */
function ForAll({ model }: { model: UploadsModel }): JSX.Element {
  const trans = useTrans();
  const answers = [
    ['replace', trans.__('Replace all')],
    ['keepBoth', trans.__('Keep both of all')],
    ['dismiss', trans.__('Skip all')]
  ] as const;
  return (
    <div className="jp-VMShare-upload" role="group" aria-label={trans.__('For all of them')}>
      {answers.map(([answer, text]) => (
        <ActionButton key={answer} onClick={() => model.answerAll(answer)}>
          {text}
        </ActionButton>
      ))}
    </div>
  );
}

function Unfinished(props: { one: UploadView; model: UploadsModel; choose: Choose }): JSX.Element {
  const trans = useTrans();
  const { one, model, choose } = props;
  const [isOther, setOther] = useState(false);
  const path = one.path ?? '';
  const goOn = (): void =>
    choose(files => {
      const [file] = files;
      setOther(file !== undefined && !model.goOn(one, file));
    });
  return (
    <li className="jp-VMShare-upload" data-state="unfinished">
      <span className="jp-VMShare-name" title={path}>
        {path}
      </span>
      <span className="jp-VMShare-detail">
        {trans.__('Broke off at %1 of %2.', bytes(trans, one.offset), bytes(trans, one.length))}
      </span>
      {isOther && (
        <span className="jp-VMShare-problem" role="alert">
          {trans.__('This is another file, or it has changed since.')}
        </span>
      )}
      <span className="jp-VMShare-buttons">
        <ActionButton onClick={goOn}>{trans.__('Choose the file and go on…')}</ActionButton>
        <ActionButton onClick={() => void model.giveUp(one)}>{trans.__('Give up')}</ActionButton>
      </span>
    </li>
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
      {upload.isResumable && (upload.state === 'running' || upload.state === 'waiting') && (
        <IconButton
          icon={stopIcon}
          label={trans.__('Pause the upload of "%1"', upload.name)}
          onClick={() => model.pause(upload.id)}
        />
      )}
      {upload.state === 'paused' && (
        <IconButton
          icon={runIcon}
          label={trans.__('Go on with the upload of "%1"', upload.name)}
          onClick={() => model.retry(upload.id)}
        />
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
            {upload.state === 'paused' && `${trans.__('Paused')} · `}
            {trans.__('%1 of %2', bytes(trans, upload.loaded), bytes(trans, upload.size))}
          </span>
        </>
      );
  }
}

function byUrgency(one: Upload, other: Upload): number {
  const ranks = { conflict: 0, failed: 1, running: 2, paused: 3, waiting: 4, done: 5 };
  return ranks[one.state] - ranks[other.state] || one.id - other.id;
}
