import { caretDownIcon, caretUpIcon, folderIcon, launchIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { kindOf } from '../api/things';
import type { ShareView } from '../api/types';
import type { ShareColumn } from '../model/sharelist';
import { isWaiting } from '../model/sharelist';
import type { SharesModel, Side } from '../model/shares';
import { useTrans } from './context';
import { IconButton } from './iconbutton';
import { driveIcon, machineIcon } from './icons';
import { LevelChip } from './level';
import { NameButton } from './parts';
import type { ShareDeeds } from './shares';
import { moment, shortMoment } from './words';

const ICONS = { folder: folderIcon, machine: machineIcon, drive: driveIcon };

/** The heads of the columns, which sort. */
export function ShareHeader({ model }: { model: SharesModel }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <Head model={model} column="thing" className="jp-VMShare-mainCell">
        {trans.__('What')}
      </Head>
      <Head model={model} column="person" className="jp-VMShare-receiverCell">
        {model.side === 'given' ? trans.__('With') : trans.__('From, to')}
      </Head>
      <Head model={model} column="level" className="jp-VMShare-levelCell">
        {trans.__('Level')}
      </Head>
      <Head model={model} column="end" className="jp-VMShare-endCell">
        {trans.__('Until')}
      </Head>
      <div role="columnheader" className="jp-VMShare-oneActionCell">
        <span className="jp-VMShare-visuallyHidden">{trans.__('Actions')}</span>
      </div>
    </>
  );
}

function Head(props: {
  model: SharesModel;
  column: ShareColumn;
  className: string;
  children: string;
}): JSX.Element {
  const { model, column, className, children } = props;
  const { by, descending } = model.order;
  const Caret = descending ? caretDownIcon : caretUpIcon;
  const sorted = descending ? 'descending' : 'ascending';
  return (
    <div role="columnheader" className={className} aria-sort={by === column ? sorted : undefined}>
      <button className="jp-VMShare-head" onClick={() => model.sortBy(column)}>
        <span>{children}</span>
        {by === column && <Caret.react tag="span" className="jp-VMShare-rowIcon" />}
      </button>
    </div>
  );
}

interface CellsProps {
  share: ShareView;
  side: Side;
  tabIndex: 0 | -1;
  deeds: ShareDeeds;
}

/** A row's cells. */
export function ShareCells({ share, side, tabIndex, deeds }: CellsProps): JSX.Element {
  const trans = useTrans();
  const { thing_id: id, thing_label: label, ends_at: until } = share;
  const Icon = ICONS[kindOf(id)];
  return (
    <>
      <div role="gridcell" className="jp-VMShare-mainCell">
        <Icon.react tag="span" className="jp-VMShare-rowIcon" />
        <NameButton name={label} tabIndex={tabIndex} open={() => deeds.people(id)} />
      </div>
      <div role="gridcell" className="jp-VMShare-receiverCell">
        <Who share={share} side={side} />
      </div>
      <div role="gridcell" className="jp-VMShare-levelCell">
        <LevelChip level={share.level} />
      </div>
      <div role="gridcell" className="jp-VMShare-endCell">
        {until ? (
          <time dateTime={until} title={moment(until, true)}>
            {shortMoment(until)}
          </time>
        ) : (
          trans.__('no end')
        )}
      </div>
      <div role="gridcell" className="jp-VMShare-oneActionCell">
        {(share.actions.includes('list_files') || kindOf(id) === 'machine') && (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open "%1"', label)}
            tabIndex={tabIndex}
            onClick={() => deeds.open(id)}
          />
        )}
      </div>
    </>
  );
}

function receiverName(
  trans: ReturnType<typeof useTrans>,
  { kind, name }: ShareView['receiver']
): string {
  switch (kind) {
    case 'team':
      return trans.__('%1 (team)', name);
    case 'project':
      return trans.__('%1 (project)', name);
    default:
      return name;
  }
}

function Who({ share, side }: { share: ShareView; side: Side }): JSX.Element {
  const trans = useTrans();
  const { receiver, giver, owner } = share;
  const to = receiverName(trans, receiver);
  const given = giver === owner ? null : trans.__('given by %1', giver);
  const main =
    side === 'given' ? to : receiver.kind === 'person' ? giver : trans.__('%1, to %2', giver, to);
  const waits = isWaiting(share) && (side === 'received' || receiver.kind === 'person');
  const details = [
    waits ? trans.__('not answered') : null,
    side === 'received' && share.answer === 'declined' ? trans.__('declined') : null,
    share.thing_state === 'live' ? null : trans.__('in the trash'),
    side === 'given' ? given : null
  ].filter(part => part !== null);
  return (
    <div className="jp-VMShare-rowText">
      <span className="jp-VMShare-who" title={main}>
        {main}
      </span>
      {(details.length > 0 || share.ends_at) && (
        <span className="jp-VMShare-detail">
          {details.join(', ')}
          {share.ends_at && (
            <span className="jp-VMShare-endHere">
              {details.length > 0 && ', '}
              {trans.__('until %1', shortMoment(share.ends_at))}
            </span>
          )}
        </span>
      )}
    </div>
  );
}
