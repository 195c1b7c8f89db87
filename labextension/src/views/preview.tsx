import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import { sentenceOf } from '../api/problem';
import { useTrans } from './context';
import { ActionLink, Blank, Message } from './parts';
import { bytes } from './words';

/** A file's beginning, and whether that is all of it. */
export interface Content {
  kind: 'text' | 'image';
  /** The text, or the address of the image. */
  value: string;
  complete: boolean;
}

interface PreviewProps {
  name: string;
  load: () => Promise<Content>;
  downloadUrl: string;
  limit: number;
}

/** A file to read, not to change. */
export function Preview({ name, load, downloadUrl, limit }: PreviewProps): JSX.Element {
  const trans = useTrans();
  const { content, failure } = useContent(load);
  const download = (
    <ActionLink look="plain" href={downloadUrl}>
      {trans.__('Download')}
    </ActionLink>
  );
  if (failure) {
    return <Message kind="error">{failure}</Message>;
  }
  if (!content) {
    return <Blank title={trans.__('Opening "%1"…', name)} />;
  }
  return (
    <div className="jp-VMShare-preview">
      <div className="jp-VMShare-readOnly" role="note">
        <strong>{trans.__('READ-ONLY')}</strong>
        <span>
          {content.complete
            ? trans.__('This is a view of the file. To work with it, download it.')
            : trans.__('These are the first %1 of the file.', bytes(trans, limit))}
        </span>
        {download}
      </div>
      {content.kind === 'text' ? (
        <textarea className="jp-VMShare-text" readOnly aria-label={name} value={content.value} />
      ) : (
        <img src={content.value} alt={name} />
      )}
    </div>
  );
}

function useContent(load: () => Promise<Content>): {
  content: Content | null;
  failure: string | null;
} {
  const [content, setContent] = useState<Content | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    let isWanted = true;
    load().then(
      loaded => {
        if (isWanted) {
          setContent(loaded);
        }
      },
      (error: unknown) => setFailure(sentenceOf(error))
    );
    return () => {
      isWanted = false;
    };
  }, [load]);
  return { content, failure };
}
