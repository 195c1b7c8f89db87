import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { useTrans } from './context';
import { LEVELS, levelMeaning, levelName } from './words';

/** A level, small; its meaning is the tooltip. */
export function LevelChip({ level }: { level: string }): JSX.Element {
  const trans = useTrans();
  return (
    <span className="jp-VMShare-chip" data-level={level} title={levelMeaning(trans, level)}>
      {levelName(trans, level)}
    </span>
  );
}

/** A level to choose; what it means is said beside it. */
export function LevelSelect(props: {
  label: string;
  level: string;
  disabled?: boolean;
  onChange: (level: string) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <HTMLSelect
      aria-label={props.label}
      title={levelMeaning(trans, props.level)}
      value={props.level}
      disabled={props.disabled ?? false}
      onChange={event => props.onChange(event.target.value)}
      options={LEVELS.map(level => ({ value: level, label: levelName(trans, level) }))}
    />
  );
}
