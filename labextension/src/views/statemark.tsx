import type { JSX } from 'react';

import type { MachineView } from '../api/types';
import { useTrans } from './context';
import { stateName } from './machinewords';

/** Where a machine is: a coloured dot, and words. */
export function StateMark({ machine }: { machine: MachineView }): JSX.Element {
  const trans = useTrans();
  return (
    <span className="jp-VMShare-state" data-state={machine.state ?? ''}>
      {stateName(trans, machine)}
    </span>
  );
}
