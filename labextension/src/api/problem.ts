import type { Problem } from './types';

/**
 * A request that was not granted. `message` is a sentence for the person,
 * `code` what programs look at.
 */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly problem: Problem | null = null
  ) {
    super(message);
    this.name = new.target.name;
  }

  /** The rule of the permission tables that refused, if one did. */
  get rule(): string | null {
    return this.problem?.rule ?? null;
  }
}

/** The request makes no sense; nothing was changed. */
export class BadInput extends ApiError {}
/** The person is not signed in (any more). */
export class NotSignedIn extends ApiError {}
/** Seen, but not allowed. */
export class Refused extends ApiError {}
/** Not there, or not for this person to see. */
export class NotThere extends ApiError {}
/** The present state does not fit; nothing was changed. */
export class Conflict extends ApiError {}
/** Somebody else changed it first. */
export class ChangedMeanwhile extends ApiError {}
/** Asked too often. */
export class TooMany extends ApiError {}
/** The service, the hub or the notebook server does not answer. */
export class Unreachable extends ApiError {}
/** The person, or the view they closed, no longer wants the answer. */
export class Aborted extends ApiError {}

/** A name that is taken; `suggestion` is a free one. */
export class NameTaken extends Conflict {
  get suggestion(): string {
    return this.problem?.suggestion ?? '';
  }
}

/** Something of that name is in the directory: it can be replaced, or left beside. */
export class AlreadyThere extends Conflict {}

/** Somebody else has the folder in a running session. */
export class MountedElsewhere extends Conflict {}

/** No room for it: nothing is there already, and replacing helps nobody. */
export class NoRoom extends ApiError {}

const BY_CODE: Record<string, typeof ApiError> = {
  'quota-exceeded': NoRoom,
  'name-taken': NameTaken,
  exists: AlreadyThere,
  'mounted-elsewhere': MountedElsewhere
};

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadInput,
  401: NotSignedIn,
  403: Refused,
  404: NotThere,
  409: Conflict,
  412: ChangedMeanwhile,
  413: BadInput,
  422: BadInput,
  428: ChangedMeanwhile,
  429: TooMany,
  502: Unreachable,
  503: Unreachable,
  504: Unreachable
};

/** The error that a problem document stands for. */
export function errorOf(problem: Problem): ApiError {
  const Kind = BY_CODE[problem.code] ?? BY_STATUS[problem.status] ?? ApiError;
  const sentence = problem.because ?? (problem.detail || problem.title);
  return new Kind(sentence, problem.status, problem.code, problem);
}

/** The error that an answer other than 2xx stands for, whatever its body is. */
export async function errorOfResponse(response: Response): Promise<ApiError> {
  const said: unknown = await response.json().catch(() => null);
  if (isProblem(said)) {
    return errorOf({ ...said, status: response.status });
  }
  // The notebook server's own errors are {"message": …}, a proxy's are pages.
  const own = said as { message?: unknown } | null;
  const message = typeof own?.message === 'string' && own.message ? own.message : null;
  const Kind = BY_STATUS[response.status] ?? ApiError;
  const sentence = message ?? `${response.status} ${response.statusText}`.trim();
  return new Kind(sentence, response.status, `http-${response.status}`);
}

/** What to tell the person about something that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isProblem(said: unknown): said is Problem {
  const problem = said as Partial<Problem> | null;
  return typeof problem?.code === 'string' && typeof problem.title === 'string';
}
