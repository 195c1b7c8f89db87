import { Panel, Widget } from '@lumino/widgets';
import { Signal } from '@lumino/signaling';

/** A file browser as far as marks look at it: a path, and nodes with names. */
export class FakeFileBrowser extends Panel {
  constructor(path: string) {
    super();
    this.model = new FakeBrowserModel(path);
    const main = new Panel();
    const crumbs = new Widget();
    crumbs.addClass('jp-FileBrowser-crumbs');
    this.listing.node.innerHTML = '<ul class="jp-DirListing-content"></ul>';
    main.addWidget(crumbs);
    main.addWidget(this.listing);
    this.addWidget(main);
  }

  /** Draws files as JupyterLab does: nodes that are there are used again. */
  draw(names: string[]): void {
    const list = this.node.querySelector('.jp-DirListing-content')!;
    while (list.children.length > names.length) {
      list.lastElementChild!.remove();
    }
    names.forEach((name, at) => {
      if (!list.children[at]) {
        const item = document.createElement('li');
        item.innerHTML =
          '<div class="jp-DirListing-itemName"><span class="jp-DirListing-itemText"></span></div>';
        list.append(item);
      }
      const text = list.children[at]!.querySelector('.jp-DirListing-itemText')!;
      text.textContent = name;
    });
  }

  /** Name and badge of each file shown. */
  get shown(): [string, string | null][] {
    return [...this.node.querySelectorAll('.jp-DirListing-itemName')].map(item => [
      item.querySelector('.jp-DirListing-itemText')?.textContent ?? '',
      item.querySelector('.jp-VMShare-badge')?.textContent ?? null
    ]);
  }

  readonly listing = new Widget();
  readonly model: FakeBrowserModel;
}

class FakeBrowserModel {
  constructor(public path: string) {}

  readonly pathChanged = new Signal<this, void>(this);
  refreshed = 0;

  cd(path: string): Promise<void> {
    this.path = path.replace(/^\//, '');
    this.pathChanged.emit(undefined);
    return Promise.resolve();
  }

  refresh(): Promise<void> {
    this.refreshed++;
    return Promise.resolve();
  }
}

/** What a document's context tells, and what it is told. */
export class FakeContext {
  constructor(
    public path: string,
    writable: boolean
  ) {
    this.contentsModel = { type: 'notebook', path, writable };
  }

  contentsModel: Record<string, unknown>;
  isReady = true;
  ready = Promise.resolve();
  readonly pathChanged = new Signal<this, string>(this);
  readonly model = { toJSON: () => ({ cells: ['precious'] }), toString: () => '' };
  readonly sessionContext = { session: { kernel: { id: 'k1' } } };

  get localPath(): string {
    return this.path;
  }
}
