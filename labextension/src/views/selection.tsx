import type { JSX } from 'react';

import type { DirectoryModel } from '../model/directory';
import { useSignal, useTrans } from './context';
import { ActionButton, LiveRegion } from './parts';

/** What is done to many entries at once. */
export interface ManyDeeds {
  downloadMany: (paths: readonly string[]) => void;
  moveMany: (paths: readonly string[]) => void;
  removeMany: (paths: readonly string[]) => void;
}

/** What can be done with the selected entries; a button is there only while it is allowed. */
export function Selection(props: { model: DirectoryModel; deeds: ManyDeeds }): JSX.Element {
  const trans = useTrans();
  const { model, deeds } = props;
  const { selection } = model;
  useSignal(selection.changed);
  const { paths, size } = selection;
  const told = size > 0 ? trans._n('%1 selected', '%1 selected', size) : '';
  return (
    <>
      <LiveRegion text={told} />
      {size > 0 && (
        <div className="jp-VMShare-selection" role="group" aria-label={trans.__('Selection')}>
          <span>{told}</span>
          {model.hasArchives && (
            <ActionButton onClick={() => deeds.downloadMany(paths)}>
              {trans.__('Download as a zip archive')}
            </ActionButton>
          )}
          {model.may('rename_file') && (
            <ActionButton onClick={() => deeds.moveMany(paths)}>{trans.__('Move…')}</ActionButton>
          )}
          {model.may('delete_file') && (
            <ActionButton onClick={() => deeds.removeMany(paths)}>
              {trans.__('Delete selected')}
            </ActionButton>
          )}
          <ActionButton onClick={() => selection.set([])}>
            {trans.__('Select nothing')}
          </ActionButton>
        </div>
      )}
    </>
  );
}
