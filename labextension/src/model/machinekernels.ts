/** What became of a kernel on a machine, as the notebook server's own events tell it. */
export interface KernelNews {
  kernel_id: string;
  machine: string;
  state: 'connected' | 'reconnecting' | 'ended';
  /** A whole sentence for the person. */
  because: string | null;
}

export const KERNEL_EVENT = 'https://schema.jupyter.org/jupyter_vmshare/kernel/v1';
/** Other kernels are offered on machines than before. */
export const OFFER_EVENT = 'https://schema.jupyter.org/jupyter_vmshare/kernelspecs/v1';

/** What an event tells of a kernel; null where it is about something else. */
export function newsIn(event: Readonly<Record<string, unknown>>): KernelNews | null {
  const { schema_id: schema, kernel_id: kernel, machine, state, because } = event;
  if (schema !== KERNEL_EVENT || typeof kernel !== 'string' || typeof machine !== 'string') {
    return null;
  }
  if (state !== 'connected' && state !== 'reconnecting' && state !== 'ended') {
    return null;
  }
  const sentence = typeof because === 'string' ? because : null;
  return { kernel_id: kernel, machine, state, because: sentence };
}
