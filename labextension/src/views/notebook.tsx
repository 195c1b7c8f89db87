import type { JSX } from 'react';
import { useEffect, useRef } from 'react';

import type { Cell, Notebook as Content } from '../model/notebook';
import { useTrans } from './context';

/** A part of a notebook that JupyterLab knows how to show. */
export type Part =
  { markdown: string } | { code: string; language: string } | { output: Record<string, unknown> };

/** Shows a part in a node; what it returns takes it away again. */
export type ShowPart = (host: HTMLElement, part: Part) => () => void;

/** A notebook to read. Nothing in it runs, whoever trusted it. */
export function Notebook(props: { name: string; notebook: Content; show: ShowPart }): JSX.Element {
  const { name, notebook, show } = props;
  return (
    // What scrolls has to be reached by the keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="jp-VMShare-notebook" role="region" aria-label={name} tabIndex={0}>
      {notebook.cells.map((cell, at) => (
        <CellView key={at} cell={cell} language={notebook.language} show={show} />
      ))}
    </div>
  );
}

function CellView(props: { cell: Cell; language: string; show: ShowPart }): JSX.Element {
  const trans = useTrans();
  const { cell, language, show } = props;
  if (cell.kind === 'raw') {
    return <pre className="jp-VMShare-cellRaw">{cell.source}</pre>;
  }
  if (cell.kind === 'markdown') {
    return <Shown className="jp-VMShare-cellText" part={{ markdown: cell.source }} show={show} />;
  }
  return (
    <>
      <div className="jp-VMShare-cell">
        <div className="jp-VMShare-prompt" aria-label={trans.__('Code')}>
          [{cell.count ?? ' '}]:
        </div>
        <Shown className="jp-VMShare-cellCode" part={{ code: cell.source, language }} show={show} />
      </div>
      {cell.outputs.map((output, at) => (
        <div className="jp-VMShare-cell" key={at}>
          <div className="jp-VMShare-prompt" />
          <Shown className="jp-VMShare-cellOutput" part={{ output }} show={show} />
        </div>
      ))}
    </>
  );
}

function Shown(props: { className: string; part: Part; show: ShowPart }): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const { className, show } = props;
  // The parts of a file that was read once do not change.
  const part = useRef(props.part);
  useEffect(() => (host.current ? show(host.current, part.current) : undefined), [show]);
  return <div className={className} ref={host} />;
}
