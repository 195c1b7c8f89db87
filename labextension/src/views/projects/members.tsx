import type { JSX } from 'react';
import { useState } from 'react';

import type { Member, ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { EndDateField } from '../enddate';
import { ActionButton, EndDate, useDeed } from '../parts';
import { moment } from '../words';
import { Confirmed, Failure, Part, Unfolding } from './pieces';
import { usePlaces } from './places';
import { roleName } from './words';

interface MemberProps {
  model: ProjectModel;
  member: Member;
}

/** Who is in a project; for administrators, with what they may do about each. */
export function Members({ model }: { model: ProjectModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.members.changed);
  const { items, isLoaded, failure } = model.members;
  const seesAll = model.project?.members_see_each_other ?? true;
  return (
    <Part
      id="members"
      title={trans.__('Members')}
      {...(isLoaded ? { count: model.project?.members ?? items.length } : {})}
    >
      {failure && <Failure error={failure} />}
      {!seesAll && model.project?.role === 'member' && (
        <p className="jp-VMShare-detail">
          {trans.__('Members of this project do not see each other.')}
        </p>
      )}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Members')}>
        {items.map(member => (
          <Row key={member.id} model={model} member={member} />
        ))}
      </ul>
    </Part>
  );
}

function Row({ model, member }: MemberProps): JSX.Element {
  const trans = useTrans();
  const { person } = usePlaces();
  const isMe = member.person === model.me;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{member.person}</bdi>
          {isMe && <span className="jp-VMShare-detail"> {trans.__('(you)')}</span>}{' '}
          <span className="jp-VMShare-chip">{roleName(trans, member.role)}</span>{' '}
          <EndDate at={member.ends_at} />
        </h3>
        <p className="jp-VMShare-detail">{trans.__('since %1', moment(member.since))}</p>
      </div>
      <div className="jp-VMShare-buttons">
        {model.may('member.change_role') && (
          <a
            className="jp-VMShare-button"
            href={person(member.person, model.id)}
            aria-label={trans.__('What they have: %1', member.person)}
          >
            {trans.__('What they have')}
          </a>
        )}
        {/* Of oneself only where another administrator remains: then one may leave, too. */}
        {model.may('member.change_role') && (!isMe || model.may('member.leave')) && (
          <>
            <Role model={model} member={member} />
            <Unfolding
              label={trans.__('End date…')}
              name={trans.__('End date of the membership of %1…', member.person)}
            >
              {close => <Until model={model} member={member} close={close} />}
            </Unfolding>
          </>
        )}
        {model.may('member.remove') && !isMe && (
          <Confirmed
            label={trans.__('Remove…')}
            name={trans.__('Remove %1…', member.person)}
            warning={trans.__(
              '%1 loses the project at once. To come back they need another invitation.',
              member.person
            )}
            yes={trans.__('Remove %1', member.person)}
            no={trans.__('Keep')}
            deed={() => model.removeMember(member.person)}
          />
        )}
      </div>
    </li>
  );
}

/** Promotes at once, and can be undone; who steps down themself is asked. */
function Role({ model, member }: MemberProps): JSX.Element {
  const trans = useTrans();
  const { isBusy, error, run } = useDeed();
  const isAdministrator = member.role === 'administrator';
  const { person } = member;
  const change = (): Promise<void> =>
    model.changeMember(member, { role: isAdministrator ? 'member' : 'administrator' });
  if (isAdministrator && person === model.me) {
    return (
      <Confirmed
        label={trans.__('Step down…')}
        warning={trans.__('You stay a member. Only another administrator can make you one again.')}
        yes={trans.__('Step down as an administrator')}
        no={trans.__('Stay one')}
        deed={change}
      />
    );
  }
  return (
    <>
      <ActionButton
        disabled={isBusy}
        aria-label={
          isAdministrator
            ? trans.__('Make a member: %1', person)
            : trans.__('Make administrator: %1', person)
        }
        onClick={() => void run(change)}
      >
        {isAdministrator ? trans.__('Make a member') : trans.__('Make administrator')}
      </ActionButton>
      <Failure error={error} />
    </>
  );
}

function Until({ model, member, close }: MemberProps & { close: () => void }): JSX.Element {
  const trans = useTrans();
  const [endsAt, setEndsAt] = useState(member.ends_at ?? null);
  const { isBusy, error, run } = useDeed();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void run(async () => {
          await model.changeMember(member, { ends_at: endsAt });
          close();
        });
      }}
    >
      <EndDateField
        label={trans.__('%1 is in the project until', member.person)}
        value={endsAt}
        onChange={setEndsAt}
      />
      <Failure error={error} />
      <div className="jp-VMShare-buttons">
        <ActionButton type="submit" look="accept" disabled={isBusy}>
          {trans.__('Save')}
        </ActionButton>
        <ActionButton onClick={close}>{trans.__('Leave as it is')}</ActionButton>
      </div>
    </form>
  );
}
