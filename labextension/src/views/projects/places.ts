import { createContext, useContext } from 'react';

/** Addresses of the pages of projects, as the shell knows them. */
export interface Places {
  /** The person's projects. */
  projects: string;
  /** Where one asks to join with a link's code. */
  join: string;
  /** Where one signs in again. */
  home: string;
  of: (project: string) => string;
  /** Everybody, for hub admins. */
  people: string;
  /** What somebody holds; of a project, where one is given. */
  person: (name: string, project?: string) => string;
  /** What somebody's folders may hold, for hub admins. */
  quota: (name: string) => string;
  /** The whole address of an invitation link, to be sent to somebody. */
  joining: (code: string) => string;
}

export const PlacesContext = createContext<Places>({
  projects: 'projects',
  join: 'projects/join',
  home: '.',
  of: id => `projects/${id}`,
  people: 'people',
  person: (name, project) => `people${about(name, project)}`,
  quota: name => `quota${about(name)}`,
  joining: code => `projects/join#${code}`
});

/** The query of a page about somebody. */
export function about(person: string, project?: string): string {
  const said = new URLSearchParams({ person, ...(project === undefined ? {} : { project }) });
  return `?${said.toString()}`;
}

export function usePlaces(): Places {
  return useContext(PlacesContext);
}
