import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { kernels } from './lab/kernelsplugin';
import { model } from './lab/modelplugin';
import { notifications } from './lab/notificationsplugin';
import { panel } from './lab/panelplugin';
import { session } from './lab/sessionplugin';
import { terminals } from './lab/terminalsplugin';

export { IVMShare } from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  model,
  panel,
  notifications,
  session,
  kernels,
  terminals
];

export default plugins;
