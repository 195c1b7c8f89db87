import type { DragEvent } from 'react';
import { useState } from 'react';

import type { EntryView } from '../api/types';
import type { DirectoryModel } from '../model/directory';

/** What is dragged is told to this folder's own views alone. */
const TYPE = 'application/x-vmshare-entries';

type Move = (paths: readonly string[], directory: string) => void;

/** What makes a row something that can be dragged, and dropped on. */
export interface Dragging {
  ofRow: (entry: EntryView) => DraggingProps;
  /** The same for a place that is no row. */
  ofPlace: (path: string) => DraggingProps;
}

interface DraggingProps {
  draggable?: boolean;
  'data-drop'?: string;
  onDragStart?: (event: DragEvent) => void;
  onDragOver?: (event: DragEvent) => void;
  onDragLeave?: () => void;
  onDrop?: (event: DragEvent) => void;
}

/** Moves by drag: a short cut for the mouse; the menu's "Move…" does the same. */
export function useDragging(model: DirectoryModel, move: Move): Dragging {
  const [over, setOver] = useState<string | null>(null);
  if (!model.may('rename_file')) {
    return { ofRow: () => ({}), ofPlace: () => ({}) };
  }
  const type = `${TYPE}-${model.folderId.toLowerCase()}`;
  const ofPlace = (path: string): DraggingProps => ({
    ...(over === path ? { 'data-drop': '' } : {}),
    onDragOver: event => {
      if (event.dataTransfer.types.includes(type)) {
        event.preventDefault();
        event.stopPropagation();
        setOver(path);
      }
    },
    onDragLeave: () => setOver(null),
    onDrop: event => {
      setOver(null);
      const paths = pathsIn(event.dataTransfer.getData(type)).filter(one => fits(one, path));
      if (event.dataTransfer.types.includes(type)) {
        event.preventDefault();
        event.stopPropagation();
      }
      if (paths.length > 0) {
        move(paths, path);
      }
    }
  });
  const ofRow = (entry: EntryView): DraggingProps => ({
    draggable: true,
    onDragStart: event => {
      const { selection } = model;
      const paths = selection.has(entry.path) ? selection.paths : [entry.path];
      event.dataTransfer.setData(type, JSON.stringify(paths));
      event.dataTransfer.effectAllowed = 'move';
    },
    ...(entry.kind === 'directory' ? ofPlace(entry.path) : {})
  });
  return { ofRow, ofPlace };
}

/** Whether something can go there: not into itself, and not to where it is. */
function fits(path: string, directory: string): boolean {
  const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return above !== directory && directory !== path && !directory.startsWith(`${path}/`);
}

function pathsIn(data: string): string[] {
  return data ? (JSON.parse(data) as string[]) : [];
}
