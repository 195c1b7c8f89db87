import { userIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { GrantView, MachineSnapshotView, MachineView } from '../api/types';
import type { MachinePageModel } from '../model/machinepage';
import type { CardProps, MachinePageDeeds } from './card';
import { Card } from './card';
import { useSignal, useTrans } from './context';
import { LevelChip } from './level';
import { MachineDrives } from './machinedrives';
import { Coming, Power, Trouble, WhoIsOn } from './machines';
import { happened, labelOf } from './machinewords';
import { FoldersOnMachine } from './onmachines';
import { ActionButton, Blank, EndDate, Message, useDeed } from './parts';
import { StateMark } from './statemark';
import { TerminalButtons } from './terminals';
import { endedNotice, grantStory, moment, shortMoment } from './words';

/** One machine with all that belongs to it. */
export function Machine(props: { model: MachinePageModel; deeds: MachinePageDeeds }): JSX.Element {
  const trans = useTrans();
  const { model, deeds } = props;
  useSignal(model.changed);
  const { machine } = model;
  if (!machine) {
    return model.isKnown ? (
      <Blank
        title={
          model.ended
            ? endedNotice(trans, model.ended)
            : trans.__('The machine is gone, or it is not shared with you any more.')
        }
      />
    ) : (
      <p className="jp-VMShare-quiet">{trans.__('Looking…')}</p>
    );
  }
  const card = { model, machine, deeds };
  return (
    <div
      className="jp-VMShare-machinePage"
      role="group"
      aria-label={trans.__('Machine "%1"', machine.name)}
    >
      <Head {...card} />
      {model.failure && <Message kind="error">{model.failure}</Message>}
      <div className="jp-VMShare-cards">
        <People {...card} />
        <MachineDrives {...card} />
        <FoldersOnMachine machine={machine} model={model.shared} />
        <Snapshots {...card} />
        <Idle {...card} />
        <Activity {...card} />
      </div>
    </div>
  );
}

function Head({ model, machine, deeds }: CardProps): JSX.Element {
  const trans = useTrans();
  const { machines, me } = model.shared;
  const may = (action: string): boolean => machine.actions.includes(action);
  return (
    <div className="jp-VMShare-machineHead">
      <div className="jp-VMShare-nameLine">
        <h2>{labelOf(trans, machine, me)}</h2>
        <LevelChip level={machine.level} />
        <StateMark machine={machine} />
        <WhoIsOn machine={machine} />
      </div>
      <p className="jp-VMShare-detail">
        {trans.__('%1, made from %2', machine.size ?? '', machine.made_from ?? '')}
      </p>
      <div className="jp-VMShare-buttons">
        <Power machine={machine} machines={machines} />
        <TerminalButtons machine={machine} terminals={model.shared.terminals} deeds={deeds} />
        {may('read_files') && (
          <ActionButton onClick={() => deeds.files(machine)}>{trans.__('Files')}</ActionButton>
        )}
        {may('reboot') && (
          <ActionButton onClick={() => deeds.reboot(machine)}>{trans.__('Reboot…')}</ActionButton>
        )}
        {may('resize') && (
          <ActionButton onClick={() => deeds.resize(machine)}>{trans.__('Resize…')}</ActionButton>
        )}
        {may('rebuild') && (
          <ActionButton onClick={() => deeds.rebuild(machine)}>{trans.__('Rebuild…')}</ActionButton>
        )}
        {may('rename') && (
          <ActionButton onClick={() => deeds.rename(machine)}>{trans.__('Rename…')}</ActionButton>
        )}
        {may('read_console_log') && (
          <ActionButton onClick={() => deeds.console(machine)}>
            {trans.__('Console log')}
          </ActionButton>
        )}
        {may('delete') && (
          <ActionButton onClick={() => deeds.remove(machine)}>{trans.__('Delete…')}</ActionButton>
        )}
      </div>
      <Coming machine={machine} />
      <Trouble machine={machine} console={() => deeds.console(machine)} />
    </div>
  );
}

/** The users of a machine and, apart, those who own and manage it. */
function People({ model, machine, deeds }: CardProps): JSX.Element {
  const trans = useTrans();
  const { people, users, stewards } = model;
  const share = machine.actions.includes('see_people') && (
    <ActionButton onClick={() => deeds.share(machine)}>{trans.__('Share…')}</ActionButton>
  );
  return (
    <Card title={trans.__('People')} action={share}>
      <h4>{trans.__('Owners and managers')}</h4>
      <ul aria-label={trans.__('Owners and managers')}>
        <li className="jp-VMShare-cardRow">
          <userIcon.react tag="span" className="jp-VMShare-rowIcon" />
          <span className="jp-VMShare-name">{machine.owner}</span>
          <LevelChip level="owner" />
        </li>
        {stewards.map(grant => (
          <Holder key={grant.id} grant={grant} />
        ))}
      </ul>
      <h4>{trans.__('Users')}</h4>
      <ul aria-label={trans.__('Users')}>
        {users.map(grant => (
          <Holder key={grant.id} grant={grant} />
        ))}
      </ul>
      {people && users.length === 0 && (
        <p className="jp-VMShare-detail">{trans.__('Nobody else uses it.')}</p>
      )}
    </Card>
  );
}

function Holder({ grant }: { grant: GrantView }): JSX.Element {
  const trans = useTrans();
  const { kind, name } = grant.receiver;
  const Icon = kind === 'team' ? usersIcon : userIcon;
  return (
    <li className="jp-VMShare-cardRow">
      <Icon.react tag="span" className="jp-VMShare-rowIcon" />
      <span className="jp-VMShare-name" title={grantStory(trans, grant)}>
        {name}
      </span>
      <LevelChip level={grant.level} />
      {grant.state === 'pending' && (
        <span className="jp-VMShare-detail">{trans.__('not answered yet')}</span>
      )}
      <EndDate at={grant.ends_at} />
    </li>
  );
}

/** Those of its snapshots from which the person can make machines. */
function Snapshots({ model, machine, deeds }: CardProps): JSX.Element | null {
  const trans = useTrans();
  const mayTake = machine.actions.includes('snapshot');
  const { snapshots } = model;
  if (!mayTake && snapshots.length === 0) {
    return null;
  }
  const take = mayTake && (
    <ActionButton onClick={() => deeds.snapshot(machine)}>
      {trans.__('Take a snapshot…')}
    </ActionButton>
  );
  return (
    <Card title={trans.__('Snapshots')} action={take}>
      <ul aria-label={trans.__('Snapshots')}>
        {snapshots.map(snapshot => (
          <Snapshot key={snapshot.id} snapshot={snapshot} model={model} />
        ))}
      </ul>
      {snapshots.length === 0 && (
        <p className="jp-VMShare-detail">
          {trans.__('None. New machines can be made from a copy of its system disk.')}
        </p>
      )}
    </Card>
  );
}

function Snapshot(props: { snapshot: MachineSnapshotView; model: MachinePageModel }): JSX.Element {
  const trans = useTrans();
  const { snapshot, model } = props;
  const { isBusy, failure, run } = useDeed();
  const { id, name, state, because, created_at: at } = snapshot;
  return (
    <li className="jp-VMShare-cardRow">
      <span className="jp-VMShare-name">{name}</span>
      <span className="jp-VMShare-detail">
        {state === 'ready' ? moment(at) : (because ?? trans.__('being stored…'))}
      </span>
      {failure && <Message kind="error">{failure}</Message>}
      {state !== 'deleting' && (
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Delete the snapshot "%1"', name)}
          onClick={() => void run(() => model.shared.machines.deleteSnapshot(id))}
        >
          {trans.__('Delete')}
        </ActionButton>
      )}
    </li>
  );
}

/** When it stops by itself, and how to put that off. */
function Idle({ model, machine }: CardProps): JSX.Element | null {
  const trans = useTrans();
  const { machines } = model.shared;
  const { isBusy, failure, run } = useDeed();
  const [hours, setHours] = useState(2);
  const may = (action: string): boolean => machine.actions.includes(action);
  return (
    <Card title={trans.__('When nobody uses it')}>
      <p>{idleStory(trans, machine)}</p>
      {failure && <Message kind="error">{failure}</Message>}
      {may('keep_on') && (
        <form
          className="jp-VMShare-cardRow"
          onSubmit={event => {
            event.preventDefault();
            void run(() => machines.keepOn(machine.id, hours));
          }}
        >
          <label>
            {trans.__('Keep it on for')}{' '}
            <input
              type="number"
              className="jp-mod-styled"
              min={1}
              max={168}
              value={hours}
              onChange={event => setHours(Number(event.target.value))}
            />{' '}
            {trans.__('hours')}
          </label>
          <ActionButton type="submit" disabled={isBusy}>
            {trans.__('Keep it on')}
          </ActionButton>
        </form>
      )}
      {may('edit_idle_policy') && (
        <IdlePolicy
          key={machine.idle_minutes ?? 'never'}
          minutes={machine.idle_minutes ?? null}
          isBusy={isBusy}
          save={minutes => void run(() => machines.setIdle(machine.id, minutes))}
        />
      )}
    </Card>
  );
}

function IdlePolicy(props: {
  minutes: number | null;
  isBusy: boolean;
  save: (minutes: number | null) => void;
}): JSX.Element {
  const trans = useTrans();
  const [minutes, setMinutes] = useState(props.minutes ?? 120);
  return (
    <form
      className="jp-VMShare-cardRow"
      onSubmit={event => {
        event.preventDefault();
        props.save(minutes);
      }}
    >
      <label>
        {trans.__('Stop it after')}{' '}
        <input
          type="number"
          className="jp-mod-styled"
          min={5}
          max={100_000}
          value={minutes}
          onChange={event => setMinutes(Number(event.target.value))}
        />{' '}
        {trans.__('minutes without use')}
      </label>
      <ActionButton type="submit" disabled={props.isBusy}>
        {trans.__('Save')}
      </ActionButton>
      {props.minutes !== null && (
        <ActionButton disabled={props.isBusy} onClick={() => props.save(null)}>
          {trans.__('Never stop it')}
        </ActionButton>
      )}
    </form>
  );
}

function idleStory(trans: ReturnType<typeof useTrans>, machine: MachineView): string {
  const { idle_minutes: minutes, keep_on_until: until, stops_at: stops } = machine;
  if (minutes == null) {
    return trans.__('It stays on until somebody stops it.');
  }
  const policy = trans.__('It stops after %1 minutes without use.', minutes);
  const next = stops ? trans.__('If nobody uses it: at %1.', shortMoment(stops)) : '';
  const kept = until ? trans.__('It is kept on until %1.', shortMoment(until)) : '';
  return [policy, kept, next].filter(each => each).join(' ');
}

/** What happened lately. */
function Activity({ model }: CardProps): JSX.Element {
  const trans = useTrans();
  const told = model.events.flatMap(event => {
    const text = happened(trans, event);
    return text === null ? [] : [{ event, text }];
  });
  return (
    <Card title={trans.__('Activity')}>
      <ul aria-label={trans.__('Activity')}>
        {told.map(({ event, text }) => (
          <li key={event.position} className="jp-VMShare-cardRow">
            <span>{text}</span>
            <time className="jp-VMShare-detail" dateTime={event.at} title={moment(event.at, true)}>
              {shortMoment(event.at)}
            </time>
          </li>
        ))}
      </ul>
      {told.length === 0 && (
        <p className="jp-VMShare-detail">{trans.__('Nothing in the last 30 days.')}</p>
      )}
    </Card>
  );
}
