import type { ISettingRegistry } from '@jupyterlab/settingregistry';

/** The plugin whose schema the settings are described in. */
export const SETTINGS_ID = 'jupyter-vmshare:plugin';

/** What the person has chosen in the settings editor; the schema's defaults until it is known. */
export class Settings {
  constructor(registry: ISettingRegistry | null) {
    registry
      ?.load(SETTINGS_ID)
      .then(loaded => {
        this.registered = loaded;
      })
      .catch((error: unknown) => console.warn('The settings of VMShare are not there.', error));
  }

  get notifications(): boolean {
    return this.flag('notifications');
  }

  get confirmLeave(): boolean {
    return this.flag('confirmLeave');
  }

  get confirmTrash(): boolean {
    return this.flag('confirmTrash');
  }

  get confirmDelete(): boolean {
    return this.flag('confirmDelete');
  }

  /** Whether terminals on machines run on when nobody looks; not, unless the person says so. */
  get keepTerminals(): boolean {
    return this.registered?.get('keepTerminals').composite === true;
  }

  /** The level that the share dialog begins with. */
  get defaultLevel(): string {
    const level = this.registered?.get('defaultLevel').composite;
    return typeof level === 'string' ? level : 'view';
  }

  private flag(name: string): boolean {
    return this.registered?.get(name).composite !== false;
  }

  private registered: ISettingRegistry.ISettings | null = null;
}
