import type { JSX } from 'react';

import type { QuotaView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { bytes } from './words';

const SHOWN = 8;
// From here on a person had better know.
const NEARLY = 0.9;

/** What the visitor's folders hold of what they may hold; the largest folders on request. */
export function Quota({ model }: { model: VMShareModel }): JSX.Element | null {
  const trans = useTrans();
  const { quota: room } = model;
  useSignal(room.changed);
  const { quota } = room;
  if (!quota) {
    return null;
  }
  return (
    <section className="jp-VMShare-quota" aria-label={trans.__('Room for your folders')}>
      <Gauge name={trans.__('Files')} meter={quota.bytes} amount={size => bytes(trans, size)} />
      <details
        onToggle={event => {
          if (event.currentTarget.open) {
            // Programs in sessions write without a word to anybody.
            void room.refresh();
          }
        }}
      >
        <summary>{trans.__('Where it goes')}</summary>
        <Gauge name={trans.__('Folders')} meter={quota.folders} amount={String} />
        <Largest model={model} quota={quota} />
        <p className="jp-VMShare-detail">
          {trans.__(
            'Whoever writes in your folders, it counts as yours; so do trash and snapshots.'
          )}
        </p>
      </details>
    </section>
  );
}

interface GaugeProps {
  name: string;
  meter: QuotaView['bytes'];
  amount: (number: number) => string;
}

function Gauge({ name, meter, amount }: GaugeProps): JSX.Element {
  const trans = useTrans();
  const { used, limit } = meter;
  const said =
    limit == null
      ? trans.__('%1, no limit', amount(used))
      : trans.__('%1 of %2', amount(used), amount(limit));
  const part = limit == null ? 0 : limit > 0 ? Math.min(1, used / limit) : 1;
  return (
    <div className="jp-VMShare-gauge">
      <span className="jp-VMShare-gaugeText">
        <span>{name}</span>
        <span>{said}</span>
      </span>
      {limit != null && (
        <div
          className={`jp-VMShare-gaugeBar${part >= NEARLY ? ' jp-mod-nearly' : ''}`}
          role="meter"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(used, limit)}
          aria-valuetext={said}
        >
          <div style={{ inlineSize: `${part * 100}%` }} />
        </div>
      )}
    </div>
  );
}

function Largest({ model, quota }: { model: VMShareModel; quota: QuotaView }): JSX.Element {
  const trans = useTrans();
  useSignal(model.folders.changed);
  useSignal(model.trash.changed);
  const nameOf = (id: string): string => {
    const trashed = model.trash.find(id);
    const found = model.folders.find(id)?.label;
    return trashed
      ? trans.__('%1 (in the trash)', trashed.label)
      : (found ?? trans.__('A folder that is being made or deleted'));
  };
  return (
    <ul aria-label={trans.__('Your largest folders')}>
      {quota.by_folder.slice(0, SHOWN).map(({ folder_id: id, used, snapshots = 0 }) => (
        <li key={id} className="jp-VMShare-gaugeText">
          <span className="jp-VMShare-name">{nameOf(id)}</span>
          <span>
            {snapshots > 0
              ? trans.__('%1 and %2 of snapshots', bytes(trans, used), bytes(trans, snapshots))
              : bytes(trans, used)}
          </span>
        </li>
      ))}
    </ul>
  );
}
