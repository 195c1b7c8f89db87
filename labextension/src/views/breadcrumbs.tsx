import { folderIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { DirectoryModel } from '../model/directory';
import { useTrans } from './context';
import type { Dragging } from './dragging';

/** Where one is in a folder, and the way back. */
export function Breadcrumbs(props: { model: DirectoryModel; dragging: Dragging }): JSX.Element {
  const { model, dragging } = props;
  const trans = useTrans();
  const parts = model.path ? model.path.split('/') : [];
  const crumbs = [
    { name: model.folder?.label ?? '…', path: '' },
    ...parts.map((name, at) => ({ name, path: parts.slice(0, at + 1).join('/') }))
  ];
  return (
    <nav className="jp-VMShare-breadcrumbs" aria-label={trans.__('Place in the folder')}>
      <ol>
        {crumbs.map((crumb, at) => (
          <li key={crumb.path} {...dragging.ofPlace(crumb.path)}>
            <button
              aria-current={at === crumbs.length - 1 ? 'location' : undefined}
              title={crumb.name}
              onClick={() => void model.enter(crumb.path)}
            >
              {at === 0 && <folderIcon.react tag="span" className="jp-VMShare-rowIcon" />}
              <span>{crumb.name}</span>
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
