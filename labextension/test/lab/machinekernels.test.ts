import { MainAreaWidget, NotificationManager } from '@jupyterlab/apputils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { MachineKernels, TOGETHER_MS } from '../../src/lab/machinekernels';
import type { KernelNews } from '../../src/model/machinekernels';
import { KERNEL_EVENT, OFFER_EVENT } from '../../src/model/machinekernels';
import type { VMShareModel } from '../../src/model/vmshare';

const trans = nullTranslator.load('jupyter_vmshare');
const BOX = { id: 'mch_1', name: 'gpu-box' };
const BECAUSE = 'This machine is not shared with you any more.';

/** A lab with notebooks, and a way to say what happens to kernels. */
class Stage {
  constructor(before: KernelNews[] = []) {
    const machines = { machines: { items: [BOX] } };
    this.listed = new Signal<unknown, void>(machines);
    Object.assign(machines, { changed: this.listed });
    this.machines = machines;
    const services = {
      events: { stream: this.events },
      kernelspecs: { refreshSpecs: this.refreshed }
    };
    this.kernels = new MachineKernels(
      {
        services: services as never,
        told: () => Promise.resolve(before),
        show: this.show,
        change: jest.fn()
      },
      { machines } as unknown as VMShareModel,
      trans,
      this.manager
    );
  }

  notebook(name: string, kernel: string): IDocumentWidget {
    const widget = new MainAreaWidget({ content: new Widget() });
    const sessionContext = { session: { kernel: { id: kernel } } };
    const kernelChanged = new Signal<unknown, void>(sessionContext);
    Object.assign(sessionContext, { kernelChanged });
    const context = { path: `work/${name}`, sessionContext };
    Object.assign(widget, { context });
    this.kernels.add(widget);
    return widget as unknown as IDocumentWidget;
  }

  /** The notebook's kernel is another one from now on, or none. */
  gets(notebook: IDocumentWidget, kernel: string | null): void {
    const session = notebook.context.sessionContext as unknown as {
      session: unknown;
      kernelChanged: Signal<unknown, void>;
    };
    session.session = { kernel: kernel === null ? null : { id: kernel } };
    session.kernelChanged.emit();
  }

  happens(kernel: string, state: string, because: string | null = BECAUSE): void {
    const told = { kernel_id: kernel, machine: BOX.id, kernel: 'python3', state, because };
    this.events.emit({ schema_id: KERNEL_EVENT, ...told });
  }

  get told(): string[] {
    return this.manager.notifications.map(({ message }) => message);
  }

  readonly events = new Signal<unknown, Record<string, unknown>>({});
  readonly manager = new NotificationManager();
  readonly refreshed = jest.fn(() => Promise.resolve());
  readonly show = jest.fn();
  readonly listed: Signal<unknown, void>;
  readonly machines: { machines: { items: (typeof BOX)[] } };
  readonly kernels: MachineKernels;
}

/** Whether each has a bar about its kernel. */
function bars(...notebooks: IDocumentWidget[]): boolean[] {
  return notebooks.map(notebook => {
    const { contentHeader } = notebook as unknown as MainAreaWidget;
    return contentHeader.widgets.some(bar => !bar.isHidden);
  });
}

describe('kernels on machines', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('that ended are told in the notebook that had them, with why', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    const other = stage.notebook('other.ipynb', 'k-2');
    stage.happens('k-1', 'ended');
    expect(stage.kernels.saysIn(reef)).toBe(
      `Your kernel on "gpu-box" ended. ${BECAUSE} ` +
        'Nothing that is written here is lost; its variables are.'
    );
    expect(stage.kernels.saysIn(other)).toBe('');
    expect(bars(reef, other)).toEqual([true, false]);
    expect(stage.told).toEqual(['reef.ipynb: your kernel on "gpu-box" ended.']);
    const [only] = stage.manager.notifications;
    only!.options.actions![0]!.callback(new MouseEvent('click'));
    expect(stage.show).toHaveBeenCalledWith(reef);
  });

  it('are told of though JupyterLab has taken them from the notebook before', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    stage.gets(reef, null);
    stage.happens('k-1', 'ended');
    expect(bars(reef)).toEqual([true]);
  });

  it('are told of by the name of a machine that is in no list any more', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    stage.machines.machines.items = [];
    stage.listed.emit();
    stage.happens('k-1', 'ended');
    expect(stage.kernels.saysIn(reef)).toContain('"gpu-box"');
  });

  it('that a notebook has no more are nobody’s business', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    const closed = stage.notebook('closed.ipynb', 'k-3');
    stage.gets(reef, 'k-2');
    closed.dispose();
    stage.happens('k-1', 'ended');
    stage.happens('k-3', 'ended');
    expect([stage.told, stage.kernels.saysIn(reef)]).toEqual([[], '']);
  });

  it('that ended are forgotten with another kernel', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    stage.happens('k-1', 'ended');
    stage.gets(reef, 'k-2');
    expect([bars(reef), stage.kernels.saysIn(reef)]).toEqual([[false], '']);
  });

  it('that are looked for are told of until they are there again', () => {
    const stage = new Stage();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    stage.happens('k-1', 'reconnecting', 'The link was cut.');
    expect(stage.kernels.saysIn(reef)).toBe(
      'The connection to your kernel on "gpu-box" broke off. The link was cut. ' +
        'It goes on there, and is looked for.'
    );
    stage.happens('k-1', 'connected', null);
    expect([bars(reef), stage.told]).toEqual([[false], []]);
  });

  it('that are offered anew have JupyterLab look once for several changes', () => {
    const stage = new Stage();
    stage.events.emit({ schema_id: OFFER_EVENT });
    stage.events.emit({ schema_id: OFFER_EVENT });
    stage.events.emit({ schema_id: 'https://events.jupyter.org/jupyter_server/kernel_actions/v1' });
    expect(stage.refreshed).not.toHaveBeenCalled();
    jest.advanceTimersByTime(TOGETHER_MS);
    expect(stage.refreshed).toHaveBeenCalledTimes(1);
  });

  it('that ended before the page was there are told to a notebook that comes later', async () => {
    const news = { kernel_id: 'k-1', machine: BOX.id, because: BECAUSE };
    const stage = new Stage([
      { ...news, state: 'ended' },
      { ...news, kernel_id: 'k-2', state: 'connected' }
    ]);
    await Promise.resolve();
    const reef = stage.notebook('reef.ipynb', 'k-1');
    const other = stage.notebook('other.ipynb', 'k-2');
    expect(bars(reef, other)).toEqual([true, false]);
    expect(stage.kernels.saysIn(reef)).toContain(BECAUSE);
  });

  it('end with their plugin', () => {
    const stage = new Stage();
    stage.notebook('reef.ipynb', 'k-1');
    stage.events.emit({ schema_id: OFFER_EVENT });
    stage.kernels.dispose();
    jest.advanceTimersByTime(TOGETHER_MS);
    stage.happens('k-1', 'ended');
    expect([stage.told, stage.refreshed.mock.calls]).toEqual([[], []]);
  });
});
