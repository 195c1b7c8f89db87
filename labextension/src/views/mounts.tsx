import type { JSX } from 'react';

import type { FolderView } from '../api/types';
import type { MountsModel } from '../model/mounts';
import { useTrans } from './context';

/** How a folder is in this session, in a word or two; nothing in sessions without mounts. */
export function MountMark(props: { mounts: MountsModel; folder: FolderView }): JSX.Element | null {
  const trans = useTrans();
  const { mounts, folder } = props;
  const mount = mounts.of(folder.id);
  if (!mounts.areAvailable) {
    return null;
  }
  switch (mount?.state) {
    case 'mounted': {
      const path = mounts.absolutePath(folder.id) ?? mount.name;
      return (
        <span className="jp-VMShare-mount" title={trans.__('Mounted in this session: %1', path)}>
          {trans.__('mounted')}
        </span>
      );
    }
    case 'waiting':
      return <span className="jp-VMShare-mount">{trans.__('being mounted…')}</span>;
    case 'closing':
      return <span className="jp-VMShare-mount">{trans.__('being unmounted…')}</span>;
    case 'failed': {
      const because = mount.because ?? trans.__('The node does not say why.');
      return (
        <span className="jp-VMShare-problem" title={because}>
          {trans.__('not mounted: %1', because)}
        </span>
      );
    }
    default:
      return (
        <span className="jp-VMShare-mount" title={trans.__('It is not in your running session.')}>
          {trans.__('not mounted')}
        </span>
      );
  }
}

/** That there are no mounts, or none in the file browser: one quiet line, which says why. */
export function NoMounts({ mounts }: { mounts: MountsModel }): JSX.Element | null {
  const trans = useTrans();
  return mounts.because ? (
    <details className="jp-VMShare-quiet jp-VMShare-noMounts">
      <summary>
        {mounts.areAvailable
          ? trans.__('Not in this file browser')
          : trans.__('Not mounted in this session')}
      </summary>
      <p>{mounts.because}</p>
    </details>
  ) : null;
}

/** For the context menu: `mountable` or `mounted`; `placed`: it has a path; `shown`: in the file browser. */
export function mountData(
  mounts: MountsModel,
  folder: FolderView
): Record<`data-${string}`, string> {
  const words: string[] = [];
  if (mounts.areAvailable && folder.actions.includes('mount_read_only')) {
    const mount = mounts.of(folder.id);
    words.push(mount && mount.state !== 'closing' ? 'mounted' : 'mountable');
    if (mounts.absolutePath(folder.id) !== null) {
      words.push('placed');
    }
    if (mounts.path(folder.id) !== null) {
      words.push('shown');
    }
  }
  return { 'data-mount': words.join(' ') };
}
