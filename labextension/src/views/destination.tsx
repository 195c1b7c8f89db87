import { folderIcon } from '@jupyterlab/ui-components';
import type { FocusEvent, JSX, KeyboardEvent } from 'react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import type { EntryView } from '../api/types';
import type { DestinationModel } from '../model/destination';
import { Crumbs } from './breadcrumbs';
import { useSignal, useTrans } from './context';
import { ActionButton, LiveRegion, Message } from './parts';

const NEAR_END_PX = 200;

interface DestinationProps {
  model: DestinationModel;
  /** What the folder is called here. */
  label: string;
  /** Moves to the directory that is shown. */
  move: () => void;
}

/** Walks through a folder's directories to the one that something is moved to. */
export function Destination({ model, label, move }: DestinationProps): JSX.Element {
  const trans = useTrans();
  useSignal(model.changed);
  const { path, failure, isHere, isLoaded } = model;
  const name = path ? path.slice(path.lastIndexOf('/') + 1) : label;
  return (
    // What takes the focus from a dialog gives it back to this: it goes to where it was.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      className="jp-VMShare-destination"
      role="group"
      aria-label={trans.__('Where to')}
      tabIndex={-1}
      onFocus={onFocus}
    >
      <Crumbs label={label} path={path} enter={to => void model.enter(to)} />
      {failure && <Message kind="error">{failure}</Message>}
      <Directories key={path} model={model} />
      <LiveRegion text={isLoaded ? counted(trans, model, name) : ''} />
      <div className="jp-VMShare-buttons">
        <span className="jp-VMShare-detail">
          {isHere
            ? trans._n(
                'It is in "%2" already.',
                'They are in "%2" already.',
                model.paths.length,
                name
              )
            : ''}
        </span>
        <ActionButton look="accept" disabled={isHere || !isLoaded} onClick={move}>
          {trans.__('Move to "%1"', name)}
        </ActionButton>
      </div>
    </div>
  );
}

function Directories({ model }: { model: DestinationModel }): JSX.Element {
  const trans = useTrans();
  const list = useRef<HTMLUListElement>(null);
  const { directories, hasMore, isLoaded } = model;
  const [current, setCurrent] = useState(0);
  const wanted = useRef(Infinity);
  useLayoutEffect(() => {
    if (!isLoaded) {
      // The button that was pressed is gone: keys that follow at once are not to get lost.
      list.current?.focus();
    }
  }, [isLoaded]);
  useEffect(() => {
    if (isLoaded) {
      // What had the focus went with the place that it was in.
      const before = model.directories.findIndex(({ path }) => path === model.left);
      (buttonsIn(list.current)[Math.max(0, before)] ?? list.current)?.focus();
    }
  }, [isLoaded, model]);
  useEffect(() => {
    if (wanted.current < directories.length) {
      buttonsIn(list.current)[wanted.current]?.focus();
      wanted.current = Infinity;
    }
  }, [directories.length]);
  const more = (): void => {
    wanted.current = directories.length;
    void model.loadMore();
  };
  return (
    // The keys are those of its buttons; where there are none, one still gets back with them.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <ul
      ref={list}
      tabIndex={-1}
      className="jp-VMShare-directories"
      aria-label={trans.__('Directories in here')}
      onKeyDown={event => onKey(event, model)}
      onScroll={event => isNearEnd(event.currentTarget) && void model.loadMore()}
    >
      {directories.map((directory, at) => (
        <li key={directory.path}>
          <DirectoryButton
            model={model}
            directory={directory}
            tabIndex={at === current ? 0 : -1}
            onFocus={() => setCurrent(at)}
          />
        </li>
      ))}
      {hasMore && (
        <li>
          <ActionButton onClick={more}>{trans.__('Show more')}</ActionButton>
        </li>
      )}
      {isLoaded && directories.length === 0 && (
        <li className="jp-VMShare-detail">{trans.__('There is no directory in here.')}</li>
      )}
    </ul>
  );
}

interface DirectoryButtonProps {
  model: DestinationModel;
  directory: EntryView;
  tabIndex: 0 | -1;
  onFocus: () => void;
}

function DirectoryButton(props: DirectoryButtonProps): JSX.Element {
  const { model, directory, tabIndex, onFocus } = props;
  const trans = useTrans();
  const isMoved = model.isMoved(directory.path);
  return (
    <button
      type="button"
      className="jp-VMShare-directory"
      // One gets to it and hears why not: a disabled one would be passed over.
      aria-disabled={isMoved}
      tabIndex={tabIndex}
      onFocus={onFocus}
      onClick={() => enter(model, directory)}
    >
      <folderIcon.react tag="span" className="jp-VMShare-rowIcon" />
      <span className="jp-VMShare-name">{directory.name}</span>
      {isMoved && <span className="jp-VMShare-detail">{trans.__('is to be moved')}</span>}
    </button>
  );
}

function onFocus({ currentTarget, target }: FocusEvent): void {
  const list = currentTarget.querySelector('ul');
  if (target === currentTarget && list) {
    (list.querySelector<HTMLElement>('[tabindex="0"]') ?? list).focus();
  }
}

function enter(model: DestinationModel, directory: EntryView | undefined): void {
  if (directory && !model.isMoved(directory.path)) {
    void model.enter(directory.path);
  }
}

function onKey(event: KeyboardEvent<HTMLElement>, model: DestinationModel): void {
  const buttons = buttonsIn(event.currentTarget);
  const at = buttons.indexOf(event.target as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to !== undefined) {
    buttons[to]?.focus();
  } else if (event.key === 'ArrowRight') {
    enter(model, model.directories[at]);
  } else if (event.key === 'ArrowLeft' || event.key === 'Backspace') {
    void model.leave();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function isNearEnd({ scrollHeight, scrollTop, clientHeight }: Element): boolean {
  return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
}

function buttonsIn(list: Element | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('button') ?? [])];
}

function counted(
  trans: ReturnType<typeof useTrans>,
  model: DestinationModel,
  name: string
): string {
  const count = model.directories.length;
  return model.hasMore
    ? trans.__('"%1" has more than %2 directories', name, count)
    : trans._n('"%2" has %1 directory', '"%2" has %1 directories', count, name);
}
