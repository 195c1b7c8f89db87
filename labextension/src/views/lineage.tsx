import type { TranslationBundle } from '@jupyterlab/translation';
import { userIcon, usersIcon } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { PeopleOfThing } from '../api/types';
import type { Branch, Member, Way } from '../model/lineage';
import { branchesOf, summaryOf } from '../model/lineage';
import type { PeopleModel } from '../model/people';
import { useSignal, useTrans } from './context';
import { LevelChip } from './level';
import { ActionButton, Blank, EndDate, LiveRegion, Message } from './parts';
import { listing, memberStory, moment, shortMoment } from './words';

interface LineageProps {
  model: PeopleModel;
  /** Opens the dialog in which this is changed. */
  share: () => void;
}

/** Who has a folder from whom, by which way and until when: a picture that is also a list. */
export function Lineage({ model, share }: LineageProps): JSX.Element {
  const trans = useTrans();
  useSignal(model.changed);
  const { people, folder } = model;
  if (!people || !folder) {
    return model.failure ? (
      <Message kind="error">{model.failure}</Message>
    ) : (
      <Blank title={trans.__('Looking…')} />
    );
  }
  const mayInvite = folder.actions.includes('invite');
  return (
    <div className="jp-VMShare-lineage">
      <div className="jp-VMShare-lineageHead">
        <h2>{trans.__('Who has "%1"', folder.label)}</h2>
        <Summary people={people} />
        {mayInvite && (
          <ActionButton onClick={share}>{trans.__('Invite people or change this…')}</ActionButton>
        )}
      </div>
      <ul className="jp-VMShare-branches" aria-label={trans.__('Who has it from whom')}>
        <li>
          <div className="jp-VMShare-node jp-mod-owner" data-person={people.owner}>
            <Name kind="person" name={people.owner} />
            <LevelChip level="owner" />
          </div>
          <Branches branches={branchesOf(people)} />
        </li>
      </ul>
      <HandedOver people={people} />
    </div>
  );
}

function Summary({ people }: { people: PeopleOfThing }): JSX.Element {
  const trans = useTrans();
  const { people: count, waiting, nextEnd } = summaryOf(people);
  const told = [
    trans._n('%1 person besides its owner', '%1 people besides its owner', count),
    waiting > 0 ? trans._n('%1 has not answered', '%1 have not answered', waiting) : '',
    nextEnd ? trans.__('the next end is %1', shortMoment(nextEnd)) : ''
  ].filter(part => part);
  return (
    <>
      <p>{listing(told)}.</p>
      <LiveRegion text={listing(told)} />
    </>
  );
}

function Branches({ branches }: { branches: readonly Branch[] }): JSX.Element | null {
  return branches.length > 0 ? (
    <ul>
      {branches.map(branch => (
        <BranchView key={branch.grant.id} branch={branch} />
      ))}
    </ul>
  ) : null;
}

function BranchView({ branch }: { branch: Branch }): JSX.Element {
  const trans = useTrans();
  const { grant, members, way } = branch;
  const { receiver, state } = grant;
  const isPending = state === 'pending';
  return (
    <li>
      <div
        className={`jp-VMShare-node${isPending ? ' jp-mod-waiting' : ''}`}
        data-grant={grant.id}
        data-person={receiver.name}
      >
        <Name kind={receiver.kind ?? 'person'} name={receiver.name} />
        <LevelChip level={grant.level} />
        <span className="jp-VMShare-detail">
          {isPending
            ? trans.__('asked by %1, not answered yet', grant.giver)
            : trans.__(
                'from %1, since %2',
                grant.giver,
                moment(grant.answered_at ?? grant.created_at)
              )}
        </span>
        <EndDate at={grant.ends_at} />
        {way && <Strongest level={grant.level} way={way} />}
      </div>
      {members.length > 0 && (
        <ul>
          {members.map(member => (
            <MemberView key={member.name} member={member} level={grant.level} />
          ))}
        </ul>
      )}
      <Branches branches={branch.below} />
    </li>
  );
}

function MemberView({ member, level }: { member: Member; level: string }): JSX.Element {
  const trans = useTrans();
  const { name, answer, override, way } = member;
  return (
    <li>
      <div
        className={`jp-VMShare-node${answer === 'accepted' ? '' : ' jp-mod-waiting'}`}
        data-person={name}
      >
        <Name kind="person" name={name} />
        {override !== null && <LevelChip level={override} />}
        <span className="jp-VMShare-detail">
          {memberStory(trans, name, answer)}
          {override !== null && ` · ${trans.__('level set by an administrator')}`}
        </span>
        <Strongest level={override ?? level} way={way} />
      </div>
    </li>
  );
}

/** Where somebody has it by several ways: that the strongest counts. */
function Strongest({ level, way }: { level: string; way: Way }): JSX.Element | null {
  const trans = useTrans();
  const { counts, ways, same, gives } = way;
  if (ways < 2 || counts === null) {
    return null;
  }
  const isIt = gives && counts === level;
  return (
    <span className="jp-VMShare-detail">
      {isIt && (same > 1 ? alike(trans, way) : trans.__('one of %1 ways; this level counts', ways))}
      {!isIt &&
        (gives
          ? trans.__('one of %1 ways; a stronger one counts:', ways)
          : trans.__('one of %1 ways; another one counts:', ways))}{' '}
      {!isIt && <LevelChip level={counts} />}
    </span>
  );
}

/** That what counts is given more than once: one of them can go, and nothing changes. */
function alike(trans: TranslationBundle, { ways, same }: Way): string {
  if (same < ways) {
    return trans.__('one of %1 ways; %2 of them give this level, which counts', ways, same);
  }
  return ways === 2
    ? trans.__('one of 2 ways; both give this level')
    : trans.__('one of %1 ways; all of them give this level', ways);
}

function Name({ kind, name }: { kind: string; name: string }): JSX.Element {
  const Icon = kind === 'person' ? userIcon : usersIcon;
  return (
    <>
      <Icon.react tag="span" className="jp-VMShare-rowIcon" />
      <span className="jp-VMShare-name">{name}</span>
    </>
  );
}

function HandedOver({ people }: { people: PeopleOfThing }): JSX.Element | null {
  const trans = useTrans();
  const { handed_over: history = [] } = people;
  return history.length > 0 ? (
    <section aria-label={trans.__('How it came to its owner')}>
      <h3>{trans.__('How it came to its owner')}</h3>
      <ul>
        {history.map(({ id, owner, owner_before: before, by, at }) => (
          <li key={id}>
            {by === before
              ? trans.__('%1 handed it over to %2 on %3.', before, owner, moment(at))
              : trans.__(
                  '%1, a hub admin, handed it over from %2 to %3 on %4.',
                  by,
                  before,
                  owner,
                  moment(at)
                )}
          </li>
        ))}
      </ul>
    </section>
  ) : null;
}
