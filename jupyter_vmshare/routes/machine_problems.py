"""What went wrong on the way to a machine's files, as the problem that the panel gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from jupyter_vmshare.client.errors import (
    BadInput,
    Conflict,
    NameTaken,
    NotAllowed,
    NotFound,
    NotSignedIn,
    ServiceUnreachable,
    StoreFull,
    VMShareError,
)
from jupyter_vmshare.reach.failures import LinkCut, NotEmpty, NotLetIn, WayFailed
from jupyter_vmshare.routes.base import Refused
from jupyter_vmshare.routes.machine_names import shown

# The first that fits.
_KINDS: Final[Sequence[tuple[type[VMShareError], int, str]]] = (
    (NotSignedIn, 401, "not-signed-in"),
    (NotAllowed, 403, "forbidden"),
    (NotFound, 404, "not-found"),
    (NameTaken, 409, "name-taken"),
    (NotEmpty, 409, NotEmpty.code),
    (NotLetIn, 409, NotLetIn.code),
    (LinkCut, 409, LinkCut.code),
    (Conflict, 409, "conflict"),
    (BadInput, 400, "bad-input"),
    (StoreFull, 507, "store-full"),
    (WayFailed, 503, WayFailed.code),
    (ServiceUnreachable, 503, ServiceUnreachable.code),
)


def refused(error: VMShareError) -> Refused:
    """The service's own problem as it is; of the machine and the relay, by what it is."""
    if error.problem is not None:
        return Refused(error.problem.status, error.problem.code, str(error))
    sentence = shown(str(error))
    for kind, status, code in _KINDS:
        if isinstance(error, kind):
            return Refused(status, code, sentence)
    return Refused(502, "unexpected-answer", sentence)
