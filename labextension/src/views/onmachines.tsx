import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX, RefObject } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { FolderView, MachineView, ShowingView } from '../api/types';
import type { ShownModel } from '../model/shown';
import type { VMShareModel } from '../model/vmshare';
import { Card } from './card';
import { useSignal, useTrans } from './context';
import { labelOf } from './machinewords';
import { ActionButton, Message, useDeed } from './parts';

/** The machines of the visitor, each with the choice to have a folder there, too. */
export function FolderOnMachines(props: { folder: FolderView; model: VMShareModel }): JSX.Element {
  const trans = useTrans();
  const { folder, model } = props;
  const { shown, machines } = model;
  useLooked(shown);
  useSignal(machines.changed);
  const found = machines.machines.items.filter(
    machine => mayShow(machine) || shown.of(folder.id, machine.id)
  );
  return (
    <div className="jp-VMShare-onMachines">
      <p>
        {trans.__(
          'It is mounted there at your level while the machine and a session of yours run.'
        )}
      </p>
      {shown.failure && <Message kind="error">{shown.failure}</Message>}
      {found.length === 0 && (
        <p className="jp-VMShare-quiet">{trans.__('You have no machine to show it on.')}</p>
      )}
      <ul aria-label={trans.__('Machines')}>
        {found.map(machine => (
          <Choice
            key={machine.id}
            pair={[folder.id, machine.id]}
            name={labelOf(trans, machine, model.me)}
            model={model}
          />
        ))}
      </ul>
    </div>
  );
}

/** Of a machine's page: the visitor's folders that are mounted on it, and another one. */
export function FoldersOnMachine(props: {
  machine: MachineView;
  model: VMShareModel;
}): JSX.Element | null {
  const trans = useTrans();
  const { machine, model } = props;
  const { shown, folders } = model;
  const [added, setAdded] = useState('');
  useLooked(shown);
  useSignal(folders.changed);
  const here = shown.items.filter(({ machine_id: id }) => id === machine.id);
  const others = folders.items.filter(
    ({ id, actions }) => actions.includes('mount_read_only') && !shown.of(id, machine.id)
  );
  if (!mayShow(machine) && here.length === 0) {
    return null;
  }
  const chosen = others.find(({ id }) => id === added);
  return (
    <Card title={trans.__('Your folders on it')}>
      <ul aria-label={trans.__('Your folders on it')}>
        {here.map(one => (
          <Choice
            key={one.folder_id}
            pair={[one.folder_id, machine.id]}
            name={folders.find(one.folder_id)?.label ?? one.folder_name}
            model={model}
          />
        ))}
        {chosen && (
          <Choice
            key={chosen.id}
            pair={[chosen.id, machine.id]}
            name={chosen.label}
            model={model}
          />
        )}
      </ul>
      {here.length === 0 && !chosen && (
        <p className="jp-VMShare-detail">{trans.__('None: each is shown only if you say so.')}</p>
      )}
      {others.length > 0 && (
        <HTMLSelect
          value={chosen ? added : ''}
          aria-label={trans.__('A folder to show on it')}
          onChange={event => {
            setAdded(event.target.value);
          }}
        >
          <option value="">{trans.__('Another folder…')}</option>
          {others.map(folder => (
            <option key={folder.id} value={folder.id}>
              {folder.label}
            </option>
          ))}
        </HTMLSelect>
      )}
    </Card>
  );
}

/** One folder on one machine: what that means before it is chosen, and one click to undo it. */
function Choice(props: {
  pair: [folder: string, machine: string];
  name: string;
  model: VMShareModel;
}): JSX.Element {
  const trans = useTrans();
  const { pair, name, model } = props;
  const { shown } = model;
  const { isBusy, failure, run } = useDeed();
  const [asked, setAsked] = useState<ShowingView | null>(null);
  const isShown = shown.of(...pair) !== null;
  const row = useFocusKept(isShown, asked, isBusy);
  const ask = async (): Promise<void> => {
    setAsked(await shown.look(...pair));
  };
  const show = async (): Promise<void> => {
    await shown.show(...pair);
    setAsked(null);
  };
  return (
    <li className="jp-VMShare-cardRow" data-shown={isShown} ref={row}>
      <span className="jp-VMShare-name">{name}</span>
      {isShown && <Stands pair={pair} model={model} />}
      {isShown && (
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Take "%1" away', name)}
          onClick={() => void run(() => shown.hide(...pair))}
        >
          {trans.__('Take away')}
        </ActionButton>
      )}
      {!isShown && !asked && (
        <ActionButton
          disabled={isBusy}
          aria-label={trans.__('Show "%1"…', name)}
          onClick={() => void run(ask)}
        >
          {trans.__('Show…')}
        </ActionButton>
      )}
      {!isShown && asked && (
        <>
          <div className="jp-VMShare-asked" tabIndex={-1}>
            <Message kind="warning">{asked.sentence}</Message>
          </div>
          <ActionButton look="warn" disabled={isBusy} onClick={() => void run(show)}>
            {trans.__('Show it there')}
          </ActionButton>
          <ActionButton
            disabled={isBusy}
            onClick={() => {
              setAsked(null);
            }}
          >
            {trans.__('Cancel')}
          </ActionButton>
        </>
      )}
      {failure && <Message kind="error">{failure}</Message>}
    </li>
  );
}

/** How it stands there: where it is, or why it is not. */
function Stands(props: { pair: [string, string]; model: VMShareModel }): JSX.Element {
  const trans = useTrans();
  const { pair, model } = props;
  useSignal(model.machines.changed);
  useSignal(model.mounts.sessions.changed);
  const standing = model.shown.standing(...pair);
  if (standing?.state === 'failed') {
    return <Message kind="error">{standing.because ?? trans.__('It could not be shown.')}</Message>;
  }
  const [folder, machine] = pair;
  let said = trans.__('coming…');
  if (standing?.state === 'shown') {
    said = trans.__('at %1', standing.place ?? '');
  } else if (standing?.state === 'elsewhere') {
    said = trans.__('through another session of yours');
  } else if (!standing && model.machines.machines.find(machine)?.state !== 'running') {
    said = trans.__('not now: the machine is off');
  } else if (!standing && model.mounts.of(folder)?.state !== 'mounted') {
    said = trans.__('not now: this session does not have the folder');
  }
  return (
    <span className="jp-VMShare-detail" role="status">
      {said}
    </span>
  );
}

/** Redrawn as it changes, and looked at while the view is open. */
function useLooked(model: ShownModel): void {
  useSignal(model.changed);
  useEffect(() => model.watch(), [model]);
}

/** What had the focus is gone after a change of these: then the next thing in the row has it. */
function useFocusKept(
  isShown: boolean,
  asked: ShowingView | null,
  isBusy: boolean
): RefObject<HTMLLIElement> {
  const row = useRef<HTMLLIElement>(null);
  const had = useRef(false);
  useEffect(() => {
    const { current } = row;
    const comes = (): void => {
      had.current = true;
    };
    const goes = ({ relatedTarget }: FocusEvent): void => {
      // Of what is removed or disabled nothing says where the focus goes.
      had.current = relatedTarget === null || (current?.contains(relatedTarget as Node) ?? false);
    };
    current?.addEventListener('focusin', comes);
    current?.addEventListener('focusout', goes);
    return () => {
      current?.removeEventListener('focusin', comes);
      current?.removeEventListener('focusout', goes);
    };
  }, []);
  useEffect(() => {
    if (had.current && !row.current?.contains(document.activeElement)) {
      row.current?.querySelector<HTMLElement>('[tabindex="-1"], button')?.focus();
    }
  }, [isShown, asked, isBusy]);
  return row;
}

/** Of a machine that is off it is not said what the person may do on it: the service is asked. */
function mayShow({ actions, state }: MachineView): boolean {
  return actions.includes('open_terminal') || (state !== 'running' && actions.includes('start'));
}
