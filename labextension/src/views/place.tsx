import type { TranslationBundle } from '@jupyterlab/translation';
import { lockIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { FolderView } from '../api/types';
import type { MountsModel } from '../model/mounts';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { EditRules } from './editrules';
import { fastMeaning } from './fast';
import { LevelChip } from './level';
import { ActionButton, EndDate } from './parts';
import { levelName } from './words';

/** Above the files of a file browser: whose shared folder it shows, and what one may do there. */
export function PlaceBar(props: { model: VMShareModel; path: string }): JSX.Element | null {
  const trans = useTrans();
  const { model, path } = props;
  useSignal(model.mounts.changed);
  useSignal(model.folders.changed);
  const { root } = model.mounts;
  if (path === root) {
    return <Bar>{trans.__('Shared folders are made in the panel, not here.')}</Bar>;
  }
  const place = model.mounts.at(path);
  if (!place) {
    return root !== null && path.startsWith(`${root}/`) ? (
      <Bar>{trans.__('This folder is not in your session any more.')}</Bar>
    ) : null;
  }
  const folder = model.folders.find(place.mount.folder_id) ?? null;
  const isMine = folder?.relation === 'mine';
  return (
    <Bar isLocked={place.mount.read_only}>
      <LevelChip level={isMine ? 'owner' : place.mount.level} />
      {folder && !isMine && <span>{trans.__('of %1', folder.owner)}</span>}
      {!isMine && <RuleHere level={place.mount.level} owner={folder?.owner} />}
      {place.mount.direct && (
        <span className="jp-VMShare-placeRule" data-fast>
          {fastMeaning(trans, place.mount)}
        </span>
      )}
      <EndDate at={place.mount.until ?? folder?.ends_at} />
    </Bar>
  );
}

/** Why a document can't be saved where it is. */
export type Hindrance =
  { kind: 'read-only'; owner: string; label: string } | { kind: 'ended'; because: string };

/** Above a document: why it can't be saved there, and the way out. */
export function DocumentBar(props: {
  hindrance: Hindrance | null;
  onSaveCopy: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { hindrance, onSaveCopy } = props;
  if (!hindrance) {
    return <></>;
  }
  const sentence =
    hindrance.kind === 'read-only'
      ? trans.__('Read-only: %1 shares “%2” with you at View.', hindrance.owner, hindrance.label)
      : trans.__('It can’t be saved here any more. %1', hindrance.because);
  return (
    <Bar isLocked>
      <span className="jp-VMShare-placeRule" title={sentence}>
        {sentence}
      </span>
      <ActionButton
        title={trans.__('Saves what you see among your own files, with its kernel')}
        onClick={onSaveCopy}
      >
        {trans.__('Save a copy…')}
      </ActionButton>
    </Bar>
  );
}

/** What stands beside a folder's name in the file browser. */
export function badgeText(
  trans: TranslationBundle,
  mounts: MountsModel,
  folder: FolderView
): string {
  const mount = mounts.of(folder.id);
  const level = levelName(trans, mount?.level ?? folder.level);
  const badge =
    folder.relation === 'mine' ? trans.__('Mine') : trans.__('%1 · %2', level, folder.owner);
  return mount?.direct ? trans.__('%1 · fast', badge) : badge;
}

function Bar(props: { isLocked?: boolean; children: React.ReactNode }): JSX.Element {
  return (
    <div className="jp-VMShare-place" role="status">
      {props.isLocked && <lockIcon.react tag="span" className="jp-VMShare-rowIcon" />}
      {props.children}
    </div>
  );
}

/** What the level means for programs, which know no levels. */
function RuleHere(props: { level: string; owner: string | undefined }): JSX.Element | null {
  const trans = useTrans();
  switch (props.level) {
    case 'view':
      return <span className="jp-VMShare-placeRule">{trans.__('Read-only.')}</span>;
    case 'edit':
      return (
        <EditRules
          summary={trans.__('Only what you have just made can be deleted.')}
          owner={props.owner}
        />
      );
    default:
      return null;
  }
}
