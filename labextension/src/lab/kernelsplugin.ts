import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentWidgetOpener } from '@jupyterlab/docmanager';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IVMShare } from '../tokens';
import { DOMAIN } from '../views/context';
import { kernelShell, MachineKernels } from './machinekernels';

/** Kernels on machines: launcher and menus follow access, and notebooks say why one ended. */
export const kernels: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:kernels',
  description: 'Kernels on machines, as they come and go.',
  autoStart: true,
  requires: [IVMShare],
  optional: [IDocumentWidgetOpener, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IVMShare,
    opener: IDocumentWidgetOpener | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const news = new MachineKernels(kernelShell(app, model), model, trans);
    opener?.opened.connect((_, widget) => news.add(widget));
    void app.restored.then(() => {
      [...app.shell.widgets('main')].forEach(widget => news.add(widget));
    });
  }
};
