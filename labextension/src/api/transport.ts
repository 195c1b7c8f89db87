import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { Sender } from './sender';

export type { Asking } from './sender';
export { newKey } from './sender';

/** Sends requests to the notebook server's extension, as the visitor. */
export class Transport extends Sender {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings(),
    pause?: (ms: number) => Promise<void>
  ) {
    super(pause);
  }

  protected override readonly silence = 'Your notebook server does not answer.';

  /** Below `<base>/vmshare/`. */
  protected override address(path: string): string {
    return URLExt.join(this.settings.baseUrl, 'vmshare', path);
  }

  protected override request(url: string, init: RequestInit): Promise<Response> {
    return ServerConnection.makeRequest(url, init, this.settings);
  }
}
