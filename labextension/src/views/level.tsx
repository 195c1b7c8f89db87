import { HTMLSelect } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { useTrans } from './context';
import { levelMeaning, levelName } from './words';

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
  /** Those to choose from; the present one is among them in any case. */
  levels: readonly string[];
  disabled?: boolean;
  onChange: (level: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { level, levels } = props;
  const offered = levels.includes(level) ? levels : [...levels, level];
  return (
    <HTMLSelect
      aria-label={props.label}
      title={levelMeaning(trans, level)}
      value={level}
      disabled={props.disabled ?? false}
      onChange={event => props.onChange(event.target.value)}
      options={offered.map(each => ({ value: each, label: levelName(trans, each) }))}
    />
  );
}
