import type { TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { createContext, useCallback, useContext, useRef, useSyncExternalStore } from 'react';

/** The gettext domain of all sentences of the panel. */
export const DOMAIN = 'jupyter_vmshare';

/** The sentences of the person's language, for every view below. */
export const TransContext = createContext<TranslationBundle>(nullTranslator.load(DOMAIN));

export function useTrans(): TranslationBundle {
  return useContext(TransContext);
}

/** Renders again whenever the signal is emitted: models change in place. */
export function useSignal<S, A>(signal: ISignal<S, A>): void {
  const tick = useRef(0);
  const subscribe = useCallback(
    (render: () => void) => {
      const slot = (): void => {
        tick.current++;
        render();
      };
      signal.connect(slot);
      return () => {
        signal.disconnect(slot);
      };
    },
    [signal]
  );
  useSyncExternalStore(subscribe, () => tick.current);
}
