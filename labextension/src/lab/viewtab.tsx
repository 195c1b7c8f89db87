import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { EventView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { useSignal } from '../views/context';
import { NotHere } from '../views/standing';
import { hubHome } from './origin';
import type { View } from './reactive';

/** What a tab shows, as far as the tab looks after it. */
export interface Shown {
  open: () => Promise<void>;
  receive: (event: EventView) => void;
  dispose: () => void;
}

/** A tab of the main area with one of our views. */
export class ViewTab extends MainAreaWidget<View> {
  constructor(
    /** What it is about; there is one tab for each. */
    readonly key: string,
    id: string,
    icon: LabIcon,
    content: View,
    private readonly model: VMShareModel,
    private readonly shown: Shown
  ) {
    super({ content });
    this.id = id;
    this.content.id = `${id}-content`;
    this.addClass('jp-VMShare');
    this.toolbar.hide();
    this.title.icon = icon;
    this.title.closable = true;
    model.happened.connect(this.onEvent);
    model.changed.connect(this.onStanding);
    this.onStanding();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.happened.disconnect(this.onEvent);
      this.model.changed.disconnect(this.onStanding);
      this.shown.dispose();
      super.dispose();
    }
  }

  private readonly onEvent = (_: VMShareModel, event: EventView): void => this.shown.receive(event);

  /** After a restart of JupyterLab, the tab is there before the service's word is. */
  private readonly onStanding = (): void => {
    if (this.model.standing.kind === 'ready' && !this._isOpen) {
      this._isOpen = true;
      void this.shown.open();
    }
  };

  private _isOpen = false;
}

/** Tabs of one kind: one for each thing that they can be about. */
export class ViewTabs {
  constructor(
    private readonly app: JupyterFrontEnd,
    namespace: string,
    private readonly make: (key: string) => ViewTab
  ) {
    this.tracker = new WidgetTracker<ViewTab>({ namespace });
  }

  readonly tracker: WidgetTracker<ViewTab>;

  open(key: string): void {
    const { shell } = this.app;
    const present = this.tracker.find(tab => tab.key === key);
    const tab = present ?? this.make(key);
    if (!present) {
      void this.tracker.add(tab);
      shell.add(tab, 'main');
    }
    shell.activateById(tab.id);
  }

  /** Has JupyterLab open the tabs again by a command. */
  restore(
    restorer: ILayoutRestorer,
    command: string,
    argsOf: (key: string) => ReadonlyJSONObject
  ): void {
    void restorer.restore(this.tracker, {
      command,
      args: tab => argsOf(tab.key),
      name: tab => tab.key
    });
  }
}

/** What is shown where something can be shared; elsewhere why not. */
export function Here(props: { model: VMShareModel; children: React.ReactNode }): React.JSX.Element {
  const { model, children } = props;
  useSignal(model.changed);
  const { standing } = model;
  return standing.kind === 'ready' ? (
    <>{children}</>
  ) : (
    <NotHere standing={standing} hubHome={hubHome()} onRetry={() => void model.refresh()} />
  );
}
