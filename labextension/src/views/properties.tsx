import type { JSX, ReactNode } from 'react';
import { useEffect, useState } from 'react';

import type { EntryView, FolderView } from '../api/types';
import { useTrans } from './context';
import { bytes, levelName, moment } from './words';

interface PropertiesProps {
  folder: FolderView;
  entries: readonly EntryView[];
  /** Who changed one of them last; null where that is not known. */
  changedBy: (entry: EntryView) => Promise<string | null>;
}

/** What there is to know about files and directories: where, what, how large, when and by whom. */
export function Properties({ folder, entries, changedBy }: PropertiesProps): JSX.Element {
  const [only] = entries;
  return (
    <dl className="jp-VMShare-properties">
      {entries.length === 1 && only ? (
        <OfOne entry={only} changedBy={changedBy} />
      ) : (
        <OfMany entries={entries} />
      )}
      <OfFolder folder={folder} />
    </dl>
  );
}

interface OfOneProps extends Pick<PropertiesProps, 'changedBy'> {
  entry: EntryView;
}

function OfOne({ entry, changedBy }: OfOneProps): JSX.Element {
  const trans = useTrans();
  const kinds: Record<EntryView['kind'], string> = {
    file: trans.__('File'),
    directory: trans.__('Directory'),
    link: trans.__('Link'),
    other: trans.__('Neither file nor directory')
  };
  return (
    <>
      <Property name={trans.__('Name')}>{entry.name}</Property>
      <Property name={trans.__('Path')}>{entry.path}</Property>
      <Property name={trans.__('Kind')}>{kinds[entry.kind]}</Property>
      {entry.size != null && (
        <Property name={trans.__('Size')}>
          {entry.size < 1024
            ? bytes(trans, entry.size)
            : trans.__('%1 (%2 bytes)', bytes(trans, entry.size), entry.size.toLocaleString())}
        </Property>
      )}
      <Property name={trans.__('Modified')}>{moment(entry.modified_at, true)}</Property>
      <ChangedBy entry={entry} changedBy={changedBy} />
    </>
  );
}

/** Programs change files in a session without a word to the service: that is said, too. */
function ChangedBy({ entry, changedBy }: OfOneProps): JSX.Element {
  const trans = useTrans();
  const [who, setWho] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    const tell = (found: string | null): void => {
      if (isWanted) {
        setWho(found);
      }
    };
    changedBy(entry).then(tell, () => tell(null));
    return () => {
      isWanted = false;
    };
  }, [entry, changedBy]);
  return (
    <Property name={trans.__('Changed by')}>
      {who === undefined && trans.__('Looking…')}
      {who === null && trans.__('Not known: long ago, or by a program in a session')}
      {who && trans.__('%1, as far as the times tell', who)}
    </Property>
  );
}

function OfMany({ entries }: { entries: readonly EntryView[] }): JSX.Element {
  const trans = useTrans();
  const files = entries.filter(entry => entry.kind !== 'directory');
  const directories = entries.length - files.length;
  const size = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
  return (
    <>
      <Property name={trans.__('Selected')}>
        {trans._n('%1 entry', '%1 entries', entries.length)}
      </Property>
      <Property name={trans.__('Files')}>
        {trans.__('%1, together %2', files.length, bytes(trans, size))}
      </Property>
      {directories > 0 && (
        <Property name={trans.__('Directories')}>
          {trans.__('%1, not counting what is in them', directories)}
        </Property>
      )}
    </>
  );
}

function OfFolder({ folder }: { folder: FolderView }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      <Property name={trans.__('Folder')}>{folder.label}</Property>
      <Property name={trans.__('Owner')}>{folder.owner}</Property>
      <Property name={trans.__('Your level')}>{levelName(trans, folder.level)}</Property>
      {folder.fast && (
        <Property name={trans.__('Mounts')}>
          {trans.__('Fast: access to what is open ends with the session')}
        </Property>
      )}
    </>
  );
}

function Property({ name, children }: { name: string; children: ReactNode }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
