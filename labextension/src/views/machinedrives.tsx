import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useState } from 'react';

import type { MachineView } from '../api/types';
import type { CardProps } from './card';
import { Card } from './card';
import { useTrans } from './context';
import { attachmentState } from './machinewords';
import { ActionButton, Message, useDeed } from './parts';

type OnIt = NonNullable<MachineView['drives']>[number];

/** The drives of a machine that the person may see, and those that could come. */
export function MachineDrives(card: CardProps): JSX.Element | null {
  const trans = useTrans();
  const { model, machine } = card;
  const drives = machine.drives ?? [];
  const mayAttach = machine.actions.includes('attach_drive') && model.attachable.length > 0;
  if (drives.length === 0 && !machine.actions.includes('attach_drive')) {
    return null;
  }
  return (
    <Card title={trans.__('Drives')}>
      <ul aria-label={trans.__('Drives on it')}>
        {drives.map(drive => (
          <OnMachine key={drive.drive_id} drive={drive} {...card} />
        ))}
      </ul>
      {drives.length === 0 && <p className="jp-VMShare-detail">{trans.__('None on it.')}</p>}
      {mayAttach && <Attach {...card} />}
    </Card>
  );
}

function OnMachine({ drive, model, machine, deeds }: CardProps & { drive: OnIt }): JSX.Element {
  const trans = useTrans();
  const { machines } = model.shared;
  const { isBusy, failure, run } = useDeed();
  const { drive_id: id, drive_name: name, because } = drive;
  const known = machines.drives.find(id);
  const may = (action: string): boolean => known?.actions.includes(action) ?? false;
  const mayDetach = may('detach') || machine.actions.includes('detach_drive');
  return (
    <li className="jp-VMShare-cardRow" data-attached={id}>
      <span className="jp-VMShare-name">{name}</span>
      <span className="jp-VMShare-detail">
        {known?.size_gib != null && trans.__('%1 GiB', known.size_gib)}{' '}
        {attachmentState(trans, drive)}
      </span>
      {because && <Message kind="error">{because}</Message>}
      {failure && <Message kind="error">{failure}</Message>}
      {mayDetach && drive.state !== 'detaching' && (
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Detach "%1"', name)}
          onClick={() => void run(() => machines.detach(id, machine.id))}
        >
          {trans.__('Detach')}
        </ActionButton>
      )}
      {known && may('extend') && (
        <ActionButton
          aria-label={trans.__('Make "%1" larger', name)}
          onClick={() => deeds.extend(known)}
        >
          {trans.__('Extend…')}
        </ActionButton>
      )}
      {known && may('clone') && (
        <ActionButton aria-label={trans.__('Copy "%1"', name)} onClick={() => deeds.clone(known)}>
          {trans.__('Copy…')}
        </ActionButton>
      )}
      {machine.actions.includes('use_drive_elsewhere') && (
        <Elsewhere
          name={name}
          machines={machines.machines.items.filter(
            ({ id: other, actions }) => other !== machine.id && actions.includes('attach_drive')
          )}
          isBusy={isBusy}
          move={to => void run(() => machines.moveDrive(machine.id, id, to))}
        />
      )}
    </li>
  );
}

/** Another machine of the person's to which a drive is taken. */
function Elsewhere(props: {
  name: string;
  machines: readonly MachineView[];
  isBusy: boolean;
  move: (machine: string) => void;
}): JSX.Element | null {
  const trans = useTrans();
  const { name, machines, isBusy, move } = props;
  if (machines.length === 0) {
    return null;
  }
  return (
    <HTMLSelect
      aria-label={trans.__('Take "%1" to another machine', name)}
      value=""
      disabled={isBusy}
      onChange={event => move(event.target.value)}
      options={[
        { value: '', label: trans.__('Take it to…') },
        ...machines.map(({ id, name: label }) => ({ value: id, label }))
      ]}
    />
  );
}

function Attach({ model, machine }: CardProps): JSX.Element {
  const trans = useTrans();
  const { machines } = model.shared;
  const { isBusy, failure, run } = useDeed();
  const [chosen, setChosen] = useState('');
  const { attachable } = model;
  const drive = attachable.find(({ id }) => id === chosen) ?? attachable[0];
  const may = (action: string): boolean => drive?.actions.includes(action) ?? false;
  const attach = (readOnly: boolean): void =>
    void run(async () => {
      if (drive) {
        await machines.attach(drive.id, machine.id, readOnly);
      }
    });
  return (
    <div className="jp-VMShare-cardRow">
      <HTMLSelect
        aria-label={trans.__('Drive to attach')}
        value={drive?.id ?? ''}
        onChange={event => setChosen(event.target.value)}
        options={attachable.map(({ id, name }) => ({ value: id, label: name }))}
      />
      {may('attach_read_write') && (
        <ActionButton disabled={isBusy} onClick={() => attach(false)}>
          {trans.__('Attach')}
        </ActionButton>
      )}
      {may('attach_read_only') && (
        <ActionButton disabled={isBusy} onClick={() => attach(true)}>
          {trans.__('Attach to read')}
        </ActionButton>
      )}
      {failure && <Message kind="error">{failure}</Message>}
    </div>
  );
}
