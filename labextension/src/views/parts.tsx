import type { LabIcon } from '@jupyterlab/ui-components';
import type { JSX, ReactNode } from 'react';
import { useState } from 'react';

import { sentenceOf } from '../api/problem';
import type { EntryView } from '../api/types';
import { useTrans } from './context';
import { bytes, moment, shortMoment } from './words';

/** When access ends by itself; nothing when it does not. */
export function EndDate({ at }: { at: string | null | undefined }): JSX.Element | null {
  const trans = useTrans();
  return at ? (
    <time className="jp-VMShare-until" dateTime={at} title={moment(at, true)}>
      {trans.__('until %1', shortMoment(at))}
    </time>
  ) : null;
}

/** The name of a row, which opens it. */
export function NameButton(props: {
  name: string;
  tabIndex: 0 | -1;
  open: () => void;
}): JSX.Element {
  const { name, tabIndex, open } = props;
  return (
    <button className="jp-VMShare-nameButton" tabIndex={tabIndex} title={name} onClick={open}>
      {name}
    </button>
  );
}

/** The cells of a row that say when an entry was changed and how large it is. */
export function ModifiedAndSize({ entry }: { entry: EntryView }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <div role="gridcell" className="jp-VMShare-modifiedCell">
        {entry.modified_at && (
          <time dateTime={entry.modified_at} title={moment(entry.modified_at, true)}>
            {shortMoment(entry.modified_at)}
          </time>
        )}
      </div>
      <div role="gridcell" className="jp-VMShare-sizeCell">
        {entry.size == null ? '' : bytes(trans, entry.size)}
      </div>
    </>
  );
}

/** What `ActionButton` and `ActionLink` look like. */
type Look = 'plain' | 'accept' | 'warn';

/** A button with words, in the looks of JupyterLab's dialogs. */
export function ActionButton({
  look = 'plain',
  ...button
}: React.ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look }): JSX.Element {
  return <button type="button" {...button} className={actionClass(look)} />;
}

/** The same for what leads to another page, in a tab of its own. */
export function ActionLink(props: { href: string; look?: Look; children: ReactNode }): JSX.Element {
  return (
    <a
      className={actionClass(props.look ?? 'accept')}
      href={props.href}
      target="_blank"
      rel="noopener noreferrer"
    >
      {props.children}
    </a>
  );
}

function actionClass(look: Look): string {
  return `jp-VMShare-button jp-mod-${look}`;
}

/** A button of a toolbar: an icon, and words where there is room. */
export function ToolButton(props: {
  icon: LabIcon;
  label: string;
  text?: string;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-VMShare-toolButton"
      title={props.label}
      aria-label={props.text ?? props.label}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" className="jp-VMShare-rowIcon" />
      {props.text && <span>{props.text}</span>}
    </button>
  );
}

/** A field that narrows a list down while one types. */
export function SearchField(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <input
      type="search"
      className="jp-VMShare-search"
      aria-label={props.label}
      placeholder={props.label}
      value={props.value}
      onChange={event => props.onChange(event.target.value)}
    />
  );
}

/** A sentence that matters now, in a coloured frame. */
export function Message(props: {
  kind: 'info' | 'warning' | 'error';
  children: ReactNode;
  onDismiss?: () => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div
      className={`jp-VMShare-message jp-mod-${props.kind}`}
      role={props.kind === 'error' ? 'alert' : 'note'}
    >
      <div className="jp-VMShare-messageText">{props.children}</div>
      {props.onDismiss && (
        <ActionButton onClick={props.onDismiss}>{trans.__('Dismiss')}</ActionButton>
      )}
    </div>
  );
}

/** Nothing to show, why, and what to do about it. */
export function Blank(props: { icon?: LabIcon; title: string; children?: ReactNode }): JSX.Element {
  return (
    <div className="jp-VMShare-blank">
      {props.icon && <props.icon.react tag="div" className="jp-VMShare-blankIcon" />}
      <p className="jp-VMShare-blankTitle">{props.title}</p>
      {props.children}
    </div>
  );
}

/** What screen readers are told; always in the document, so that changes are noticed. */
export function LiveRegion({ text }: { text: string }): JSX.Element {
  return (
    <div className="jp-VMShare-visuallyHidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}

/** A deed of the person: whether it is under way, and what went wrong. */
export function useDeed(): {
  isBusy: boolean;
  failure: string | null;
  error: unknown;
  run: (deed: () => Promise<void>) => Promise<void>;
} {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (deed: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await deed();
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  return { isBusy, failure: error == null ? null : sentenceOf(error), error, run };
}
