import type { JSX } from 'react';
import { useId } from 'react';

import { useTrans } from './context';
import { zoneName } from './words';

interface EndDateFieldProps {
  label: string;
  /** UTC, ISO 8601; null: no end. */
  value: string | null;
  onChange: (value: string | null) => void;
  disabled?: boolean;
  /** What an empty field means, where it is not "no end". */
  empty?: string;
}

/** A date and time in the person's own zone, which is named. */
export function EndDateField(props: EndDateFieldProps): JSX.Element {
  const { label, value, onChange, disabled, empty } = props;
  const trans = useTrans();
  const id = useId();
  return (
    <div className="jp-VMShare-endDate">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="jp-mod-styled"
        type="datetime-local"
        min={toLocal(new Date().toISOString())}
        value={value ? toLocal(value) : ''}
        disabled={disabled}
        onChange={event => onChange(toUtc(event.target.value))}
      />
      <span className="jp-VMShare-detail">
        {value
          ? trans.__('Your time (%1)', zoneName())
          : (empty ?? trans.__('Empty: it does not end by itself. Your time (%1).', zoneName()))}
      </span>
    </div>
  );
}

/** `2026-11-27T18:00` in the person's own time. */
export function toLocal(iso: string): string {
  const then = new Date(iso);
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment that a date and time of the person's own time is; null for none. */
export function toUtc(local: string): string | null {
  const then = new Date(local);
  return Number.isNaN(then.getTime()) ? null : then.toISOString();
}
