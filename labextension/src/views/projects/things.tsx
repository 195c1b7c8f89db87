import type { JSX } from 'react';

import type { DriveView, MachineView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { ActionButton, useDeed } from '../parts';
import { StateMark } from '../statemark';
import { Confirmed, Failure, Part } from './pieces';
import { usePlaces } from './places';

/** The machines and drives in a project, with what the person may do about each here. */
export function Things({ model }: { model: ProjectModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.machines.changed);
  useSignal(model.drives.changed);
  const { machines, drives } = model;
  const isEmpty = machines.items.length + drives.items.length === 0;
  return (
    <Part id="things" title={trans.__('Machines and drives')}>
      <p className="jp-VMShare-detail">
        {model.may('member.remove')
          ? trans.__('All that members made in this project. It stays when they leave.')
          : trans.__('Your machines in this project, and everybody’s drives.')}
      </p>
      <Failure error={machines.failure ?? drives.failure} />
      {isEmpty && <p>{trans.__('There are none yet.')}</p>}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Machines')}>
        {machines.items.map(machine => (
          <Machine key={machine.id} model={model} machine={machine} />
        ))}
      </ul>
      <ul className="jp-VMShare-rows" aria-label={trans.__('Drives')}>
        {drives.items.map(drive => (
          <Drive key={drive.id} model={model} drive={drive} />
        ))}
      </ul>
    </Part>
  );
}

function Machine(props: { model: ProjectModel; machine: MachineView }): JSX.Element {
  const trans = useTrans();
  const { model, machine } = props;
  const { isBusy, error, run } = useDeed();
  const { name, actions } = machine;
  const verb = machine.desired === 'running' ? 'stop' : 'start';
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{name}</bdi> <StateMark machine={machine} />
        </h3>
        <p className="jp-VMShare-detail">{trans.__('of %1', machine.owner)}</p>
        <Failure error={error} />
      </div>
      <div className="jp-VMShare-buttons">
        {actions.includes(verb) && (
          <ActionButton
            disabled={isBusy}
            aria-label={verb === 'stop' ? trans.__('Stop %1', name) : trans.__('Start %1', name)}
            onClick={() => void run(() => model.power(machine.id, verb))}
          >
            {verb === 'stop' ? trans.__('Stop') : trans.__('Start')}
          </ActionButton>
        )}
        <Tag model={model} kind="machine" thing={machine} />
        {actions.includes('delete') && <Delete kind="machine" id={machine.id} name={name} />}
      </div>
    </li>
  );
}

function Drive(props: { model: ProjectModel; drive: DriveView }): JSX.Element {
  const trans = useTrans();
  const { model, drive } = props;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{drive.name}</bdi>
        </h3>
        <p className="jp-VMShare-detail">
          {trans.__('of %1, %2 GiB', drive.owner, drive.size_gib ?? 0)}
          {drive.opened && `, ${trans.__('open to members')}`}
        </p>
      </div>
      <div className="jp-VMShare-buttons">
        <Tag model={model} kind="drive" thing={drive} />
        {drive.actions.includes('delete') && (
          <Delete kind="drive" id={drive.id} name={drive.name} />
        )}
      </div>
    </li>
  );
}

/** Whether the project is its gate; its owner sets that, and two people take it away. */
function Tag(props: {
  model: ProjectModel;
  kind: 'machine' | 'drive';
  thing: MachineView | DriveView;
}): JSX.Element | null {
  const trans = useTrans();
  const { home } = usePlaces();
  const { model, kind, thing } = props;
  const isOwn = thing.owner === model.me;
  if (!thing.tagged) {
    return isOwn ? (
      <Confirmed
        label={trans.__('Only members…')}
        name={trans.__('Only members: %1…', thing.name)}
        warning={trans.__(
          'Only active members of this project get into "%1" then, whatever others were given. An owner and an administrator together can take that away.',
          thing.name
        )}
        yes={trans.__('Let only members in')}
        no={trans.__('Leave it as it is')}
        deed={() => model.tag(kind, thing.id)}
      />
    ) : null;
  }
  const mayConfirm = isOwn || model.may('member.remove');
  return (
    <>
      <span className="jp-VMShare-chip">{trans.__('Only members')}</span>
      {mayConfirm && (
        <a
          href={`${home}confirm/untag/${thing.id}`}
          aria-label={trans.__('Take the tag of %1 away…', thing.name)}
        >
          {trans.__('Take the tag away…')}
        </a>
      )}
    </>
  );
}

/** Deleting is confirmed on a page of its own. */
function Delete(props: { kind: 'machine' | 'drive'; id: string; name: string }): JSX.Element {
  const trans = useTrans();
  const { home } = usePlaces();
  const { kind, id, name } = props;
  return (
    <a href={`${home}confirm/delete-${kind}/${id}`} aria-label={trans.__('Delete %1…', name)}>
      {trans.__('Delete…')}
    </a>
  );
}
