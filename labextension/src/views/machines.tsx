import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import type { DriveView, MachineView } from '../api/types';
import { comingUp, hasFailed } from '../model/coming';
import type { MachinesModel } from '../model/machines';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { driveIcon, machineIcon } from './icons';
import { attachmentState, driveState, stepName, stepState } from './machinewords';
import { ActionButton, Blank, LiveRegion, Message, useDeed } from './parts';
import { StateMark } from './statemark';
import { ThingRow } from './thingrow';
import { listing, moment, shortMoment } from './words';

/** What rows of machines and drives ask the shell to do. */
export interface MachineDeeds {
  open: (machine: MachineView) => void;
  create: () => void;
  createDrive: () => void;
  shareDrive: (drive: DriveView) => void;
  console: (machine: MachineView) => void;
}

// Warnings come ten minutes before a machine stops by itself.
const SOON_MS = 10 * 60_000;
const KEEP_HOURS = 2;

/** The visitor's machines and drives: their own, and those shared with them. */
export function Machines(props: { model: VMShareModel; deeds: MachineDeeds }): JSX.Element {
  const trans = useTrans();
  const { model, deeds } = props;
  const { machines: all } = model;
  useSignal(all.changed);
  const { machines, drives, cloud } = all;
  const failure = machines.failure ?? drives.failure ?? all.failure;
  const isAnything = machines.items.length > 0 || drives.items.length > 0;
  return (
    <div className="jp-VMShare-machines">
      {failure && <Message kind="error">{failure}</Message>}
      {cloud && !cloud.offered && <p className="jp-VMShare-quiet">{cloud.because}</p>}
      {machines.items.length > 0 && (
        <ul aria-label={trans.__('Machines')}>
          {machines.items.map(machine => (
            <Row key={machine.id} machine={machine} model={model} deeds={deeds} />
          ))}
        </ul>
      )}
      {!isAnything && <NoMachines machines={all} deeds={deeds} />}
      {cloud?.offered && isAnything && (
        <div className="jp-VMShare-machineButtons">
          <ActionButton onClick={deeds.create}>{trans.__('New machine…')}</ActionButton>
          <ActionButton onClick={deeds.createDrive}>{trans.__('New drive…')}</ActionButton>
        </div>
      )}
      {drives.items.length > 0 && <Drives model={model} deeds={deeds} />}
    </div>
  );
}

function NoMachines(props: { machines: MachinesModel; deeds: MachineDeeds }): JSX.Element {
  const trans = useTrans();
  const { machines, deeds } = props;
  if (machines.cloud === null) {
    return (
      <p className="jp-VMShare-quiet">{machines.failure === null ? trans.__('Looking…') : ''}</p>
    );
  }
  return machines.cloud.offered ? (
    <Blank title={trans.__('No machines yet')}>
      <p>{trans.__('Make one and share it, or accept an invitation: it will appear here.')}</p>
      <ActionButton look="accept" onClick={deeds.create}>
        {trans.__('New machine…')}
      </ActionButton>
    </Blank>
  ) : (
    <></>
  );
}

interface RowProps {
  machine: MachineView;
  model: VMShareModel;
  deeds: MachineDeeds;
}

function Row({ machine, model, deeds }: RowProps): JSX.Element {
  const { me, machines } = model;
  const detail = (
    <>
      <StateMark machine={machine} />
      <SharedWith machine={machine} me={me} />
      <WhoIsOn machine={machine} />
    </>
  );
  return (
    <ThingRow
      thing={machine}
      kind="machine"
      icon={machineIcon}
      open={() => deeds.open(machine)}
      buttons={<Power machine={machine} machines={machines} />}
      {...{ me, detail }}
    >
      <Coming machine={machine} />
      <Trouble machine={machine} console={() => deeds.console(machine)} />
      <StopsSoon machine={machine} machines={machines} />
    </ThingRow>
  );
}

function SharedWith({ machine, me }: { machine: MachineView; me: string }): JSX.Element {
  const trans = useTrans();
  const { project } = machine;
  return (
    <>
      <With machine={machine} me={me} />
      {project && (
        <span>
          {machine.tagged
            ? trans.__('in %1, for its members alone', project)
            : trans.__('in %1', project)}
        </span>
      )}
    </>
  );
}

function With({ machine, me }: { machine: MachineView; me: string }): JSX.Element {
  const trans = useTrans();
  if (machine.owner !== me) {
    return <span>{trans.__('of %1', machine.owner)}</span>;
  }
  const count = machine.shared_with ?? 0;
  return (
    <span>
      {count === 0
        ? trans.__('Mine, not shared')
        : trans._n('With %1 person', 'With %1 people', count)}
    </span>
  );
}

/** Who works on it just now, as far as the relay knows. */
export function WhoIsOn({ machine }: { machine: MachineView }): JSX.Element | null {
  const trans = useTrans();
  const { on = [] } = machine;
  return on.length > 0 ? <span>{trans.__('On it: %1', listing(on))}</span> : null;
}

/** Starts a machine that is off, and stops one that is on; what one may not is not there. */
export function Power(props: {
  machine: MachineView;
  machines: MachinesModel;
}): JSX.Element | null {
  const trans = useTrans();
  const { machine, machines } = props;
  const { isBusy, failure, run } = useDeed();
  const isOn = machine.desired === 'running' && !hasFailed(machine);
  const verb = isOn ? 'stop' : 'start';
  const isOffered = machine.actions.includes(verb) && machine.desired !== 'deleted';
  const text = isOn
    ? trans.__('Stop')
    : hasFailed(machine)
      ? trans.__('Try again')
      : trans.__('Start');
  return (
    <>
      {failure && <Message kind="error">{failure}</Message>}
      {isOffered && (
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('%1 "%2"', text, machine.name)}
          onClick={() => void run(() => machines.ask(machine.id, verb))}
        >
          {text}
        </ActionButton>
      )}
    </>
  );
}

/** The steps of a machine that comes up. */
export function Coming({ machine }: { machine: MachineView }): JSX.Element | null {
  const trans = useTrans();
  const steps = comingUp(machine);
  const now = steps.find(({ state }) => state === 'now');
  return (
    <>
      <LiveRegion text={now ? stepName(trans, now) : ''} />
      {steps.length > 0 && (
        <ol
          className="jp-VMShare-coming"
          aria-label={trans.__('While "%1" comes up', machine.name)}
        >
          {steps.map(step => (
            <li
              key={`${step.what} ${step.name ?? ''}`}
              data-state={step.state}
              aria-current={step.state === 'now' ? 'step' : undefined}
            >
              {stepName(trans, step)}{' '}
              <span className="jp-VMShare-visuallyHidden">{stepState(trans, step)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** Why a machine is not as it was wanted, and what to do. */
export function Trouble(props: { machine: MachineView; console: () => void }): JSX.Element | null {
  const trans = useTrans();
  const { machine } = props;
  const { because, retry_at: retry } = machine;
  if (because == null) {
    return null;
  }
  return (
    <Message kind={hasFailed(machine) ? 'error' : 'warning'}>
      {because} {retry && trans.__('It is tried again by itself at %1.', shortMoment(retry))}{' '}
      {machine.actions.includes('read_console_log') && (
        <ActionButton onClick={props.console}>{trans.__('Console log')}</ActionButton>
      )}
    </Message>
  );
}

function StopsSoon(props: { machine: MachineView; machines: MachinesModel }): JSX.Element | null {
  const trans = useTrans();
  const { machine, machines } = props;
  const { isBusy, failure, run } = useDeed();
  const { stops_at: at = null, state } = machine;
  const isSoon = useIsSoon(at);
  if (at === null || !isSoon || state !== 'running') {
    return null;
  }
  return (
    <Message kind="warning">
      <span title={moment(at, true)}>
        {trans.__('Nobody uses it: it stops at %1.', shortMoment(at))}
      </span>{' '}
      {failure}
      {machine.actions.includes('keep_on') && (
        <ActionButton
          disabled={isBusy}
          onClick={() => void run(() => machines.keepOn(machine.id, KEEP_HOURS))}
        >
          {trans._n('Keep it on for %1 hour', 'Keep it on for %1 hours', KEEP_HOURS)}
        </ActionButton>
      )}
    </Message>
  );
}

/** Whether a moment is less than ten minutes away; drawn again when it is. */
function useIsSoon(at: string | null): boolean {
  const begins = at === null ? Infinity : Date.parse(at) - SOON_MS;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    // A day is more than any browser's timer minds; later ones are asked for again by then.
    const wait = Math.min(Math.max(0, begins - Date.now()), 24 * 3600_000);
    const timer = setTimeout(() => setNow(Date.now()), wait);
    return () => clearTimeout(timer);
  }, [begins]);
  return now >= begins;
}

function Drives({ model, deeds }: { model: VMShareModel; deeds: MachineDeeds }): JSX.Element {
  const trans = useTrans();
  return (
    <section aria-label={trans.__('Drives')}>
      <h4 className="jp-VMShare-subtitle">{trans.__('Drives')}</h4>
      <ul aria-label={trans.__('Drives')}>
        {model.machines.drives.items.map(drive => (
          <DriveRow key={drive.id} drive={drive} me={model.me} deeds={deeds} />
        ))}
      </ul>
    </section>
  );
}

function DriveRow(props: { drive: DriveView; me: string; deeds: MachineDeeds }): JSX.Element {
  const trans = useTrans();
  const { drive, me, deeds } = props;
  const detail = (
    <>
      <span>{trans.__('%1 GiB', drive.size_gib ?? 0)}</span>
      <span>{whereabouts(trans, drive)}</span>
    </>
  );
  return (
    <ThingRow
      thing={drive}
      kind="drive"
      icon={driveIcon}
      open={() => deeds.shareDrive(drive)}
      {...{ me, detail }}
    >
      {drive.because && <Message kind="error">{drive.because}</Message>}
    </ThingRow>
  );
}

function whereabouts(trans: ReturnType<typeof useTrans>, drive: DriveView): string {
  const [first] = drive.machines ?? [];
  if (drive.state !== 'ready' || !first) {
    return drive.state === 'ready' ? trans.__('on no machine') : driveState(trans, drive);
  }
  return trans.__('%1: %2', first.machine_name, attachmentState(trans, first));
}
