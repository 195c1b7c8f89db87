import type { JSX } from 'react';
import { useEffect } from 'react';

import type { ProjectView } from '../../api/types';
import type { ProjectModel } from '../../model/project';
import { useSignal, useTrans } from '../context';
import { ActionButton, Blank, EndDate, Message, useDeed } from '../parts';
import { listing } from '../words';
import { Asks } from './asks';
import { Links } from './links';
import { Members } from './members';
import { Confirmed, Failure, Part } from './pieces';
import { usePlaces } from './places';
import { Quota } from './quota';
import { Settings } from './settings';
import { Things } from './things';
import { endedStory, outBecause, standingIn } from './words';

interface ProjectPageProps {
  model: ProjectModel;
  /** Whether the person is a hub admin, who says what a project may hold. */
  setsQuota: boolean;
}

/** One project: who is in it, and for administrators what they do about it. */
export function ProjectPage({ model, setsQuota }: ProjectPageProps): JSX.Element {
  const trans = useTrans();
  const { projects } = usePlaces();
  useSignal(model.changed);
  const { project } = model;
  useEffect(() => {
    if (project) {
      document.title = `${project.name} · VMShare`;
    }
  }, [project]);
  return (
    <>
      <p className="jp-VMShare-back">
        <a href={projects}>{trans.__('All your projects')}</a>
      </p>
      {project && <Shown model={model} project={project} setsQuota={setsQuota} />}
      {model.isGone && <Gone model={model} />}
      {model.failure && <Message kind="error">{model.failure}</Message>}
      {!project && !model.isGone && !model.failure && (
        <p role="status">{trans.__('Looking for the project…')}</p>
      )}
    </>
  );
}

function Gone({ model }: { model: ProjectModel }): JSX.Element {
  const trans = useTrans();
  return (
    <div role="status">
      <Blank title={outBecause(trans, model.ending)}>
        <p>{trans.__('To come into it, ask one of its administrators for a link.')}</p>
      </Blank>
    </div>
  );
}

function Shown(props: ProjectPageProps & { project: ProjectView }): JSX.Element {
  const trans = useTrans();
  const { model, project, setsQuota } = props;
  const isIn = project.role != null;
  return (
    <>
      <h1>
        <bdi>{project.name}</bdi>{' '}
        <span className="jp-VMShare-chip" role="status">
          {standingIn(trans, project)}
        </span>
      </h1>
      {project.description && <p className="jp-VMShare-prose">{project.description}</p>}
      <p className="jp-VMShare-detail">
        {project.administrators.length > 0 &&
          trans.__('Administered by %1.', listing(project.administrators))}{' '}
        <EndDate at={project.member_until} />
      </p>
      {!isIn && <Waiting model={model} project={project} />}
      {model.may('member.answer_request') && <Asks model={model} />}
      {model.parted && <Message kind="info">{endedStory(trans, model.parted)}</Message>}
      {isIn && <Members model={model} />}
      {isIn && <Things model={model} />}
      {model.may('member.invite') && <Links model={model} />}
      {model.may('settings.change') && <Settings model={model} project={project} />}
      {isIn && <Quota model={model} project={project} changes={setsQuota} />}
      {isIn && <Leave model={model} project={project} />}
    </>
  );
}

/** For who is not in it yet. */
function Waiting({ model, project }: { model: ProjectModel; project: ProjectView }): JSX.Element {
  const trans = useTrans();
  const { isBusy, error, run } = useDeed();
  const sentence =
    project.state === 'requested'
      ? trans.__('A hub admin has not answered yet. This page changes by itself when they do.')
      : project.state === 'declined'
        ? trans.__('A hub admin said no: %1', project.because ?? '')
        : trans.__(
            'You asked to join. An administrator lets you in, or does not; this page changes by itself then.'
          );
  return (
    <>
      <Message kind="info">{sentence}</Message>
      <Failure error={error} />
      {project.state !== 'declined' && (
        <div className="jp-VMShare-buttons">
          <ActionButton disabled={isBusy} onClick={() => void run(() => model.withdraw())}>
            {trans.__('Take it back')}
          </ActionButton>
        </div>
      )}
    </>
  );
}

function Leave({ model, project }: { model: ProjectModel; project: ProjectView }): JSX.Element {
  const trans = useTrans();
  return (
    <Part id="leave" title={trans.__('Leave')}>
      {model.may('member.leave') ? (
        <div className="jp-VMShare-buttons">
          <Confirmed
            label={trans.__('Leave the project…')}
            warning={trans.__(
              '"%1" is not there for you any more then. To come back you need another invitation.',
              project.name
            )}
            yes={trans.__('Leave')}
            no={trans.__('Stay')}
            deed={() => model.leave()}
          />
        </div>
      ) : (
        <p>
          {trans.__(
            'You are its only administrator for good, and a project is never without one. Make somebody else an administrator first; then you can leave.'
          )}
        </p>
      )}
    </Part>
  );
}
