import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { usersIcon } from '@jupyterlab/ui-components';

import { PeopleModel } from '../model/people';
import { SharesModel } from '../model/shares';
import type { VMShareModel } from '../model/vmshare';
import { Lineage } from '../views/lineage';
import type { ShareDeeds } from '../views/shares';
import { Shares } from '../views/shares';
import { View } from './reactive';
import { Here, ViewTab, ViewTabs } from './viewtab';

/** Who has a folder from whom, each folder's in a tab of its own. */
export function peopleTabs(
  app: JupyterFrontEnd,
  model: VMShareModel,
  share: (folderId: string) => void,
  trans: TranslationBundle
): ViewTabs {
  return new ViewTabs(app, 'vmshare-people', folderId => {
    const people = new PeopleModel(model.api, folderId);
    const view = new View(trans, () => (
      <Here model={model}>
        <Lineage model={people} share={() => share(folderId)} />
      </Here>
    ));
    const tab = new ViewTab(folderId, `vmshare-people-${folderId}`, usersIcon, view, model, people);
    const name = (): void => {
      const label = people.folder?.label;
      tab.title.label = label ? trans.__('People of %1', label) : trans.__('People');
    };
    people.changed.connect(name);
    name();
    return tab;
  });
}

/** Everything that is shared, in one tab. */
export function sharesTabs(
  app: JupyterFrontEnd,
  model: VMShareModel,
  deeds: ShareDeeds,
  trans: TranslationBundle
): ViewTabs {
  return new ViewTabs(app, 'vmshare-shares', key => {
    const shares = new SharesModel(model.api);
    const view = new View(trans, () => (
      <Here model={model}>
        <Shares model={shares} deeds={deeds} />
      </Here>
    ));
    const tab = new ViewTab(key, 'vmshare-shares', usersIcon, view, model, shares);
    tab.title.label = trans.__('Sharing at a Glance');
    return tab;
  });
}
