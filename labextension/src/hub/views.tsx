import type { JSX } from 'react';

import { ProjectClient } from '../api/projects';
import type { EventView } from '../api/types';
import { ProjectModel } from '../model/project';
import { ProjectsModel } from '../model/projects';
import { Join } from '../views/projects/join';
import { Projects } from '../views/projects/list';
import type { Places } from '../views/projects/places';
import { about } from '../views/projects/places';
import { ProjectPage } from '../views/projects/project';
import { openAudit, openPeople } from './operators';
import { PageSender } from './sender';

/** What the service wrote into the page about itself and who looks. */
export type Told = Readonly<Partial<Record<string, string>>>;

/** A view with what keeps it true. */
export interface Opened {
  places: Places;
  sender: PageSender;
  draw: () => JSX.Element;
  receive: (event: EventView) => void;
  /** Asks for everything shown anew. */
  refresh: () => Promise<void>;
  /** The same for what no event tells; asked now and again. */
  look?: () => Promise<void>;
}

/** The view that a page is for. */
export function openView(told: Told): Opened {
  const prefix = told.prefix ?? '/';
  const sender = new PageSender(prefix);
  const api = new ProjectClient(sender);
  const places = placesBelow(prefix);
  const answers = told.answers !== undefined;
  if (told.view === 'project') {
    const model = new ProjectModel(api, told.project ?? '', told.person ?? '');
    const draw = (): JSX.Element => <ProjectPage model={model} setsQuota={answers} />;
    return { places, sender, draw, ...keeping(model) };
  }
  if (told.view === 'people') {
    return { places, sender, ...openPeople(told, sender) };
  }
  if (told.view === 'audit') {
    return { places, sender, ...openAudit(sender) };
  }
  if (told.view === 'join') {
    const code = takeCode();
    window.addEventListener('hashchange', reloadForCode);
    const ask = async (given: string): Promise<void> => {
      const { project_id: project } = await api.ask(given);
      window.location.assign(places.of(project));
    };
    const draw = (): JSX.Element => <Join code={code} look={given => api.look(given)} ask={ask} />;
    return { places, sender, draw, receive: () => undefined, refresh: () => Promise.resolve() };
  }
  const model = new ProjectsModel(api, answers);
  const creates = told.creates !== undefined;
  const draw = (): JSX.Element => <Projects model={model} creates={creates} />;
  // Hub admins are not told of requests: the service does not know who they are.
  const look = answers ? { look: () => model.requests.refresh() } : {};
  return { places, sender, draw, ...keeping(model), ...look };
}

function keeping(model: ProjectModel | ProjectsModel): Pick<Opened, 'receive' | 'refresh'> {
  return { receive: event => model.receive(event), refresh: () => model.refresh() };
}

function placesBelow(prefix: string): Places {
  const join = `${prefix}projects/join`;
  return {
    projects: `${prefix}projects`,
    join,
    home: prefix,
    of: id => `${prefix}projects/${id}`,
    people: `${prefix}people`,
    person: (name, project) => `${prefix}people${about(name, project)}`,
    quota: name => `${prefix}quota${about(name)}`,
    joining: code => `${window.location.origin}${join}#${code}`
  };
}

/** The code behind the `#`, which leaves the address bar, and stays through a reload. */
function takeCode(): string {
  const kept = window.history.state as { code?: unknown } | null;
  const code = codeInAddress();
  if (code) {
    window.history.replaceState({ code }, '', window.location.pathname);
    return code;
  }
  return typeof kept?.code === 'string' ? kept.code : '';
}

/** What is behind the `#`, unless it is a part of the page. */
function codeInAddress(): string {
  const behind = decodeURIComponent(window.location.hash.slice(1));
  return document.getElementById(behind) ? '' : behind;
}

/** A link that is opened where its page is open already changes nothing but the address. */
function reloadForCode(): void {
  if (codeInAddress()) {
    window.location.reload();
  }
}
