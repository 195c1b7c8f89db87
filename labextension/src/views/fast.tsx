import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX } from 'react';
import { useState } from 'react';

import type { FolderView, HolderView, MountView } from '../api/types';
import type { HoldersModel } from '../model/holders';
import { useSignal, useTrans } from './context';
import { ActionButton, Message, useDeed } from './parts';

/** That a folder's owner chose fast mounts, small; what that means is the tooltip. */
export function FastChip({ mount }: { mount: MountView | null }): JSX.Element {
  const trans = useTrans();
  return (
    <span className="jp-VMShare-chip" data-fast title={fastMeaning(trans, mount)}>
      {trans.__('fast')}
    </span>
  );
}

/** The same in a sentence, for a session that has the folder, or has none. */
export function fastMeaning(trans: TranslationBundle, mount: MountView | null): string {
  if (mount?.state !== 'mounted' || mount.direct) {
    return trans.__('Fast mount: access to what is open ends with the session.');
  }
  if (mount.not_direct) {
    return trans.__('Not fast here. %1', mount.not_direct);
  }
  return mount.level === 'edit'
    ? trans.__('Not fast at Edit, since a fast mount can’t refuse deletes.')
    : trans.__('Not fast here, since the owner’s room is limited and all that is written counts.');
}

/** The choice, what it means, and which sessions hold what was taken from them. */
export function FastMounts(props: {
  folder: FolderView;
  holders: HoldersModel;
  choose: (fast: boolean) => Promise<void>;
}): JSX.Element {
  const trans = useTrans();
  const { folder, holders, choose } = props;
  const { isBusy, failure, run } = useDeed();
  const [wanted, setWanted] = useState(false);
  return (
    <div className="jp-VMShare-fast">
      <label>
        <input
          type="checkbox"
          checked={isBusy ? wanted : (folder.fast ?? false)}
          disabled={isBusy}
          onChange={event => {
            const { checked } = event.target;
            setWanted(checked);
            void run(() => choose(checked));
          }}
        />
        {trans.__('Fast mounts in running sessions')}
      </label>
      {failure && <Message kind="error">{failure}</Message>}
      <p>
        {trans.__(
          'Programs of people at View and Edit + Delete, and your own, read and write the files directly, at the speed of the disk.'
        )}
      </p>
      <ul>
        <li>
          {trans.__(
            'Access ends with the session. What a program has open when you take the folder away stays open to it. You are told whose, and can end these sessions.'
          )}
        </li>
        <li>
          {trans.__('People at Edit have it as before: a fast mount can’t refuse to delete.')}
        </li>
        <li>
          {trans.__(
            'Where your room is limited, only View is fast. Elsewhere, what programs write is counted once a day.'
          )}
        </li>
        <li>
          {trans.__(
            'Locks do not reach from fast sessions to others. Write a database from one kind alone.'
          )}
        </li>
      </ul>
      <Holders model={holders} />
    </div>
  );
}

/** Sessions that hold what was taken from them, each with the offer to end it. */
export function Holders({ model }: { model: HoldersModel }): JSX.Element | null {
  const trans = useTrans();
  useSignal(model.changed);
  if (model.items.length === 0) {
    return model.failure ? <Message kind="error">{model.failure}</Message> : null;
  }
  return (
    <section className="jp-VMShare-holders" aria-label={trans.__('Sessions that still hold it')}>
      <Message kind="warning">
        {trans.__(
          'It was a fast mount. Programs have something of it open still, which nobody can cut: it ends with their sessions.'
        )}
      </Message>
      <ul>
        {model.items.map(holder => (
          <Holding key={holder.session_id} holder={holder} model={model} />
        ))}
      </ul>
      {model.failure && <Message kind="error">{model.failure}</Message>}
    </section>
  );
}

function Holding({ holder, model }: { holder: HolderView; model: HoldersModel }): JSX.Element {
  const trans = useTrans();
  const [isAsked, setAsked] = useState(false);
  const who = holder.server_name
    ? trans.__('%1, server “%2”', holder.person, holder.server_name)
    : holder.person;
  return (
    <li data-holder={holder.person}>
      <span>{trans._n('%2: %1 program', '%2: %1 programs', holder.processes, who)}</span>
      {isAsked ? (
        <div role="group" aria-label={trans.__('End the session of %1?', who)}>
          <p>
            {trans.__(
              'Everything that runs in the session of %1 ends: kernels with their variables, terminals, what is not saved.',
              who
            )}
          </p>
          <ActionButton disabled={model.isEnding} onClick={() => setAsked(false)}>
            {trans.__('Let it run')}
          </ActionButton>
          <ActionButton
            look="warn"
            disabled={model.isEnding}
            onClick={() => void model.end(holder)}
          >
            {model.isEnding ? trans.__('Ending…') : trans.__('End the session')}
          </ActionButton>
        </div>
      ) : (
        <ActionButton onClick={() => setAsked(true)}>
          {trans.__('End the session of %1…', holder.person)}
        </ActionButton>
      )}
    </li>
  );
}
