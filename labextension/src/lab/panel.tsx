import type { TranslationBundle } from '@jupyterlab/translation';
import {
  AccordionToolbar,
  addIcon,
  refreshIcon,
  SidePanel,
  usersIcon
} from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Title, Widget } from '@lumino/widgets';
import { AccordionPanel, PanelLayout } from '@lumino/widgets';

import type { VMShareModel } from '../model/vmshare';
import { useSignal } from '../views/context';
import type { FolderDeeds } from '../views/folders';
import { Folders } from '../views/folders';
import { HandOvers } from '../views/handovers';
import { Invitations } from '../views/invitations';
import type { MachineDeeds } from '../views/machines';
import { Machines } from '../views/machines';
import { ToolButton } from '../views/parts';
import { Gap, NotHere } from '../views/standing';
import type { TrashDeeds } from '../views/trash';
import { Trash } from '../views/trash';
import { sharedFolderIcon } from './icons';
import { View } from './reactive';

/** What the panel asks the shell to do. */
export type PanelDeeds = FolderDeeds & TrashDeeds & { refresh: () => void; shares: () => void };

const INVITATIONS = 0;
const MACHINES = 1;
const TRASH = 3;
const BADGE = 'vmshare-badge';

/** The panel in the left side bar. */
export class VMSharePanel extends SidePanel {
  constructor(
    private readonly model: VMShareModel,
    deeds: PanelDeeds,
    machineDeeds: MachineDeeds,
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
    this.title.dataset = { jptablabel: trans.__('Folders and machines') };
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Folders and machines'));
    this.addButtons(deeds);
    this.addSections(deeds, machineDeeds);
    this.addStanding(deeds, hubHome);
    model.changed.connect(this.onStanding);
    model.invitations.changed.connect(this.onInvitations);
    model.handOvers.changed.connect(this.onInvitations);
    model.machines.changed.connect(this.onMachines);
    this.onStanding();
    this.onInvitations();
  }

  override dispose(): void {
    this.model.changed.disconnect(this.onStanding);
    this.model.invitations.changed.disconnect(this.onInvitations);
    this.model.handOvers.changed.disconnect(this.onInvitations);
    this.model.machines.changed.disconnect(this.onMachines);
    this.sizes.disconnect();
    super.dispose();
  }

  /** Opens the section in which invitations are answered. */
  showInvitations(): void {
    this.accordion.expand(INVITATIONS);
    this.node.querySelector<HTMLElement>('.jp-VMShare-invitation button')?.focus();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement)) {
      this.node.focus();
    }
  }

  private addButtons(deeds: PanelDeeds): void {
    const { trans } = this;
    this._buttons = new View(trans, () => (
      <>
        <ToolButton
          icon={addIcon}
          label={trans.__('Make a folder that you can share')}
          text={trans.__('New folder')}
          onClick={deeds.create}
        />
        <ToolButton
          icon={usersIcon}
          label={trans.__('Sharing at a glance')}
          onClick={deeds.shares}
        />
        <ToolButton icon={refreshIcon} label={trans.__('Refresh')} onClick={deeds.refresh} />
      </>
    ));
    this._buttons.addClass('jp-VMShare-bar');
    this.insert(0, this._buttons);
  }

  private addSections(deeds: PanelDeeds, machineDeeds: MachineDeeds): void {
    const { model, trans } = this;
    const sections: [string, View][] = [
      [
        trans.__('Invitations'),
        new View(trans, () => (
          <div ref={this.watch}>
            <HandOvers model={model} />
            <Invitations model={model} />
          </div>
        ))
      ],
      [
        trans.__('Machines'),
        new View(trans, () => (
          <div ref={this.watch}>
            <Machines model={model} deeds={machineDeeds} />
          </div>
        ))
      ],
      [trans.__('Folders'), new View(trans, () => <Folders model={model} deeds={deeds} />)],
      [
        trans.__('Trash'),
        new View(trans, () => (
          <div ref={this.watch}>
            <Trash model={model} deeds={deeds} />
          </div>
        ))
      ]
    ];
    sections.forEach(([label, view], at) => {
      view.id = `vmshare-section-${at}`;
      view.title.label = label;
      view.addClass('jp-VMShare-section');
      this.addWidget(view);
    });
    this.accordion.collapse(INVITATIONS);
    this.accordion.collapse(MACHINES);
    this.accordion.collapse(TRASH);
    this.accordion.expansionToggled.connect(this.layOut);
  }

  private addStanding(deeds: PanelDeeds, hubHome: string | null): void {
    const { model, trans } = this;
    const view = new View(trans, () => (
      <StandingView model={model} hubHome={hubHome} onRetry={deeds.refresh} />
    ));
    view.addClass('jp-VMShare-standing');
    this.insert(1, view);
  }

  private insert(index: number, widget: Widget): void {
    if (this.layout instanceof PanelLayout) {
      this.layout.insertWidget(index, widget);
    }
  }

  private readonly onStanding = (): void => {
    const isReady = this.model.standing.kind === 'ready';
    this.content.setHidden(!isReady);
    this._buttons?.setHidden(!isReady);
    this.onInvitations();
  };

  /** The badge counts; the section opens when there is something to answer. */
  private readonly onInvitations = (): void => {
    const { invitations, handOvers, me } = this.model;
    const offered = handOvers.items.filter(offer => offer.receiver === me);
    const count = invitations.items.length + offered.length;
    const { trans } = this;
    const name = trans.__('Folders and machines');
    this.title.caption =
      count > 0 ? trans._n('%2 (%1 invitation)', '%2 (%1 invitations)', count, name) : name;
    // JupyterLab keeps the tab's id in here, too.
    const kept = Object.entries(this.title.dataset).filter(([name]) => name !== BADGE);
    const badge = count > 0 ? { [BADGE]: count > 99 ? '99+' : String(count) } : {};
    this.title.dataset = { ...Object.fromEntries(kept), ...badge };
    const section = this.accordion.widgets[INVITATIONS];
    if (section) {
      section.title.label =
        count > 0 ? trans.__('Invitations (%1)', count) : trans.__('Invitations');
    }
    // One's own offers are nothing to answer, but something to take back.
    const shown = invitations.items.length + handOvers.items.length;
    if (shown !== this._invitations) {
      this.makeRoom(shown, this._invitations);
      this._invitations = shown;
    }
  };

  /** The section of machines opens once there are some, or some could be made; never twice. */
  private readonly onMachines = (): void => {
    const { cloud, machines, drives } = this.model.machines;
    const isAnything = machines.items.length + drives.items.length > 0;
    if (!this._hasOpenedMachines && (isAnything || cloud?.offered)) {
      this._hasOpenedMachines = true;
      this.accordion.expand(MACHINES);
      this.layOut();
    }
  };

  /** Without invitations their section closes; the first one opens it. */
  private makeRoom(count: number, before: number): void {
    if (count === 0 || before === 0) {
      this.accordion[count > 0 ? 'expand' : 'collapse'](INVITATIONS);
    }
    this.layOut();
  }

  /** Invitations, machines and trash get the height that they need, within limits; the folders get the rest. */
  private readonly layOut = (): void => {
    requestAnimationFrame(() => {
      const { titles, node } = this.accordion;
      const height =
        node.clientHeight - titles.reduce((sum, { offsetHeight }) => sum + offsetHeight, 0);
      if (height > 0) {
        const invitations = this.needed(INVITATIONS, height, 0.5);
        const machines = this.needed(MACHINES, height, 0.4);
        const trash = this.needed(TRASH, height, 0.3);
        // Folders get the rest; where all the others are full, some of theirs.
        const others = invitations + machines + trash;
        const scale = Math.min(1, 0.75 / (others || 1));
        const sizes = [invitations, machines, 1 / scale - others, trash].map(size => size * scale);
        this.accordion.setRelativeSizes(sizes);
      }
    });
  };

  /** The part of the height that a section's content needs; none when it is closed. */
  private needed(index: number, height: number, limit: number): number {
    const section = this.accordion.widgets[index];
    const content = section?.isHidden ? null : section?.node.firstElementChild;
    return content ? Math.min(limit, (content.scrollHeight + 4) / height) : 0;
  }

  /** A section's content is drawn some time after what it shows has changed. */
  private readonly watch = (content: HTMLElement | null): void => {
    if (content) {
      this.sizes.observe(content);
    }
  };

  private readonly accordion: AccordionPanel;
  private readonly sizes = new ResizeObserver(() => this.layOut());
  private _buttons: View | null = null;
  private _hasOpenedMachines = false;
  private _invitations = 0;
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

/** Lumino's section titles are headings that can be pressed; these say that they are buttons. */
class SectionRenderer extends AccordionToolbar.Renderer {
  override createSectionTitle(data: Title<Widget>): HTMLElement {
    const heading = super.createSectionTitle(data);
    const title = document.createElement('div');
    title.id = heading.id;
    title.className = heading.className;
    title.tabIndex = 0;
    title.setAttribute('role', 'button');
    title.append(...heading.childNodes);
    return title;
  }
}
