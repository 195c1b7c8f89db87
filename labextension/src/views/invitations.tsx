import { folderIcon } from '@jupyterlab/ui-components';
import type { FormEvent, JSX } from 'react';
import { useId, useState } from 'react';

import { NameTaken } from '../api/problem';
import type { InvitationView } from '../api/types';
import type { VMShareModel } from '../model/vmshare';
import { useSignal, useTrans } from './context';
import { driveIcon, machineIcon } from './icons';
import { LevelChip } from './level';
import { ActionButton, EndDate, LiveRegion, Message, useDeed } from './parts';
import { kindName, levelMeaning, moment } from './words';

/** Who invites the visitor to what, and the two answers. */
export function Invitations({ model }: { model: VMShareModel }): JSX.Element {
  const trans = useTrans();
  const { invitations } = model;
  useSignal(invitations.changed);
  const [said, setSaid] = useState('');
  if (invitations.failure && !invitations.isLoaded) {
    return <Message kind="error">{invitations.failure}</Message>;
  }
  return (
    <div className="jp-VMShare-invitations">
      <LiveRegion text={said} />
      {invitations.items.length === 0 && (
        <p className="jp-VMShare-quiet">
          {invitations.isLoaded ? trans.__('No open invitations.') : trans.__('Looking…')}
        </p>
      )}
      <ul aria-label={trans.__('Invitations')}>
        {invitations.items.map(invitation => (
          <Invitation key={invitation.id} model={model} invitation={invitation} say={setSaid} />
        ))}
      </ul>
    </div>
  );
}

interface InvitationProps {
  model: VMShareModel;
  invitation: InvitationView;
  say: (sentence: string) => void;
}

function Invitation({ model, invitation, say }: InvitationProps): JSX.Element {
  const trans = useTrans();
  const { isBusy, failure, run } = useDeed();
  const [alias, setAlias] = useState<string | null>(null);
  const name = invitation.thing_name;

  const accept = (chosen?: string): Promise<void> =>
    run(async () => {
      try {
        await model.accept(invitation.id, chosen);
        say(trans.__('You have accepted "%1".', name));
      } catch (error) {
        if (!(error instanceof NameTaken) || alias !== null) {
          throw error;
        }
        setAlias(error.suggestion);
      }
    });
  const decline = (): Promise<void> =>
    run(async () => {
      await model.decline(invitation.id);
      say(trans.__('You have declined "%1".', name));
    });
  const onAccept = (): void => {
    if (invitation.suggested_alias) {
      setAlias(invitation.suggested_alias);
    } else {
      void accept();
    }
  };

  return (
    <li className="jp-VMShare-invitation" data-invitation={invitation.id}>
      <Summary invitation={invitation} />
      {failure && <Message kind="error">{failure}</Message>}
      {!invitation.available && (
        <p className="jp-VMShare-detail">
          {trans.__('%1 has put this folder in the trash for now.', invitation.owner)}
        </p>
      )}
      {alias !== null && invitation.available ? (
        <AliasForm
          name={name}
          alias={alias}
          isBusy={isBusy}
          onChange={setAlias}
          onSubmit={() => void accept(alias.trim())}
          onCancel={() => setAlias(null)}
        />
      ) : (
        <div className="jp-VMShare-buttons">
          {invitation.available && (
            <ActionButton
              look="accept"
              disabled={isBusy}
              aria-label={trans.__('Accept "%1"', name)}
              onClick={onAccept}
            >
              {trans.__('Accept')}
            </ActionButton>
          )}
          <ActionButton
            disabled={isBusy}
            aria-label={trans.__('Decline "%1"', name)}
            onClick={() => void decline()}
          >
            {trans.__('Decline')}
          </ActionButton>
        </div>
      )}
    </li>
  );
}

const ICONS = { folder: folderIcon, machine: machineIcon, drive: driveIcon };

function Summary({ invitation }: { invitation: InvitationView }): JSX.Element {
  const trans = useTrans();
  const Icon = ICONS[invitation.thing_kind];
  return (
    <div className="jp-VMShare-summary">
      <Icon.react tag="span" className="jp-VMShare-rowIcon" />
      <div className="jp-VMShare-rowText">
        <div className="jp-VMShare-nameLine">
          <span className="jp-VMShare-name" title={invitation.thing_name}>
            {invitation.thing_name}
          </span>
          <LevelChip level={invitation.level} />
        </div>
        <span className="jp-VMShare-detail" title={moment(invitation.created_at, true)}>
          {story(trans, invitation)}
        </span>
        <span className="jp-VMShare-detail">{levelMeaning(trans, invitation.level)}</span>
        <EndDate at={invitation.ends_at} />
      </div>
    </div>
  );
}

function story(
  trans: ReturnType<typeof useTrans>,
  { giver, owner, receiver, thing_kind: kind }: InvitationView
): string {
  if (kind !== 'folder') {
    return storyOfThing(trans, kind, { giver, owner, receiver });
  }
  if (receiver.kind === 'team') {
    return trans.__(
      '%1 shares it with %2. It is in your list; accept to have it in your sessions.',
      giver,
      receiver.name
    );
  }
  if (receiver.kind === 'project') {
    return trans.__(
      'It belongs to the project %1, and is in your list; accept to have it in your sessions.',
      receiver.name
    );
  }
  return giver === owner
    ? trans.__('%1 invites you', giver)
    : trans.__('%1 invites you to a folder of %2', giver, owner);
}

function storyOfThing(
  trans: ReturnType<typeof useTrans>,
  kind: 'machine' | 'drive',
  { giver, owner, receiver }: Pick<InvitationView, 'giver' | 'owner' | 'receiver'>
): string {
  const what = kindName(trans, kind);
  if (receiver.kind === 'team') {
    return trans.__('%1 shares this %2 with %3. Accept to have it.', giver, what, receiver.name);
  }
  return giver === owner
    ? trans.__('%1 invites you to this %2', giver, what)
    : trans.__('%1 invites you to this %2 of %3', giver, what, owner);
}

interface AliasFormProps {
  name: string;
  alias: string;
  isBusy: boolean;
  onChange: (alias: string) => void;
  onSubmit: () => void;
  onCancel: () => void;
}

function AliasForm(props: AliasFormProps): JSX.Element {
  const trans = useTrans();
  const id = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    props.onSubmit();
  };
  return (
    <form className="jp-VMShare-aliasForm" onSubmit={submit}>
      <label htmlFor={id}>
        {trans.__('You already have a folder "%1". Name this one, for you alone:', props.name)}
      </label>
      <input
        id={id}
        className="jp-mod-styled"
        value={props.alias}
        onChange={event => props.onChange(event.target.value)}
        onFocus={event => event.target.select()}
        ref={focusOnce}
        required
      />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={props.isBusy}>
          {trans.__('Accept')}
        </ActionButton>
        <ActionButton onClick={props.onCancel}>{trans.__('Cancel')}</ActionButton>
      </div>
    </form>
  );
}

/** The field has appeared because the person asked for it: their next key belongs there. */
function focusOnce(field: HTMLInputElement | null): void {
  field?.focus();
  field?.closest('li')?.scrollIntoView({ block: 'nearest' });
}
