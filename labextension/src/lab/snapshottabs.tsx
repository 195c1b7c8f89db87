import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { historyIcon } from '@jupyterlab/ui-components';

import { SnapshotsModel } from '../model/snapshots';
import type { VMShareModel } from '../model/vmshare';
import { Snapshots } from '../views/snapshots';
import { View } from './reactive';
import { SnapshotActs } from './snapshotacts';
import { Here, ViewTab, ViewTabs } from './viewtab';

/** The snapshots of a folder, each folder's in a tab of its own. */
export function snapshotTabs(
  app: JupyterFrontEnd,
  model: VMShareModel,
  trans: TranslationBundle
): ViewTabs {
  return new ViewTabs(app, 'vmshare-snapshots', folderId => {
    const snapshots = new SnapshotsModel(model.api, folderId);
    const deeds = new SnapshotActs(app, model, snapshots, trans).deeds;
    const view = new View(trans, () => (
      <Here model={model}>
        <Snapshots model={snapshots} deeds={deeds} />
      </Here>
    ));
    const id = `vmshare-snapshots-${folderId}`;
    const tab = new ViewTab(folderId, id, historyIcon, view, model, snapshots);
    const name = (): void => {
      const label = snapshots.folder?.label;
      tab.title.label = label ? trans.__('Snapshots of %1', label) : trans.__('Snapshots');
    };
    snapshots.changed.connect(name);
    name();
    return tab;
  });
}
