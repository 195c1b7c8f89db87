import { folderIcon } from '@jupyterlab/ui-components';
import type { HTMLAttributes, JSX } from 'react';

import type { DirectoryModel } from '../model/directory';
import { useTrans } from './context';
import type { Dragging } from './dragging';

/** Where one is in a folder, and the way back. */
export function Breadcrumbs(props: { model: DirectoryModel; dragging: Dragging }): JSX.Element {
  const { model, dragging } = props;
  return (
    <Crumbs
      label={model.folder?.label ?? '…'}
      path={model.path}
      enter={path => void model.enter(path)}
      ofPlace={dragging.ofPlace}
    />
  );
}

interface CrumbsProps {
  /** What the folder is called here. */
  label: string;
  path: string;
  enter: (path: string) => void;
  /** What else a place can do. */
  ofPlace?: (path: string) => HTMLAttributes<HTMLLIElement>;
}

/** The same for any place in a folder. */
export function Crumbs({ label, path, enter, ofPlace }: CrumbsProps): JSX.Element {
  const trans = useTrans();
  const parts = path ? path.split('/') : [];
  const crumbs = [
    { name: label, path: '' },
    ...parts.map((name, at) => ({ name, path: parts.slice(0, at + 1).join('/') }))
  ];
  return (
    <nav className="jp-VMShare-breadcrumbs" aria-label={trans.__('Place in the folder')}>
      <ol>
        {crumbs.map((crumb, at) => (
          <li key={crumb.path} {...ofPlace?.(crumb.path)}>
            <button
              type="button"
              aria-current={at === crumbs.length - 1 ? 'location' : undefined}
              title={crumb.name}
              onClick={() => enter(crumb.path)}
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
