import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentWidgetOpener } from '@jupyterlab/docmanager';
import type { FileBrowser } from '@jupyterlab/filebrowser';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IVMShare } from '../tokens';
import { DOMAIN } from '../views/context';
import { SharedDocuments } from './documents';
import { FileBrowserMarks } from './filebrowsermarks';

/** Shared folders where the person works: in the file browser, and in open documents. */
export const session: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:session',
  description: 'Shared folders in the file browser and in open documents.',
  autoStart: true,
  requires: [IVMShare],
  optional: [IFileBrowserFactory, IDocumentWidgetOpener, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IVMShare,
    browsers: IFileBrowserFactory | null,
    opener: IDocumentWidgetOpener | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const mark = (browser: FileBrowser): FileBrowserMarks =>
      new FileBrowserMarks(browser, model, trans);
    browsers?.tracker.forEach(mark);
    browsers?.tracker.widgetAdded.connect((_, browser) => mark(browser));
    const documents = new SharedDocuments(app, model, trans);
    opener?.opened.connect((_, widget) => documents.add(widget));
    void app.restored.then(() => {
      [...app.shell.widgets('main')].forEach(widget => documents.add(widget));
    });
  }
};
