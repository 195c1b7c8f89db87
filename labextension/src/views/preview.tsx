import type { JSX } from 'react';
import { useEffect, useState } from 'react';

import { sentenceOf } from '../api/problem';
import type { Notebook as NotebookContent } from '../model/notebook';
import { useTrans } from './context';
import type { ShowPart } from './notebook';
import { Notebook } from './notebook';
import { ActionLink, Blank, Message } from './parts';
import { bytes } from './words';

/** A file's beginning, and whether that is all of it. */
export type Content = { complete: boolean } & (
  | { kind: 'text'; value: string }
  | { kind: 'image'; /** Its address. */ value: string }
  | { kind: 'notebook'; notebook: NotebookContent }
);

interface PreviewProps {
  name: string;
  load: () => Promise<Content>;
  downloadUrl: string;
  limit: number;
  /** How parts of notebooks are shown, where they can be. */
  show?: ShowPart;
}

/** A file to read, not to change. */
export function Preview(props: PreviewProps): JSX.Element {
  const { name, load, downloadUrl, limit } = props;
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
      <Shown name={name} content={content} show={props.show} />
    </div>
  );
}

function Shown(props: {
  name: string;
  content: Content;
  show: ShowPart | undefined;
}): JSX.Element | null {
  const { name, content, show } = props;
  switch (content.kind) {
    case 'text':
      return (
        <textarea className="jp-VMShare-text" readOnly aria-label={name} value={content.value} />
      );
    case 'image':
      return <img src={content.value} alt={name} />;
    case 'notebook':
      return show ? <Notebook name={name} notebook={content.notebook} show={show} /> : null;
  }
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
