import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

/** Shares machines and folders from JupyterLab. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-vmshare:plugin',
  description: 'Share machines and folders.',
  autoStart: true,
  activate: (_app: JupyterFrontEnd): void => undefined
};

export default plugin;
