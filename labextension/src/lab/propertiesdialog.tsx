import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { EntryView } from '../api/types';
import type { DirectoryModel } from '../model/directory';
import { changedBy } from '../model/changedby';
import type { VMShareModel } from '../model/vmshare';
import { Properties } from '../views/properties';
import { View } from './reactive';

/** What there is to know about entries of a folder. Resolves when the person closes it. */
export async function showProperties(
  model: VMShareModel,
  directory: DirectoryModel,
  entries: readonly EntryView[],
  trans: TranslationBundle
): Promise<void> {
  const { folder } = directory;
  if (!folder) {
    return;
  }
  const who = (entry: EntryView): Promise<string | null> => changedBy(model.api, folder.id, entry);
  const body = new View(trans, () => (
    <Properties folder={folder} entries={entries} changedBy={who} />
  ));
  // What may scroll has to be reached by the keyboard.
  body.node.tabIndex = 0;
  const [only] = entries;
  await showDialog({
    title:
      entries.length === 1 && only
        ? trans.__('Properties of "%1"', only.name)
        : trans.__('Properties'),
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Close') })]
  });
}
