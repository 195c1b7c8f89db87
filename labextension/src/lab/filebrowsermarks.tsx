import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import { PanelLayout } from '@lumino/widgets';

import type { FolderView } from '../api/types';
import type { MountChange } from '../model/mounts';
import type { VMShareModel } from '../model/vmshare';
import { badgeText, PlaceBar } from '../views/place';
import { levelMeaning } from '../views/words';
import { View } from './reactive';

const BADGE = 'jp-VMShare-badge';

/**
 * Shared folders in one of JupyterLab's file browsers: a badge beside each name, a line above the
 * files of a folder, and no stale view when a folder comes or goes.
 *
 * Listings have no place for badges, so their nodes are marked after each drawing. JupyterLab
 * draws a node again for another file: what is beside a name is looked at anew each time.
 */
export class FileBrowserMarks {
  constructor(
    private readonly browser: FileBrowser,
    private readonly model: VMShareModel,
    private readonly trans: TranslationBundle
  ) {
    this.bar = new View(trans, () => <PlaceBar model={model} path={browser.model.path} />);
    this.bar.addClass('jp-VMShare-placeBar');
    this.addBar();
    this.observer = new MutationObserver(this.mark);
    model.mounts.moved.connect(this.onMoved);
    model.mounts.changed.connect(this.draw);
    model.folders.changed.connect(this.draw);
    browser.model.pathChanged.connect(this.draw);
    browser.disposed.connect(this.dispose);
    this.draw();
  }

  /** Between the path and the files. */
  private addBar(): void {
    const crumbs = partOf(this.browser, 'jp-FileBrowser-crumbs');
    const layout = crumbs?.parent?.layout;
    if (crumbs && layout instanceof PanelLayout) {
      layout.insertWidget(layout.widgets.indexOf(crumbs) + 1, this.bar);
    }
  }

  private readonly dispose = (): void => {
    this.observer.disconnect();
    this.model.mounts.moved.disconnect(this.onMoved);
    this.model.mounts.changed.disconnect(this.draw);
    this.model.folders.changed.disconnect(this.draw);
  };

  private readonly draw = (): void => {
    const { root } = this.model.mounts;
    const { path } = this.browser.model;
    this.bar.setHidden(root === null || !`${path}/`.startsWith(`${root}/`));
    this.bar.update();
    this.observer.disconnect();
    this.mark();
    const content = this.browser.node.querySelector('.jp-DirListing-content');
    if (content && path === root) {
      const whatever = { childList: true, characterData: true, subtree: true };
      this.observer.observe(content, whatever);
    }
  };

  private readonly mark = (): void => {
    const isAtTop = this.browser.model.path === this.model.mounts.root;
    for (const text of this.browser.node.querySelectorAll<HTMLElement>(
      '.jp-DirListing-content .jp-DirListing-itemText'
    )) {
      const folder = isAtTop ? this.folderNamed(text.textContent) : null;
      markName(text, folder && badgeText(this.trans, this.model.mounts, folder), () =>
        levelMeaning(this.trans, folder?.level ?? '')
      );
    }
  };

  private folderNamed(name: string): FolderView | null {
    const mount = this.model.mounts.session?.mounts.find(each => each.name === name);
    return (mount && this.model.folders.find(mount.folder_id)) ?? null;
  }

  /** Goes along with a folder that got another name, and out of one that is gone. */
  private readonly onMoved = (_: unknown, { before, after }: MountChange): void => {
    const { root } = this.model.mounts;
    const { model } = this.browser;
    if (root === null) {
      return;
    }
    const old = before && `${root}/${before.name}`;
    const isInside = old !== null && `${model.path}/`.startsWith(`${old}/`);
    if (isInside && (!after || after.state === 'closing')) {
      void model.cd(`/${root}`);
    } else if (isInside && after && after.name !== before?.name) {
      void model.cd(`/${root}/${after.name}${model.path.slice(old.length)}`);
    } else if (isInside || model.path === root) {
      void model.refresh();
    }
  };

  private readonly bar: View;
  private readonly observer: MutationObserver;
}

/** Puts a badge behind a name, or takes it away; does nothing where all is as it should be. */
function markName(name: HTMLElement, badge: string | null, title: () => string): void {
  const present = name.parentElement?.querySelector<HTMLElement>(`.${BADGE}`) ?? null;
  if (badge === null) {
    present?.remove();
    if (present) {
      name.removeAttribute('aria-describedby');
    }
    return;
  }
  const node = present ?? document.createElement('span');
  if (node.textContent !== badge) {
    node.className = BADGE;
    node.textContent = badge;
    node.title = title();
  }
  if (!present) {
    // The name has the focus: who hears it should hear the badge, too.
    node.id = `vmshare-badge-${++badges}`;
    name.setAttribute('aria-describedby', node.id);
    name.after(node);
  }
}

let badges = 0;

function partOf(widget: Widget, className: string): Widget | null {
  if (widget.hasClass(className)) {
    return widget;
  }
  for (const child of widget.children()) {
    const found = partOf(child, className);
    if (found) {
      return found;
    }
  }
  return null;
}
