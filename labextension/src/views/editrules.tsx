import type { JSX } from 'react';

import { useTrans } from './context';

/**
 * What Edit keeps programs from, for people who wonder why one was refused; closed at first.
 *
 * The documentation's page on programs at Edit has all of it, with each program's own cure.
 */
export function EditRules(props: { summary: string; owner?: string | undefined }): JSX.Element {
  const trans = useTrans();
  const { summary, owner } = props;
  return (
    <details className="jp-VMShare-editRules">
      <summary>{summary}</summary>
      <ul>
        <li>
          {trans.__(
            'What you made yourself you may rename. You may delete it for about ten minutes after it was last closed, as long as nobody else has opened it.'
          )}
        </li>
        <li>
          {trans.__(
            'What others made you may open, change and overwrite, and not rename, move or delete.'
          )}
        </li>
        <li>
          {trans.__(
            'Saving works, also in programs that write a draft and put it in the file’s place: Jupyter, vim, sed -i, sqlite.'
          )}
        </li>
        <li>
          {trans.__(
            'Programs that remove older files, or others’, hear “Operation not permitted”: git checkout and rebase, pip install --upgrade, rsync --delete, tar over files that are there, rm. What is there stays as it was.'
          )}
        </li>
        <li>
          {owner
            ? trans.__(
                'Use such programs on a copy in your own home, or ask %1 for Edit + Delete.',
                owner
              )
            : trans.__(
                'Use such programs on a copy in your own home, or ask the owner for Edit + Delete.'
              )}
        </li>
      </ul>
    </details>
  );
}
