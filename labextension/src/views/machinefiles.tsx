import { homeIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import type { MachineView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { Power } from './machines';
import { ToolButton } from './parts';
import { StateMark } from './statemark';

/** Where everybody on a machine shares their work. */
const SHARED = 'srv/shared';

/** Above the files of a machine: how it is, and the two places where one's work is. */
export function OnMachine(props: {
  model: VMShareModel;
  directory: DirectoryModel;
}): JSX.Element | null {
  const trans = useTrans();
  const { model, directory } = props;
  useSignal(model.machines.changed);
  useSignal(directory.changed);
  const machine = model.machines.machines.find(directory.folderId);
  if (!machine) {
    return null;
  }
  return (
    <div
      className="jp-VMShare-onMachine"
      role="group"
      aria-label={trans.__('Machine "%1"', machine.name)}
    >
      <StateMark machine={machine} />
      {directory.may('list_files') ? (
        <Places model={model} directory={directory} />
      ) : (
        <p>{shut(trans, machine)}</p>
      )}
      {machine.state !== 'running' && <Power machine={machine} machines={model.machines} />}
    </div>
  );
}

function Places(props: { model: VMShareModel; directory: DirectoryModel }): JSX.Element {
  const trans = useTrans();
  const { model, directory } = props;
  const [home, setHome] = useState<string | null>(null);
  const { folderId } = directory;
  useEffect(() => {
    // Where it is not known, there is no button.
    model.machineFiles.home(folderId).then(setHome, () => setHome(null));
  }, [model, folderId]);
  return (
    <>
      {home !== null && (
        <ToolButton
          icon={homeIcon}
          label={trans.__('Your home on it')}
          text={trans.__('Home')}
          onClick={() => void directory.enter(home)}
        />
      )}
      <ToolButton
        icon={usersIcon}
        label={trans.__('/srv/shared: what its users share')}
        text={trans.__('Shared')}
        onClick={() => void directory.enter(SHARED)}
      />
    </>
  );
}

function shut(trans: ReturnType<typeof useTrans>, machine: MachineView): string {
  return machine.state === 'running'
    ? trans.__('You may not look at the files on it.')
    : trans.__('Its files can be looked at while it runs.');
}
