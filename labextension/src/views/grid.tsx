import type { CSSProperties, HTMLAttributes, JSX, KeyboardEvent, ReactNode } from 'react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

import type { Picking } from '../model/selection';

/** What a grid needs to know about its rows. */
export interface GridProps<T> {
  label: string;
  items: readonly T[];
  rowHeight: number;
  keyOf: (item: T) => string;
  /** The cells of a row; buttons in them take `tabIndex`, so that Tab stays short. */
  cells: (item: T, tabIndex: 0 | -1) => ReactNode;
  /** Attributes of a row, such as the data that context menus look for. */
  rowData?: (item: T) => HTMLAttributes<HTMLDivElement> & Record<`data-${string}`, string>;
  onOpen: (item: T) => void;
  /** Returns true when it has used the key. */
  onKey?: (key: string, item: T) => boolean;
  /** Called when the rows that are there are about to end. */
  onNearEnd?: () => void;
  /** Called with the rows that are in sight: from the first to before the last. */
  onSight?: (first: number, last: number) => void;
  /** The header row's cells, if there is one. */
  header?: ReactNode;
  /** How the rows are sorted: in another order one begins at the top again. */
  order?: string;
  /** Whether the number of rows is not known yet. */
  isOpenEnded?: boolean;
  /** Where several rows can be selected. */
  selecting?: Selecting<T>;
  /** Where rows can be unfolded. */
  tree?: Unfolding<T>;
  /** What a row is called: typing its first letter goes there. */
  nameOf?: (item: T) => string;
}

/** Rows with others below them. */
export interface Unfolding<T> {
  depthOf: (item: T) => number;
  /** Null: nothing is below it. */
  isOpen: (item: T) => boolean | null;
  setOpen: (item: T, isOpen: boolean) => void;
}

/** Which rows are selected, and what the mouse and the keyboard do about it. */
export interface Selecting<T> {
  has: (item: T) => boolean;
  pick: (item: T, how: Picking) => void;
  all: () => void;
  none: () => void;
}

const OVERSCAN = 8;
// Before the first measurement, and where nothing is laid out.
const ASSUMED_HEIGHT = 600;

/**
 * Rows of one height, of which only those in sight are in the document.
 *
 * One row is in the tab order; the arrow keys move it.
 */
export function Grid<T>(props: GridProps<T>): JSX.Element {
  const { items, rowHeight, onNearEnd, onSight } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { top, height, onScroll } = useViewport(scroller);
  const roving = useRoving(props, scroller);
  useEffect(() => {
    if (scroller.current) {
      scroller.current.scrollTop = 0;
    }
  }, [props.order]);
  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  const isNearEnd = last >= items.length - OVERSCAN;
  useEffect(() => {
    if (isNearEnd) {
      onNearEnd?.();
    }
  }, [isNearEnd, items.length, onNearEnd]);
  useEffect(() => onSight?.(first, last), [first, last, items, onSight]);
  const headerRows = props.header ? 1 : 0;
  // The row that has the focus stays, or scrolling would drop the focus.
  const shown = range(first, last);
  if (roving.active < items.length && (roving.active < first || roving.active >= last)) {
    shown.push(roving.active);
  }
  return (
    <div
      className="jp-VMShare-grid"
      role={props.tree ? 'treegrid' : 'grid'}
      aria-label={props.label}
      aria-rowcount={props.isOpenEnded ? -1 : items.length + headerRows}
      aria-readonly="true"
      aria-multiselectable={props.selecting ? true : undefined}
    >
      {props.header && (
        <div role="rowgroup">
          <div className="jp-VMShare-gridHeader" role="row" aria-rowindex={1}>
            {props.header}
          </div>
        </div>
      )}
      <div className="jp-VMShare-gridBody" ref={scroller} onScroll={onScroll} role="rowgroup">
        <div role="presentation" style={{ height: items.length * rowHeight }} />
        {shown.map(index => (
          <Row
            key={props.keyOf(items[index] as T)}
            item={items[index] as T}
            index={index}
            rowIndex={index + 1 + headerRows}
            isActive={index === roving.active}
            grid={props}
            roving={roving}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps<T> {
  item: T;
  index: number;
  rowIndex: number;
  isActive: boolean;
  grid: GridProps<T>;
  roving: Roving;
}

function Row<T>({ item, index, rowIndex, isActive, grid, roving }: RowProps<T>): JSX.Element {
  const style: CSSProperties = { top: index * grid.rowHeight, height: grid.rowHeight };
  const tabIndex = isActive ? 0 : -1;
  const isSelected = grid.selecting?.has(item);
  return (
    <div
      {...grid.rowData?.(item)}
      className={`jp-VMShare-row${isSelected ? ' jp-mod-selected' : ''}`}
      role="row"
      aria-selected={isSelected}
      aria-level={grid.tree && grid.tree.depthOf(item) + 1}
      aria-expanded={grid.tree?.isOpen(item) ?? undefined}
      onContextMenu={() => {
        // A menu is about what is selected, and so about what was pressed.
        if (grid.selecting?.has(item) === false) {
          grid.selecting.pick(item, 'one');
        }
      }}
      onClick={event => {
        if (!(event.target as Element).closest('button')) {
          grid.selecting?.pick(item, pickingOf(event));
        }
      }}
      aria-rowindex={rowIndex}
      data-index={index}
      style={style}
      tabIndex={tabIndex}
      onFocus={() => roving.setActive(index)}
      onDoubleClick={() => grid.onOpen(item)}
      onKeyDown={event => {
        if (event.target === event.currentTarget) {
          roving.onKeyDown(event, item);
        }
      }}
    >
      {grid.cells(item, tabIndex)}
    </div>
  );
}

interface Roving {
  active: number;
  setActive: (index: number) => void;
  onKeyDown: (event: KeyboardEvent, item: unknown) => void;
}

function useRoving<T>(props: GridProps<T>, scroller: React.RefObject<HTMLDivElement>): Roving {
  const { items, rowHeight, onOpen, onKey, selecting } = props;
  const [wanted, setActive] = useState(0);
  // An object, so that asking for the same row again focuses it again.
  const [toFocus, setToFocus] = useState<{ index: number } | null>(null);
  const active = Math.min(wanted, Math.max(0, items.length - 1));
  useLayoutEffect(() => {
    if (toFocus !== null) {
      reveal(scroller.current, toFocus.index, rowHeight);
      scroller.current?.querySelector<HTMLElement>(`[data-index="${toFocus.index}"]`)?.focus();
    }
  }, [toFocus, rowHeight, scroller]);
  const onKeyDown = (event: KeyboardEvent, item: unknown): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1);
    const target =
      targetOf(event.key, active, page, items.length) ??
      inTree(props, event.key, active) ??
      named(props, event, active);
    if (target !== null) {
      setActive(target);
      setToFocus({ index: target });
      if (event.shiftKey && event.key.length > 1) {
        selecting?.pick(items[target] as T, 'extend');
      }
    } else if (selecting && selectByKey(selecting, event, item as T)) {
      // done
    } else if (event.key === 'Enter') {
      onOpen(item as T);
    } else if (!onKey?.(event.key, item as T)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return { active, setActive, onKeyDown };
}

/** Right unfolds, then goes in; Left folds, then goes up. */
function inTree<T>({ tree, items }: GridProps<T>, key: string, active: number): number | null {
  const item = items[active];
  if (!tree || item === undefined || (key !== 'ArrowRight' && key !== 'ArrowLeft')) {
    return null;
  }
  const isOpen = tree.isOpen(item);
  const opens = key === 'ArrowRight';
  if (isOpen !== null && isOpen !== opens) {
    tree.setOpen(item, opens);
    return active;
  }
  if (opens) {
    return isOpen && active + 1 < items.length ? active + 1 : active;
  }
  const depth = tree.depthOf(item);
  let above = active;
  while (above > 0 && tree.depthOf(items[above] as T) >= depth) {
    above--;
  }
  return depth > 0 ? above : active;
}

/** The next row whose name begins with the letter that was typed. */
function named<T>(
  { items, nameOf }: GridProps<T>,
  event: KeyboardEvent,
  active: number
): number | null {
  const isLetter = event.key.length === 1 && event.key !== ' ';
  if (!nameOf || !isLetter || event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  const begins = (item: T): boolean =>
    nameOf(item).toLocaleLowerCase().startsWith(event.key.toLocaleLowerCase());
  const after = items.findIndex((item, at) => at > active && begins(item));
  const found = after < 0 ? items.findIndex(begins) : after;
  return found < 0 ? null : found;
}

function selectByKey<T>(selecting: Selecting<T>, event: KeyboardEvent, item: T): boolean {
  if (event.key === ' ') {
    selecting.pick(item, event.shiftKey ? 'extend' : 'toggle');
  } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
    selecting.all();
  } else if (event.key === 'Escape') {
    selecting.none();
  } else {
    return false;
  }
  return true;
}

function pickingOf(event: React.MouseEvent): Picking {
  return event.shiftKey ? 'extend' : event.ctrlKey || event.metaKey ? 'toggle' : 'one';
}

function targetOf(key: string, active: number, page: number, count: number): number | null {
  const steps: Record<string, number> = {
    ArrowDown: active + 1,
    ArrowUp: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1
  };
  const target = steps[key];
  return target === undefined ? null : Math.max(0, Math.min(target, count - 1));
}

function reveal(scroller: HTMLElement | null, index: number, rowHeight: number): void {
  if (!scroller) {
    return;
  }
  const top = index * rowHeight;
  if (top < scroller.scrollTop) {
    scroller.scrollTop = top;
  } else if (top + rowHeight > scroller.scrollTop + scroller.clientHeight) {
    scroller.scrollTop = top + rowHeight - scroller.clientHeight;
  }
}

function useViewport(scroller: React.RefObject<HTMLDivElement>): {
  top: number;
  height: number;
  onScroll: () => void;
} {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(ASSUMED_HEIGHT);
  useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(() => setHeight(node.clientHeight || ASSUMED_HEIGHT));
    observer.observe(node);
    return () => observer.disconnect();
  }, [scroller]);
  return { top, height, onScroll: () => setTop(scroller.current?.scrollTop ?? 0) };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
}
