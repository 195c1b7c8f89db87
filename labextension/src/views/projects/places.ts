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
  /** The whole address of an invitation link, to be sent to somebody. */
  joining: (code: string) => string;
}

export const PlacesContext = createContext<Places>({
  projects: 'projects',
  join: 'projects/join',
  home: '.',
  of: id => `projects/${id}`,
  joining: code => `projects/join#${code}`
});

export function usePlaces(): Places {
  return useContext(PlacesContext);
}
