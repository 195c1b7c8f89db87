import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { ApiClient } from '../api/client';
import { Transport } from '../api/transport';
import { VMShareModel } from '../model/vmshare';
import { IVMShare } from '../tokens';

/** What is shared, for the panel and for other extensions. */
export const model: JupyterFrontEndPlugin<IVMShare> = {
  id: 'jupyter-vmshare:model',
  description: 'What is shared with the person and by them, live.',
  autoStart: true,
  provides: IVMShare,
  activate: (app: JupyterFrontEnd): IVMShare => {
    const transport = new Transport(app.serviceManager.serverSettings);
    const shared = new VMShareModel(new ApiClient(transport));
    // JupyterLab does not wait for us, nor we for its other parts.
    void shared.start();
    return shared;
  }
};
