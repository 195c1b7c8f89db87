import type { JSX, ReactNode } from 'react';
import { useId } from 'react';

/** A label beside its field, and a hint below. */
export function Field(props: {
  label: string;
  hint?: string | null;
  children: (id: string) => ReactNode;
}): JSX.Element {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{props.label}</label>
      <div>
        {props.children(id)}
        {props.hint && <p className="jp-VMShare-detail">{props.hint}</p>}
      </div>
    </>
  );
}
