import type { TranslationBundle } from '@jupyterlab/translation';
import {
  AccordionToolbar,
  addIcon,
  refreshIcon,
  SidePanel,
  ToolbarButton
} from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Title, Widget } from '@lumino/widgets';
import { AccordionPanel, PanelLayout } from '@lumino/widgets';

import type { VMShareModel } from '../model/vmshare';
import { useSignal } from '../views/context';
import type { FolderDeeds } from '../views/folders';
import { Folders } from '../views/folders';
import { Invitations } from '../views/invitations';
import { Gap, NotHere } from '../views/standing';
import type { TrashDeeds } from '../views/trash';
import { Trash } from '../views/trash';
import { sharedFolderIcon } from './icons';
import { View } from './reactive';

/** What the panel asks the shell to do. */
export type PanelDeeds = FolderDeeds & TrashDeeds & { refresh: () => void };

const INVITATIONS = 0;
const TRASH = 2;

/** The panel in the left side bar. */
export class VMSharePanel extends SidePanel {
  constructor(
    private readonly model: VMShareModel,
    deeds: PanelDeeds,
    hubHome: string | null,
    private readonly trans: TranslationBundle
  ) {
    const renderer = new SectionRenderer();
    const layout = AccordionToolbar.createLayout({ renderer });
    const accordion = new AccordionPanel({ layout });
    super({ content: accordion });
    this.accordion = accordion;
    this.id = 'vmshare-panel';
    this.addClass('jp-VMShare');
    this.title.icon = sharedFolderIcon;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Shared folders'));
    this.addButtons(deeds);
    this.addSections(deeds);
    this.addStanding(deeds, hubHome);
    model.changed.connect(this.onStanding);
    model.invitations.changed.connect(this.onInvitations);
    this.onStanding();
    this.onInvitations();
  }

  override dispose(): void {
    this.model.changed.disconnect(this.onStanding);
    this.model.invitations.changed.disconnect(this.onInvitations);
    super.dispose();
  }

  /** Opens the section in which invitations are answered. */
  showInvitations(): void {
    this.accordion.expand(INVITATIONS);
    this.node.querySelector<HTMLElement>('.jp-VMShare-invitation button')?.focus();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    const first = '.jp-VMShare-row[tabindex="0"], .jp-VMShare-blank button, .jp-VMShare-blank a';
    this.node.querySelector<HTMLElement>(first)?.focus();
  }

  private addButtons(deeds: PanelDeeds): void {
    const create = new ToolbarButton({
      icon: addIcon,
      label: this.trans.__('New folder'),
      tooltip: this.trans.__('Make a folder that you can share'),
      onClick: deeds.create
    });
    const refresh = new ToolbarButton({
      icon: refreshIcon,
      tooltip: this.trans.__('Refresh'),
      onClick: deeds.refresh
    });
    this.toolbar.addItem('new-folder', create);
    this.toolbar.addItem('refresh', refresh);
    this.toolbar.node.setAttribute('aria-label', this.trans.__('Shared folders'));
  }

  private addSections(deeds: PanelDeeds): void {
    const { model, trans } = this;
    const sections: [string, View][] = [
      [trans.__('Invitations'), new View(trans, () => <Invitations model={model} />)],
      [trans.__('Folders'), new View(trans, () => <Folders model={model} deeds={deeds} />)],
      [trans.__('Trash'), new View(trans, () => <Trash model={model} deeds={deeds} />)]
    ];
    sections.forEach(([label, view], at) => {
      view.id = `vmshare-section-${at}`;
      view.title.label = label;
      view.addClass('jp-VMShare-section');
      this.addWidget(view);
    });
    this.accordion.collapse(INVITATIONS);
    this.accordion.collapse(TRASH);
  }

  private addStanding(deeds: PanelDeeds, hubHome: string | null): void {
    const { model, trans } = this;
    const view = new View(trans, () => (
      <StandingView model={model} hubHome={hubHome} onRetry={deeds.refresh} />
    ));
    view.addClass('jp-VMShare-standing');
    const layout = this.layout;
    if (layout instanceof PanelLayout) {
      layout.insertWidget(layout.widgets.length - 1, view);
    }
  }

  private readonly onStanding = (): void => {
    const isReady = this.model.standing.kind === 'ready';
    this.content.setHidden(!isReady);
    this.toolbar.setHidden(!isReady);
    this.onInvitations();
  };

  /** The badge counts; the section opens when there is something to answer. */
  private readonly onInvitations = (): void => {
    const count = this.model.invitations.items.length;
    const { trans } = this;
    const name = trans.__('Shared folders');
    this.title.caption =
      count > 0 ? trans._n('%2 (%1 invitation)', '%2 (%1 invitations)', count, name) : name;
    this.title.dataset = count > 0 ? { 'vmshare-badge': count > 99 ? '99+' : String(count) } : {};
    const section = this.accordion.widgets[INVITATIONS];
    if (section) {
      section.title.label =
        count > 0 ? trans.__('Invitations (%1)', count) : trans.__('Invitations');
    }
    if (count > 0 !== this._hadInvitations) {
      this._hadInvitations = count > 0;
      this.accordion[count > 0 ? 'expand' : 'collapse'](INVITATIONS);
    }
  };

  private readonly accordion: AccordionPanel;
  private _hadInvitations = false;
}

interface StandingProps {
  model: VMShareModel;
  hubHome: string | null;
  onRetry: () => void;
}

function StandingView({ model, hubHome, onRetry }: StandingProps): React.JSX.Element {
  useSignal(model.changed);
  const { standing, gap } = model;
  if (standing.kind !== 'ready') {
    return <NotHere standing={standing} hubHome={hubHome} onRetry={onRetry} />;
  }
  return gap ? <Gap because={gap.because} onRetry={onRetry} /> : <></>;
}

/** Lumino's section titles can be pressed, but do not say so. */
class SectionRenderer extends AccordionToolbar.Renderer {
  override createSectionTitle(data: Title<Widget>): HTMLElement {
    const title = super.createSectionTitle(data);
    title.setAttribute('role', 'button');
    return title;
  }
}
