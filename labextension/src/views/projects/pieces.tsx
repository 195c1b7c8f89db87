import type { JSX, ReactNode } from 'react';
import { useEffect, useId, useRef, useState } from 'react';

import { NotSignedIn, sentenceOf } from '../../api/problem';
import { useTrans } from '../context';
import { ActionButton, Message, useDeed } from '../parts';
import { usePlaces } from './places';

/** What went wrong, and what to do where that is not in the sentence. Nothing without an error. */
export function Failure({ error }: { error: unknown }): JSX.Element | null {
  const trans = useTrans();
  const { home } = usePlaces();
  if (error == null) {
    return null;
  }
  return error instanceof NotSignedIn ? (
    <Message kind="error">
      {trans.__('You are signed out, so nothing was done. What you typed is still here.')}{' '}
      <a href={home} target="_blank" rel="noopener noreferrer">
        {trans.__('Sign in in a new tab')}
      </a>{' '}
      {trans.__('and try again here.')}
    </Message>
  ) : (
    <Message kind="error">{sentenceOf(error)}</Message>
  );
}

/** A part of a page with a title that one can go to. */
export function Part(props: {
  id: string;
  title: string;
  count?: number;
  children: ReactNode;
}): JSX.Element {
  const heading = `${props.id}-title`;
  return (
    <section id={props.id} className="jp-VMShare-part" aria-labelledby={heading}>
      <h2 id={heading}>
        {props.title}
        {props.count !== undefined && <span className="jp-VMShare-count"> {props.count}</span>}
      </h2>
      {props.children}
    </section>
  );
}

/** A field with its label above, and a hint below. */
export function Labelled(props: {
  label: string;
  hint?: string;
  children: (id: string, hint: string | undefined) => ReactNode;
}): JSX.Element {
  const id = useId();
  const hint = props.hint ? `${id}-hint` : undefined;
  return (
    <div className="jp-VMShare-labelled">
      <label htmlFor={id}>{props.label}</label>
      {props.children(id, hint)}
      {props.hint && (
        <p id={hint} className="jp-VMShare-detail">
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** A button that unfolds what belongs to it; closing it goes back to the button. */
export function Unfolding(props: {
  label: string;
  /** What it is called beside others of its kind: "Remove ben…". */
  name?: string;
  look?: 'plain' | 'accept' | 'warn';
  children: (close: () => void) => ReactNode;
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLSpanElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = (): void => setOpen(false);
  useEffect(() => {
    if (!isOpen) {
      return undefined;
    }
    const trigger = button.current?.querySelector('button');
    inside.current?.querySelector<HTMLElement>('input, textarea, button')?.focus();
    return () => trigger?.focus();
  }, [isOpen]);
  return (
    <>
      <span ref={button}>
        <ActionButton
          look={props.look ?? 'plain'}
          aria-expanded={isOpen}
          aria-controls={isOpen ? id : undefined}
          aria-label={props.name}
          onClick={() => setOpen(!isOpen)}
        >
          {props.label}
        </ActionButton>
      </span>
      {isOpen && (
        <div
          id={id}
          ref={inside}
          className="jp-VMShare-step"
          role="group"
          aria-label={props.name ?? props.label}
        >
          {props.children(close)}
        </div>
      )}
    </>
  );
}

/** What can't be undone: says what happens, and asks once more. */
export function Confirmed(props: {
  label: string;
  name?: string;
  warning: string;
  yes: string;
  no: string;
  deed: () => Promise<void>;
}): JSX.Element {
  const { isBusy, error, run } = useDeed();
  const { name } = props;
  return (
    <Unfolding label={props.label} {...(name === undefined ? {} : { name })}>
      {close => (
        <>
          <p>{props.warning}</p>
          <Failure error={error} />
          <div className="jp-VMShare-buttons">
            <ActionButton look="warn" disabled={isBusy} onClick={() => void run(props.deed)}>
              {props.yes}
            </ActionButton>
            <ActionButton onClick={close}>{props.no}</ActionButton>
          </div>
        </>
      )}
    </Unfolding>
  );
}
