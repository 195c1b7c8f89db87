"""What can go wrong, as exceptions a person can act on. Made from the service's problems.

The message is the service's own sentence. No message, repr or field ever holds a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import ValidationError

from jupyterhub_vmshare.api.contract.base import Problem


class VMShareError(Exception):
    """Any failure of the VMShare client. ``str()`` of it is a sentence.

    Attributes:
        code: Stable and machine-readable, such as ``name-taken``.
        status: The HTTP status, or None when no answer came.
        rule: The rule of the permission tables that refused, if one did.
        because: Why it refused, in a sentence.
        request_id: What an operator can find in the service's log.
    """

    code = "error"
    status: int | None = None

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problem = problem
        self.rule = problem.rule if problem else None
        self.because = problem.because if problem else None
        self.request_id = problem.request_id if problem else None
        if problem:
            self.code, self.status = problem.code, problem.status

    def __str__(self) -> str:
        return self.message


class NotConfigured(VMShareError):
    """It is not known where the service is, or with which token to act."""

    code = "not-configured"


class ServiceUnreachable(VMShareError):
    """No answer came from the service (or from the hub behind it); trying later may help."""

    code = "service-unreachable"


class NotSignedIn(VMShareError):
    """The token is missing, wrong or no longer valid."""


class NotAllowed(VMShareError):
    """Refused; ``rule`` and ``because`` say why."""


class NotMounted(VMShareError):
    """A folder is not, or can't be, mounted in this session; the message says why."""

    code = "not-mounted"


class NotFound(VMShareError, LookupError):
    """Not there, or not yours to see: the answer is the same."""

    code = "not-found"


class BadInput(VMShareError, ValueError):
    """The request makes no sense; nothing was changed."""

    code = "bad-input"


class Conflict(VMShareError):
    """It does not fit the present state; nothing was changed."""


class NameTaken(Conflict):
    """A name clash; ``suggestion`` is a free name."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message, problem)
        self.suggestion = problem.suggestion if problem else None


class QuotaExceeded(Conflict):
    """It is more than the owner may have; ``asked`` for, and ``left``: bytes, or folders."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message, problem)
        self.asked = problem.asked if problem else None
        self.left = problem.left if problem else None


class WrongState(Conflict):
    """The thing's state makes no sense for this, such as a folder in the trash."""


class ChangedMeanwhile(VMShareError):
    """Somebody else changed it first: look at it again, then try again."""


class TooManyRequests(VMShareError):
    """Asked too often; ``retry_after`` in seconds, if the service said so."""

    retry_after: float | None = None


class StoreFull(VMShareError):
    """The store has no space left."""


class ServiceFailed(VMShareError):
    """The service made a mistake; the request id helps its operator."""


class BrokenOff(ServiceUnreachable):
    """The connection broke while a file was on its way."""

    code = "broken-off"


BY_CODE: Mapping[str, type[VMShareError]] = {
    "name-taken": NameTaken,
    "quota-exceeded": QuotaExceeded,
    "wrong-state": WrongState,
}
BY_STATUS: Mapping[int, type[VMShareError]] = {
    400: BadInput,
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: ChangedMeanwhile,
    413: BadInput,
    415: BadInput,
    416: BadInput,
    422: BadInput,
    423: Conflict,
    428: BadInput,
    429: TooManyRequests,
    460: BrokenOff,
    502: ServiceUnreachable,
    503: ServiceUnreachable,
    504: ServiceUnreachable,
    507: StoreFull,
}


def error_from(status: int, headers: Mapping[str, str], body: bytes) -> VMShareError:
    """The exception for an answer that is no success."""
    problem = read_problem(body)
    if problem is None:
        return _foreign_answer(status)
    error = error_of(problem)
    if isinstance(error, TooManyRequests):
        error.retry_after = _seconds(headers.get("retry-after"))
    return error


def error_of(problem: Problem) -> VMShareError:
    """The exception for a problem, also for one inside a batch's answer."""
    kind = BY_CODE.get(problem.code) or BY_STATUS.get(problem.status, ServiceFailed)
    return kind(_sentence(problem), problem)


def read_problem(body: bytes) -> Problem | None:
    """The RFC 9457 problem in a body; None when it is something else, such as a proxy's page."""
    try:
        return Problem.model_validate(json.loads(body))
    except (ValueError, ValidationError):
        return None


def _sentence(problem: Problem) -> str:
    sentence = problem.detail or problem.title
    if problem.because and problem.because not in sentence:
        sentence = f"{sentence.rstrip('.')}. {problem.because}"
    for field in problem.errors:
        sentence += f" {field.where}: {field.message}"
    return sentence


# What an answer that the service did not write means: it comes from a proxy or the hub.
FOREIGN: Mapping[int, str] = {
    401: "The hub does not accept this token.",
    403: "The hub does not let this token reach the VMShare service.",
    404: "There is no VMShare service at this address.",
}


def _foreign_answer(status: int) -> VMShareError:
    sentence = FOREIGN.get(status)
    if status in {401, 403} and sentence:
        error: VMShareError = BY_STATUS[status](sentence)
    elif sentence or status in {502, 503, 504}:
        error = ServiceUnreachable(sentence or "The VMShare service does not answer right now.")
    else:
        error = ServiceFailed(f"The VMShare service answered something unexpected ({status}).")
    error.status = status
    return error


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdigit() else None


__all__ = [
    "BadInput",
    "BrokenOff",
    "ChangedMeanwhile",
    "Conflict",
    "NameTaken",
    "NotAllowed",
    "NotConfigured",
    "NotFound",
    "NotSignedIn",
    "QuotaExceeded",
    "ServiceFailed",
    "ServiceUnreachable",
    "StoreFull",
    "TooManyRequests",
    "VMShareError",
    "WrongState",
]
