import type { JSX } from 'react';

import type { MachineView } from '../api/types';
import type { TerminalsModel, TerminalView } from '../model/terminals';
import { mayHaveTerminal } from '../model/terminals';
import { useSignal, useTrans } from './context';
import { ActionButton } from './parts';
import { shortMoment } from './words';

/** What the buttons ask the shell to do. */
export interface TerminalDeeds {
  /** ``keep``: it runs on when nobody looks. */
  terminal: (machine: MachineView, keep: boolean) => void;
  goOn: (terminal: TerminalView) => void;
}

/** Terminals on a machine: new ones, and what of them runs on. */
export function TerminalButtons(props: {
  machine: MachineView;
  terminals: TerminalsModel;
  deeds: TerminalDeeds;
}): JSX.Element | null {
  const trans = useTrans();
  const { machine, terminals, deeds } = props;
  useSignal(terminals.changed);
  if (!terminals.isOffered || !mayHaveTerminal(machine)) {
    return null;
  }
  return (
    <>
      <ActionButton onClick={() => deeds.terminal(machine, false)}>
        {trans.__('Terminal')}
      </ActionButton>
      <ActionButton
        title={trans.__('It goes on when you close the browser, until you leave its shell')}
        onClick={() => deeds.terminal(machine, true)}
      >
        {trans.__('Terminal that keeps running')}
      </ActionButton>
      {terminals.left(machine.id).map(terminal => (
        <ActionButton key={terminal.name} onClick={() => deeds.goOn(terminal)}>
          {trans.__('Go on with the terminal of %1', shortMoment(terminal.since))}
        </ActionButton>
      ))}
    </>
  );
}
