import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotificationManager } from '@jupyterlab/apputils';
import { MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Widget } from '@lumino/widgets';

import type { KernelNews } from '../model/machinekernels';
import { newsIn, OFFER_EVENT } from '../model/machinekernels';
import type { VMShareModel } from '../model/vmshare';
import { KernelBar, kernelStory } from '../views/kernelbar';
import { View } from './reactive';

const CHANGE_KERNEL = 'notebook:change-kernel';
const LONG_MS = 15_000;
/** Several machines that come or go together are one new look. */
export const TOGETHER_MS = 300;

type Notebook = IDocumentWidget & MainAreaWidget;

/** What of JupyterLab is used. */
export interface KernelShell {
  services: Pick<JupyterFrontEnd['serviceManager'], 'events' | 'kernelspecs'>;
  /** What became of kernels before this page was here. */
  told: () => Promise<KernelNews[]>;
  show: (notebook: Notebook) => void;
  /** Offers other kernels for a notebook. */
  change: (notebook: Notebook) => void;
}

/** A document that is open. */
interface Watched {
  bar: View;
  /** Its last kernel: one that ended is in no notebook any more. */
  kernel: string | null;
  news: KernelNews | null;
}

/**
 * Kernels on machines as they come and go: launcher and menus offer what there is, and whoever
 * works on one that ended is told why. What is written in a notebook stays as it is.
 */
export class MachineKernels implements IDisposable {
  constructor(
    private readonly shell: KernelShell,
    private readonly model: VMShareModel,
    private readonly trans: TranslationBundle,
    private readonly manager: NotificationManager = Notification.manager
  ) {
    shell.services.events.stream.connect(this.onEvent);
    model.machines.changed.connect(this.learn);
    this.learn();
    // Nobody waits for what may not be there: an older notebook server knows nothing of it.
    shell.told().then(
      all => all.forEach(this.tell),
      () => undefined
    );
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this.shell.services.events.stream.disconnect(this.onEvent);
    this.model.machines.changed.disconnect(this.learn);
  }

  /** Looks after a document until it is closed. */
  add(widget: Widget): void {
    if (!isDocument(widget) || this._watched.has(widget)) {
      return;
    }
    const watched: Watched = { bar: this.barOf(widget), kernel: null, news: null };
    this._watched.set(widget, watched);
    widget.contentHeader.addWidget(watched.bar);
    const { sessionContext } = widget.context;
    const note = (): void => {
      const id = sessionContext.session?.kernel?.id;
      if (id !== undefined && id !== watched.kernel) {
        watched.kernel = id;
        this.put(watched, this._news.get(id) ?? null);
      }
    };
    sessionContext.kernelChanged.connect(note);
    widget.disposed.connect(() => this._watched.delete(widget));
    note();
  }

  /** What a document's bar says; empty: it is not there. */
  saysIn(widget: Widget): string {
    const news = isDocument(widget) ? (this._watched.get(widget)?.news ?? null) : null;
    return kernelStory(this.trans, news, this.nameIn(news));
  }

  private barOf(notebook: Notebook): View {
    const bar = new View(this.trans, () => {
      const news = this._watched.get(notebook)?.news ?? null;
      const onChange = (): void => this.shell.change(notebook);
      return <KernelBar machine={this.nameIn(news)} {...{ news, onChange }} />;
    });
    bar.addClass('jp-VMShare-documentBar');
    bar.addClass('jp-VMShare-kernelBar');
    bar.hide();
    return bar;
  }

  private readonly onEvent = (_: unknown, event: Readonly<Record<string, unknown>>): void => {
    if (event.schema_id === OFFER_EVENT) {
      clearTimeout(this._timer);
      this._timer = window.setTimeout(this.look, TOGETHER_MS);
    }
    const news = newsIn(event);
    if (news) {
      this.tell(news);
    }
  };

  private readonly look = (): void => {
    this.shell.services.kernelspecs.refreshSpecs().catch((error: unknown) => {
      console.warn('The kernels on machines could not be looked up.', error);
    });
  };

  /** A machine whose access ended is in no list any more, and its name should be said yet. */
  private readonly learn = (): void => {
    this.model.machines.machines.items.forEach(({ id, name }) => this._names.set(id, name));
  };

  private readonly tell = (news: KernelNews): void => {
    this._news.set(news.kernel_id, news);
    for (const [notebook, watched] of this._watched) {
      if (watched.kernel === news.kernel_id) {
        this.put(watched, news);
        if (news.state === 'ended') {
          this.notify(notebook, news);
        }
      }
    }
  };

  private put(watched: Watched, news: KernelNews | null): void {
    watched.news = news?.state === 'connected' ? null : news;
    watched.bar.setHidden(watched.news === null);
    watched.bar.update();
  }

  /** For whoever looks elsewhere just now. JupyterLab cuts what is longer than this. */
  private notify(notebook: Notebook, news: KernelNews): void {
    const name = PathExt.basename(notebook.context.path);
    const message = this.trans.__('%1: your kernel on %2 ended.', name, this.nameIn(news));
    const actions = [
      { label: this.trans.__('Show Why'), callback: () => this.shell.show(notebook) }
    ];
    this.manager.notify(message, 'warning', { autoClose: LONG_MS, actions });
  }

  private nameIn(news: KernelNews | null): string {
    const name = this._names.get(news?.machine ?? '');
    return name === undefined ? this.trans.__('a machine') : `"${name}"`;
  }

  private readonly _watched = new Map<Notebook, Watched>();
  private readonly _news = new Map<string, KernelNews>();
  private readonly _names = new Map<string, string>();
  private _timer: number | undefined;
  private _isDisposed = false;
}

/** What the shell does for these. */
export function kernelShell(app: JupyterFrontEnd, { api }: VMShareModel): KernelShell {
  return {
    services: app.serviceManager,
    told: async () => (await api.transport.json<{ kernels: KernelNews[] }>('kernels', {})).kernels,
    show: notebook => app.shell.activateById(notebook.id),
    change: notebook => {
      app.shell.activateById(notebook.id);
      void app.commands.execute(CHANGE_KERNEL);
    }
  };
}

function isDocument(widget: Widget): widget is Notebook {
  return widget instanceof MainAreaWidget && 'context' in widget;
}
