import { PageConfig } from '@jupyterlab/coreutils';

/** The origin of the hub, which may be another one than this server's. */
export function hubOrigin(): string {
  return PageConfig.getOption('hubHost') || window.location.origin;
}

/** The hub's page with the person's own servers; null without a hub. */
export function hubHome(): string | null {
  const prefix = PageConfig.getOption('hubPrefix');
  return prefix ? new URL(`${prefix.replace(/\/$/, '')}/home`, hubOrigin()).href : null;
}
