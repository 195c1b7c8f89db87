import type { TranslationBundle } from '@jupyterlab/translation';
import type { JSX } from 'react';

import type { HoldingView, SourceView } from '../../api/types';
import type { PagedList } from '../../model/pagedlist';
import { useSignal, useTrans } from '../context';
import { EndDate } from '../parts';
import { Part } from '../projects/pieces';
import { usePlaces } from '../projects/places';
import { kindName, levelName } from '../words';
import { More } from './more';

/** What one person holds, each thing with every way by which they have it. */
export function Holdings(props: {
  person: string;
  /** The project that it is about, if it is about one. */
  project: string | null;
  /** Whether a hub admin looks, who has other pages about people. */
  ofAdmin: boolean;
  held: PagedList<HoldingView>;
}): JSX.Element {
  const trans = useTrans();
  const { person, project, ofAdmin, held } = props;
  const places = usePlaces();
  useSignal(held.changed);
  return (
    <>
      <p className="jp-VMShare-back">
        {project ? (
          <a href={places.of(project)}>{trans.__('Back to the project')}</a>
        ) : (
          <a href={places.people}>{trans.__('All people')}</a>
        )}
      </p>
      <h1>
        <bdi>{person}</bdi>
      </h1>
      {ofAdmin && (
        <p>
          <a href={places.quota(person)}>{trans.__('What their folders hold and may hold')}</a>
        </p>
      )}
      <Part
        id="things"
        title={project ? trans.__('What they have of the project') : trans.__('What they hold')}
      >
        <ul className="jp-VMShare-rows" aria-label={trans.__('What they hold')}>
          {held.items.map(one => (
            <Row key={one.thing_id} held={one} />
          ))}
        </ul>
        <More
          list={held}
          empty={
            project
              ? trans.__('They have nothing of this project.')
              : trans.__('They hold nothing, and are invited to nothing.')
          }
        />
      </Part>
    </>
  );
}

function Row({ held }: { held: HoldingView }): JSX.Element {
  const trans = useTrans();
  const { name, kind, owner, level, state, sources } = held;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <bdi>{name}</bdi>{' '}
          <span className="jp-VMShare-chip">
            {level ? levelName(trans, level) : trans.__('Invited')}
          </span>{' '}
          <EndDate at={held.ends_at} />
        </h3>
        <p className="jp-VMShare-detail">
          {level === 'owner' && !held.project_id
            ? kindName(trans, kind)
            : trans.__('%1 of %2', kindName(trans, kind), owner)}
          {state === 'trashed' && ` · ${trans.__('in the trash')}`}
        </p>
        <p>{held.because}</p>
        <ul className="jp-VMShare-ways">
          {sources.map((source, place) => (
            <li key={source.grant_id ? `${source.kind} ${source.grant_id}` : place}>
              {wayOf(trans, source)} <EndDate at={source.ends_at} />
            </li>
          ))}
        </ul>
      </div>
    </li>
  );
}

/** One way by which somebody has a thing, in a sentence. */
function wayOf(trans: TranslationBundle, source: SourceView): string {
  const level = source.level ? levelName(trans, source.level) : '';
  const giver = source.giver ?? '';
  const receiver = source.receiver ?? '';
  const waits = source.live ? '' : ` ${trans.__('They have not accepted it.')}`;
  switch (source.kind) {
    case 'owner':
      return trans.__('It is their own.');
    case 'grant':
      return trans.__('%1 gave them %2.', giver, level) + waits;
    case 'team_grant':
      return (
        trans.__('%1 gave %2 to the team %3, which they are in.', giver, level, receiver) + waits
      );
    case 'project_grant':
      return trans.__('All members of the project %1 have %2.', receiver, level) + waits;
    case 'project_override':
      return trans.__('%1 set %2 for this member, in the place of the others.', giver, level);
    case 'project_role':
      return trans.__('They administer the project that it belongs to.');
    case 'hand_over':
      return trans.__('%1 wants to hand it over to them.', giver) + waits;
    default:
      return source.kind;
  }
}
