import type { JSX } from 'react';
import { useState } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectsModel } from '../../model/projects';
import { useSignal, useTrans } from '../context';
import { ActionButton, Blank, EndDate, LiveRegion, useDeed } from '../parts';
import { listing } from '../words';
import type { WantedProject } from './newproject';
import { NewProjectForm } from './newproject';
import { Failure, Part, Unfolding } from './pieces';
import { usePlaces } from './places';
import { Requests } from './requests';
import { standingIn } from './words';

/** The person's projects, and the ways to more of them. */
export function Projects(props: { model: ProjectsModel; creates: boolean }): JSX.Element {
  const trans = useTrans();
  const { model, creates } = props;
  const { join } = usePlaces();
  const [said, setSaid] = useState('');
  const request = async (asked: WantedProject): Promise<void> => {
    const { name, description, quota } = asked;
    await model.request({ name, description, quota });
    setSaid(trans.__('You asked for "%1".', asked.name));
  };
  const create = async (asked: WantedProject): Promise<void> => {
    await model.create(asked);
    setSaid(trans.__('"%1" is there.', asked.name));
  };
  return (
    <>
      <h1>{trans.__('Projects')}</h1>
      <p>
        {trans.__(
          'A project is people who work together: administrators, who decide who is in it, and members.'
        )}
      </p>
      <div className="jp-VMShare-buttons">
        <a className="jp-VMShare-button" href={join}>
          {trans.__('Join with a link')}
        </a>
        {creates ? (
          <Unfolding label={trans.__('Make a project…')}>
            {close => <NewProjectForm isMade send={create} close={close} />}
          </Unfolding>
        ) : (
          <Unfolding label={trans.__('Ask for a project…')}>
            {close => <NewProjectForm isMade={false} send={request} close={close} />}
          </Unfolding>
        )}
      </div>
      <LiveRegion text={said} />
      {model.answers && <Requests model={model} />}
      <YourProjects model={model} />
    </>
  );
}

function YourProjects({ model }: { model: ProjectsModel }): JSX.Element {
  const trans = useTrans();
  useSignal(model.projects.changed);
  const { items, isLoaded, failure } = model.projects;
  return (
    <Part id="projects" title={trans.__('Your projects')}>
      {failure && <Failure error={failure} />}
      {!isLoaded && !failure && <p role="status">{trans.__('Looking for your projects…')}</p>}
      {isLoaded && items.length === 0 && (
        <Blank title={trans.__('You are in no project.')}>
          <p>
            {trans.__(
              'Somebody who administers one can send you a link to join. Or ask for a project of your own.'
            )}
          </p>
        </Blank>
      )}
      <ul className="jp-VMShare-rows" aria-label={trans.__('Your projects')}>
        {items.map(project => (
          <Row key={project.id} model={model} project={project} />
        ))}
      </ul>
    </Part>
  );
}

function Row({ model, project }: { model: ProjectsModel; project: ProjectView }): JSX.Element {
  const trans = useTrans();
  const { of } = usePlaces();
  const { name, administrators, members } = project;
  return (
    <li className="jp-VMShare-row">
      <div className="jp-VMShare-rowText">
        <h3>
          <a href={of(project.id)}>
            <bdi>{name}</bdi>
          </a>{' '}
          <span className="jp-VMShare-chip">{standingIn(trans, project)}</span>{' '}
          <EndDate at={project.member_until} />
        </h3>
        {project.state === 'active' && (
          <p className="jp-VMShare-detail">
            {trans._n('%1 person', '%1 people', members)}
            {administrators.length > 0 &&
              ` · ${trans.__('administered by %1', listing(administrators))}`}
          </p>
        )}
        {project.state === 'requested' && (
          <p className="jp-VMShare-detail">{trans.__('A hub admin has not answered yet.')}</p>
        )}
        {project.state === 'declined' && project.because && (
          <p className="jp-VMShare-prose">{trans.__('Declined: %1', project.because)}</p>
        )}
      </div>
      <Withdraw model={model} project={project} />
    </li>
  );
}

/** What one waits for can be taken back. */
function Withdraw(props: { model: ProjectsModel; project: ProjectView }): JSX.Element | null {
  const trans = useTrans();
  const { isBusy, error, run } = useDeed();
  const { model, project } = props;
  const { id, name, ask_id: ask } = project;
  if (!ask && project.state !== 'requested') {
    return null;
  }
  return (
    <div className="jp-VMShare-buttons">
      <ActionButton
        disabled={isBusy}
        aria-label={trans.__('Take back that you asked for "%1"', name)}
        onClick={() => void run(() => (ask ? model.cancelAsk(id, ask) : model.cancel(id)))}
      >
        {trans.__('Take back')}
      </ActionButton>
      <Failure error={error} />
    </div>
  );
}
