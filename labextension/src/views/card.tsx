import type { JSX, ReactNode } from 'react';
import { useId } from 'react';

import type { DriveView, MachineView } from '../api/types';
import type { MachinePageModel } from '../model/machinepage';
import type { TerminalDeeds } from './terminals';

/** What the page of a machine asks the shell to do. */
export interface MachinePageDeeds extends TerminalDeeds {
  files: (machine: MachineView) => void;
  share: (machine: MachineView) => void;
  reboot: (machine: MachineView) => void;
  rename: (machine: MachineView) => void;
  resize: (machine: MachineView) => void;
  rebuild: (machine: MachineView) => void;
  console: (machine: MachineView) => void;
  snapshot: (machine: MachineView) => void;
  extend: (drive: DriveView) => void;
  clone: (drive: DriveView) => void;
  remove: (machine: MachineView) => void;
}

export interface CardProps {
  model: MachinePageModel;
  machine: MachineView;
  deeds: MachinePageDeeds;
}

/** A part of the page with a title of its own. */
export function Card(props: {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}): JSX.Element {
  const id = useId();
  return (
    <section className="jp-VMShare-card" aria-labelledby={id}>
      <div className="jp-VMShare-cardTitle">
        <h3 id={id}>{props.title}</h3>
        {props.action}
      </div>
      {props.children}
    </section>
  );
}
