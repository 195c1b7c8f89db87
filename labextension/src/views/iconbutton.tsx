import type { LabIcon } from '@jupyterlab/ui-components';
import { Button } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

/** A button that shows only an icon, and has a name. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  onClick: (event: React.MouseEvent<HTMLButtonElement>) => void;
  tabIndex?: 0 | -1;
  hasPopup?: boolean;
}): JSX.Element {
  return (
    <Button
      className="jp-VMShare-iconButton"
      minimal
      small
      title={props.label}
      aria-label={props.label}
      aria-haspopup={props.hasPopup ? 'menu' : undefined}
      tabIndex={props.tabIndex}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" />
    </Button>
  );
}
