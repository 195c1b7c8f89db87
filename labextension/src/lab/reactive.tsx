import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX } from 'react';

import { TransContext } from '../views/context';

/** A Lumino widget around a view, with the person's language. */
export class View extends ReactWidget {
  constructor(
    private readonly trans: TranslationBundle,
    private readonly draw: () => JSX.Element
  ) {
    super();
  }

  protected override render(): JSX.Element {
    return <TransContext.Provider value={this.trans}>{this.draw()}</TransContext.Provider>;
  }
}
