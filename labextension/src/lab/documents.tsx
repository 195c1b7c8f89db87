import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { EventView } from '../api/types';
import { concerns, isEnding } from '../model/application';
import type { MountChange } from '../model/mounts';
import type { VMShareModel } from '../model/vmshare';
import type { Hindrance } from '../views/place';
import { DocumentBar } from '../views/place';
import { endedBecause } from '../views/words';
import { askName } from './dialogs';
import { View } from './reactive';

const SAVE = 'docmanager:save';

/** A document that is open, and the folder that it lies (or lay) in. */
interface Watched {
  widget: IDocumentWidget & MainAreaWidget;
  bar: View;
  folderId: string | null;
  hindrance: Hindrance | null;
}

/**
 * Open documents of shared folders: they follow their folder's name, know whether they can be
 * saved, and say so when they can't. What a person has written is never thrown away.
 */
export class SharedDocuments {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: VMShareModel,
    private readonly trans: TranslationBundle
  ) {
    this.contents = app.serviceManager.contents;
    model.mounts.moved.connect(this.onMoved);
    model.mounts.changed.connect(this.look);
    model.folders.changed.connect(this.look);
    model.happened.connect(this.onEvent);
  }

  /** Looks after a document until it is closed. */
  add(widget: Widget): void {
    if (!isDocument(widget) || this._watched.has(widget)) {
      return;
    }
    const watched: Watched = { widget, folderId: null, hindrance: null, bar: this.barOf(widget) };
    this._watched.set(widget, watched);
    widget.contentHeader.addWidget(watched.bar);
    widget.disposed.connect(() => this._watched.delete(widget));
    widget.context.pathChanged.connect(() => this.lookAt(watched));
    void widget.context.ready.then(() => this.lookAt(watched));
  }

  private barOf(widget: IDocumentWidget & MainAreaWidget): View {
    const bar = new View(this.trans, () => (
      <DocumentBar
        hindrance={this._watched.get(widget)?.hindrance ?? null}
        onSaveCopy={() => void this.saveCopy(widget)}
      />
    ));
    bar.addClass('jp-VMShare-documentBar');
    bar.hide();
    return bar;
  }

  private readonly look = (): void => {
    [...this._watched.values()].forEach(watched => this.lookAt(watched));
  };

  private lookAt(watched: Watched): void {
    const { widget, bar } = watched;
    if (widget.isDisposed || !widget.context.isReady) {
      return;
    }
    const before = watched.hindrance;
    watched.hindrance = this.hindranceOf(watched);
    bar.setHidden(watched.hindrance === null);
    bar.update();
    if ((before === null) !== (watched.hindrance === null)) {
      void this.tellWhetherWritable(watched);
    }
  }

  private hindranceOf(watched: Watched): Hindrance | null {
    const { mounts, folders } = this.model;
    const place = mounts.at(watched.widget.context.localPath);
    if (place && place.mount.state !== 'closing') {
      watched.folderId = place.mount.folder_id;
      const folder = folders.find(place.mount.folder_id);
      const [owner, label] = [folder?.owner ?? '', folder?.label ?? place.mount.name];
      return place.mount.read_only ? { kind: 'read-only', owner, label } : null;
    }
    const isElsewhere = !watched.widget.context.localPath.startsWith(`${mounts.root ?? ''}/`);
    if (watched.folderId === null || mounts.root === null || isElsewhere) {
      return null;
    }
    const event = this._endings.get(watched.folderId) ?? null;
    return { kind: 'ended', because: this.because(event) };
  }

  private because(event: EventView | null): string {
    return event?.type === 'mount.chosen'
      ? this.trans.__('You took the folder out of your sessions.')
      : endedBecause(this.trans, event);
  }

  /** JupyterLab then offers to save, saves by itself, or does neither. */
  private async tellWhetherWritable({ widget, hindrance }: Watched): Promise<void> {
    const { context } = widget;
    let writable = false;
    if (hindrance === null) {
      const found = await this.contents.get(context.path, { content: false }).catch(() => null);
      writable = found?.writable ?? false;
    }
    if (!widget.isDisposed && context.contentsModel?.writable !== writable) {
      this.tell(context.path, context.path, { ...context.contentsModel, writable });
      // Buttons that save are drawn again.
      if (this.app.commands.hasCommand(SAVE)) {
        this.app.commands.notifyCommandChanged(SAVE);
      }
      if (writable) {
        dropReadOnlyLabel(widget);
      }
    }
  }

  /** An owner's new name for a folder reaches the documents in it, with their kernels. */
  private readonly onMoved = (_: unknown, { before, after }: MountChange): void => {
    const { root } = this.model.mounts;
    if (!before || !after || before.name === after.name || root === null) {
      return;
    }
    const [from, to] = [`${root}/${before.name}/`, `${root}/${after.name}/`];
    for (const { widget } of [...this._watched.values()]) {
      const { path, contentsModel } = widget.context;
      if (path.startsWith(from)) {
        this.tell(path, `${to}${path.slice(from.length)}`, contentsModel ?? {});
      }
    }
  };

  private readonly onEvent = (_: unknown, event: EventView): void => {
    const isAnEnd =
      (isEnding(event) && concerns(event, this.model.me)) ||
      ['folder.trashed', 'folder.deleted', 'mount.chosen'].includes(event.type);
    if (isAnEnd && event.thing_id) {
      this._endings.set(event.thing_id, event);
      this.look();
    }
  };

  /**
   * Tells JupyterLab what it would have been told if it had renamed the file itself: documents
   * then take up path and particulars. There is no other way to tell them from outside.
   */
  private tell(from: string, to: string, model: Partial<Contents.IModel>): void {
    const newValue = { ...model, path: to, name: PathExt.basename(to) };
    const signal: unknown = this.contents.fileChanged;
    const change: Contents.IChangedArgs = { type: 'rename', oldValue: { path: from }, newValue };
    (signal as Emits<Contents.IChangedArgs>).emit(change);
  }

  /** What the person sees, among their own files, and with the kernel that they have. */
  private async saveCopy(widget: IDocumentWidget): Promise<void> {
    const { trans, contents } = this;
    const { context } = widget;
    const name = PathExt.basename(context.localPath);
    const asked = {
      title: trans.__('Save a copy of "%1"', name),
      label: trans.__('Where, among your own files'),
      initial: name,
      ok: trans.__('Save')
    };
    await askName(asked, async path => {
      const isTaken = await contents.get(path, { content: false }).then(
        () => true,
        () => false
      );
      if (isTaken) {
        throw new Error(trans.__('There is something at "%1" already.', path));
      }
      await contents.save(path, contentOf(context));
      const id = context.sessionContext.session?.kernel?.id;
      await this.app.commands.execute('docmanager:open', {
        path,
        ...(id ? { kernel: { id } } : {})
      });
    });
  }

  private readonly contents: Contents.IManager;
  private _endings = new Map<string, EventView>();
  private _watched = new Map<Widget, Watched>();
}

/** What every signal of Lumino is at heart. */
interface Emits<T> {
  emit: (change: T) => void;
}

function contentOf({ model, contentsModel }: IDocumentWidget['context']): Partial<Contents.IModel> {
  return contentsModel?.type === 'notebook'
    ? { type: 'notebook', format: 'json', content: model.toJSON() }
    : { type: 'file', format: 'text', content: model.toString() };
}

function isDocument(widget: Widget): widget is IDocumentWidget & MainAreaWidget {
  return widget instanceof MainAreaWidget && 'context' in widget;
}

/** JupyterLab puts its label up when a document is opened, and never takes it down. */
function dropReadOnlyLabel({ toolbar }: MainAreaWidget): void {
  const at = [...toolbar.names()].indexOf('read-only-indicator');
  if (at >= 0) {
    [...toolbar.children()][at]?.dispose();
  }
}
