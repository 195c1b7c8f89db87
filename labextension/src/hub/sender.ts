import { Sender } from '../api/sender';

/** Sends requests to the hub service itself, as whoever is signed in to its pages. */
export class PageSender extends Sender {
  constructor(
    /** The service's prefix, with slashes at both ends. */
    private readonly prefix: string,
    pause?: (ms: number) => Promise<void>
  ) {
    super(pause);
  }

  protected override readonly silence =
    'The service does not answer. Look at your connection, and try again.';

  protected override address(path: string): string {
    return `${this.prefix}${path}`;
  }

  /** A cookie says who asks, and the token that it is not another site's page. */
  override request(url: string, init: RequestInit): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), 'X-XSRFToken': xsrfToken() };
    return fetch(url, { ...init, headers, credentials: 'same-origin' });
  }
}

/** The token as it is now: signing in again in another tab makes another one. */
export function xsrfToken(): string {
  return /(?:^|; )_xsrf=([^;]*)/u.exec(document.cookie)?.[1] ?? '';
}
