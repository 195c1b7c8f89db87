import { runningIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX } from 'react';

import type { KernelNews } from '../model/machinekernels';
import { useTrans } from './context';
import { ActionButton } from './parts';

/** What became of a notebook's kernel, and what of the notebook; empty: nothing worth a word. */
export function kernelStory(
  trans: TranslationBundle,
  news: KernelNews | null,
  machine: string
): string {
  switch (news?.state) {
    case 'ended':
      return trans.__(
        'Your kernel on %1 ended. %2 Nothing that is written here is lost; its variables are.',
        machine,
        news.because ?? ''
      );
    case 'reconnecting':
      return trans.__(
        'The connection to your kernel on %1 broke off. %2 It goes on there, and is looked for.',
        machine,
        news.because ?? ''
      );
    default:
      return '';
  }
}

/** The same above the notebook, until it has another kernel or this one is there again. */
export function KernelBar(props: {
  news: KernelNews | null;
  machine: string;
  onChange: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { news, machine, onChange } = props;
  return (
    <div className="jp-VMShare-place" role="status">
      <runningIcon.react tag="span" className="jp-VMShare-rowIcon" />
      <span>{kernelStory(trans, news, machine)}</span>
      {news?.state === 'ended' && (
        <ActionButton onClick={onChange}>{trans.__('Choose another kernel…')}</ActionButton>
      )}
    </div>
  );
}
