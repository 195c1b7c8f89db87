"""The one family of errors. The message is for a person, the detail for the log.

``api.route`` turns them into RFC 9457 problems; nothing else writes an error body.
"""

from __future__ import annotations


class VMShareError(Exception):
    """An error that a person can act on.

    ``status`` is the HTTP status, ``code`` the stable machine-readable name,
    ``rule`` the rule of the permission tables that refused (if one did).
    """

    status = 500
    code = "internal-error"

    def __init__(self, message: str, *, rule: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule


class NotFound(VMShareError):
    """Not there, or not for this person to see: the answer is the same."""

    status, code = 404, "not-found"

    def __init__(self, message: str = "There is no such thing here.") -> None:
        super().__init__(message)


class NotSignedIn(VMShareError):
    """No credential, or one that the hub does not know (any more)."""

    status, code = 401, "not-signed-in"


class Forbidden(VMShareError):
    """Seen but refused; carries the rule and a sentence."""

    status, code = 403, "forbidden"

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message, rule=rule)


class BadInput(VMShareError):
    """The request makes no sense; nothing was changed."""

    status, code = 422, "bad-input"


class Malformed(VMShareError):
    """The request can't be read at all."""

    status, code = 400, "malformed"


class TooLarge(VMShareError):
    """The request's body is larger than this route takes."""

    status, code = 413, "too-large"


class Conflict(VMShareError):
    """The request does not fit the present state; nothing was changed."""

    status, code = 409, "conflict"


class WrongState(Conflict):
    """The thing's state makes no sense for this (``gate.state``)."""

    code = "wrong-state"

    def __init__(self, message: str) -> None:
        super().__init__(message, rule="gate.state")


class QuotaExceeded(Conflict):
    """It would be more than the owner may have; ``what`` is ``bytes`` or ``folders``, or of a
    project one of the names of its quota."""

    code = "quota-exceeded"

    def __init__(
        self, what: str, asked: int, left: int, *, whose: str = "the owner of the folder"
    ) -> None:
        super().__init__(
            f"This needs {_amount(asked, what)}, but {whose} has "
            f"{_amount(left, what)} left. Delete something, or ask for more."
        )
        self.what, self.asked, self.left = what, asked, left


_GIB = {"ram_gib": "GiB of memory", "drive_gib": "GiB of drives"}


def _amount(number: int, what: str) -> str:
    if what in _GIB:
        return f"{number} {_GIB[what]}"
    if what == "machine_snapshots":
        what = "snapshots"
    if what != "bytes":
        return f"{number} {what[:-1] if number == 1 else what}"
    exact = f"{number:,} {'byte' if number == 1 else 'bytes'}"
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number >= 1024**power:
            return f"{number / 1024**power:.1f} {unit} ({exact})"
    return exact


class NameTaken(Conflict):
    """A name clash; ``suggestion`` is a free name."""

    code = "name-taken"

    def __init__(self, message: str, *, suggestion: str) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class ChangedMeanwhile(VMShareError):
    """``If-Match`` did not match: somebody else changed it first."""

    status, code = 412, "changed-meanwhile"


class PreconditionRequired(VMShareError):
    """``If-Match`` is missing where two people can edit."""

    status, code = 428, "precondition-required"


class KeyReused(VMShareError):
    """An ``Idempotency-Key`` came again with another request."""

    status, code = 422, "idempotency-key-reused"


class RangeUnsatisfiable(VMShareError):
    """The asked-for byte range lies outside the file."""

    status, code = 416, "range-unsatisfiable"


class TooMany(VMShareError):
    """A rate limit; ``retry_after`` in seconds."""

    status, code = 429, "too-many-requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class HubForbids(VMShareError):
    """The hub does not let the service do that."""

    status, code = 503, "hub-forbids"


class HubUnreachable(VMShareError):
    """The hub does not answer; nothing is opened on a guess."""

    status, code = 503, "hub-unreachable"


class ServiceStopping(VMShareError):
    """The service is about to stop; another one, or the same, answers in a moment."""

    status, code = 503, "service-stopping"

    def __init__(self, message: str = "The service is stopping; try again in a moment.") -> None:
        super().__init__(message)


class StoreFull(VMShareError):
    """The store has no space left."""

    status, code = 507, "store-full"
