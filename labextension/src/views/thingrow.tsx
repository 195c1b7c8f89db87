import type { LabIcon } from '@jupyterlab/ui-components';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import type { JSX, ReactNode } from 'react';

import type { DriveView, MachineView } from '../api/types';
import { useTrans } from './context';
import { openContextMenu } from './folders';
import { IconButton } from './iconbutton';
import { LevelChip } from './level';
import { labelOf } from './machinewords';
import { EndDate, NameButton } from './parts';

/** A machine or a drive in the panel: what it is called, how it is, what can be done with it. */
export function ThingRow(props: {
  thing: MachineView | DriveView;
  kind: 'machine' | 'drive';
  me: string;
  icon: LabIcon;
  open: () => void;
  /** How it is, in few words. */
  detail: ReactNode;
  /** Beside the menu. */
  buttons?: ReactNode;
  /** Below. */
  children?: ReactNode;
}): JSX.Element {
  const trans = useTrans();
  const { thing, kind, me } = props;
  const label = labelOf(trans, thing, me);
  return (
    <li
      className="jp-VMShare-machine"
      {...{ [`data-${kind}`]: thing.id }}
      data-actions={thing.actions.join(' ')}
      data-state={thing.state ?? ''}
    >
      <div className="jp-VMShare-machineLine">
        <props.icon.react tag="span" className="jp-VMShare-rowIcon" />
        <div className="jp-VMShare-rowText">
          <div className="jp-VMShare-nameLine">
            <NameButton name={label} tabIndex={0} open={props.open} />
            {thing.owner !== me && <LevelChip level={thing.level} />}
          </div>
          <span className="jp-VMShare-detail">
            {props.detail}
            <EndDate at={thing.ends_at} />
          </span>
        </div>
        {props.buttons}
        <IconButton
          icon={ellipsesIcon}
          label={trans.__('Actions for "%1"', label)}
          hasPopup
          onClick={openContextMenu}
        />
      </div>
      {props.children}
    </li>
  );
}
