import { folderIcon, HTMLSelect, refreshIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useId } from 'react';

import type { ShareView } from '../api/types';
import type { Kept } from '../model/sharelist';
import type { SharesModel, Side } from '../model/shares';
import { useSignal, useTrans } from './context';
import type { Selecting } from './grid';
import { Grid } from './grid';
import { Blank, LiveRegion, Message, SearchField, ToolButton } from './parts';
import { SharesBar } from './sharesbar';
import { ShareCells, ShareHeader } from './sharecells';

/** What the rows of shares ask the shell to do. */
export interface ShareDeeds {
  /** Shows who has a thing from whom. */
  people: (thingId: string) => void;
  open: (thingId: string) => void;
}

interface SharesProps {
  model: SharesModel;
  deeds: ShareDeeds;
}

const ROW_HEIGHT = 40;

/** Everything that the visitor shares, and everything that is shared with them. */
export function Shares({ model, deeds }: SharesProps): JSX.Element {
  const trans = useTrans();
  useSignal(model.changed);
  useSignal(model.selection.changed);
  const panel = useId();
  return (
    <div className="jp-VMShare-folder jp-VMShare-shares">
      <div className="jp-VMShare-bar">
        <Sides model={model} panel={panel} />
        <ToolButton
          icon={refreshIcon}
          label={trans.__('Refresh')}
          onClick={() => void model.open()}
        />
      </div>
      <div
        className="jp-VMShare-sharesBody"
        role="tabpanel"
        id={panel}
        aria-labelledby={`${panel}-${model.side}`}
      >
        <Narrowing model={model} />
        {model.failure && <Message kind="error">{model.failure}</Message>}
        <SharesBar model={model} />
        <List model={model} deeds={deeds} />
      </div>
    </div>
  );
}

function Sides({ model, panel }: { model: SharesModel; panel: string }): JSX.Element {
  const trans = useTrans();
  const sides: [Side, string][] = [
    ['given', trans.__('Shared by me')],
    ['received', trans.__('Shared with me')]
  ];
  return (
    <div className="jp-VMShare-sides" role="tablist" aria-label={trans.__('Sharing at a glance')}>
      {sides.map(([side, text], at) => (
        <button
          key={side}
          id={`${panel}-${side}`}
          role="tab"
          aria-selected={model.side === side}
          aria-controls={panel}
          tabIndex={model.side === side ? 0 : -1}
          onClick={() => model.look(side)}
          onKeyDown={event => {
            if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
              const [other] = sides[1 - at] ?? [side];
              model.look(other);
              document.getElementById(`${panel}-${other}`)?.focus();
            }
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

function Narrowing({ model }: { model: SharesModel }): JSX.Element {
  const trans = useTrans();
  return (
    <div className="jp-VMShare-filterBar">
      <SearchField
        label={trans.__('Filter by name or person')}
        value={model.query}
        onChange={query => model.narrow(query, model.kept)}
      />
      <HTMLSelect
        aria-label={trans.__('Which shares')}
        value={model.kept}
        onChange={event => model.narrow(model.query, event.target.value as Kept)}
        options={[
          { value: 'all', label: trans.__('All') },
          { value: 'waiting', label: trans.__('Not answered') },
          { value: 'ending', label: trans.__('With an end date') },
          { value: 'endless', label: trans.__('Without an end date') }
        ]}
      />
    </div>
  );
}

function List({ model, deeds }: SharesProps): JSX.Element {
  const trans = useTrans();
  const { items } = model;
  const isNarrowed = model.query !== '' || model.kept !== 'all';
  if (items.length === 0) {
    return <Nothing model={model} isNarrowed={isNarrowed} />;
  }
  return (
    <>
      <LiveRegion text={trans._n('%1 share', '%1 shares', items.length)} />
      <Grid
        key={model.side}
        label={model.side === 'given' ? trans.__('Shared by me') : trans.__('Shared with me')}
        items={items}
        rowHeight={ROW_HEIGHT}
        keyOf={share => share.id}
        nameOf={share => share.thing_label}
        rowData={share => ({ 'data-share': share.id })}
        header={<ShareHeader model={model} />}
        selecting={selectingIn(model)}
        cells={(share, tabIndex) => (
          <ShareCells {...{ share, tabIndex, deeds }} side={model.side} />
        )}
        onOpen={share => deeds.people(share.thing_id)}
      />
    </>
  );
}

function Nothing(props: { model: SharesModel; isNarrowed: boolean }): JSX.Element {
  const trans = useTrans();
  const { model, isNarrowed } = props;
  if (!model.isLoaded) {
    return <Blank title={model.failure ? '' : trans.__('Looking…')} />;
  }
  if (isNarrowed) {
    return <Blank title={trans.__('No share fits the filter.')} />;
  }
  return model.side === 'given' ? (
    <Blank icon={usersIcon} title={trans.__('You share nothing')}>
      <p>{trans.__('What you share, and with whom until when, is listed here.')}</p>
    </Blank>
  ) : (
    <Blank icon={folderIcon} title={trans.__('Nothing is shared with you')}>
      <p>{trans.__('What others share with you, or with a team of yours, is listed here.')}</p>
    </Blank>
  );
}

function selectingIn({ selection, items }: SharesModel): Selecting<ShareView> {
  const all = (): string[] => items.map(({ id }) => id);
  return {
    has: ({ id }) => selection.has(id),
    pick: ({ id }, how) => selection.pick(id, how, all()),
    all: () => selection.set(all()),
    none: () => selection.set([])
  };
}
