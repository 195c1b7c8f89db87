import type { Session } from '../api/types';

/**
 * What the panel can do here, and if nothing, what the person can do about it.
 *
 * `starting` lasts until the notebook server has said who the visitor is.
 */
export type Standing =
  | { kind: 'starting' }
  | { kind: 'ready'; me: string }
  | { kind: 'no-extension' }
  | { kind: 'no-hub' }
  | { kind: 'foreign-server'; owner: string }
  | { kind: 'no-service'; because: string | null }
  | { kind: 'unreachable'; because: string | null }
  | { kind: 'refused'; because: string | null };

/** The standing that the notebook server's word about the session means. */
export function standingOf(session: Session): Standing {
  if (!session.hub) {
    return { kind: 'no-hub' };
  }
  if (!session.own_server) {
    return { kind: 'foreign-server', owner: session.server_owner ?? '' };
  }
  switch (session.service) {
    case 'absent':
      return { kind: 'no-service', because: session.because };
    case 'unreachable':
      return { kind: 'unreachable', because: session.because };
    case 'refused':
      return { kind: 'refused', because: session.because };
    case 'ok':
      return { kind: 'ready', me: session.user ?? '' };
  }
}
