"""What can go wrong on the way into a machine, as sentences."""

from __future__ import annotations

from typing import Final

from jupyter_vmshare.client.errors import Conflict, NotAllowed, VMShareError

_FORBIDS: Final = "You may not "
_SAYS: Final = b"vmshare: "
REFUSED: Final = 255
"""The exit status with which the relay says that it let nothing through."""


class WayFailed(VMShareError):
    """The way into the machine; the message says what to do about it."""

    code = "machine-unreachable"


class RelayUnreachable(WayFailed):
    """No relay answers, or what answers is not the service's relay."""


class NotLetIn(WayFailed):
    """The relay did not let them through to the machine; the message is its own sentence."""

    code = "wrong-state"


class LinkCut(WayFailed):
    """A connection that was open is not any more; the message says why, as far as it is known."""

    code = "link-cut"


class NotEmpty(Conflict):
    """A directory has something in it, so it was not deleted."""

    code = "not-empty"


class CommandFailed(VMShareError):
    """A command on a machine did not end well."""

    code = "command-failed"


def refused(sentence: str) -> VMShareError:
    """What a sentence of the relay's means."""
    return (NotAllowed if sentence.startswith(_FORBIDS) else NotLetIn)(sentence)


def refusal_in(stderr: bytes) -> VMShareError | None:
    """The relay speaks at the end of stderr, where it lets a channel not through or closes it."""
    last = stderr.rstrip().rpartition(b"\n")[2]
    if not last.startswith(_SAYS):
        return None
    return refused(last.removeprefix(_SAYS).decode(errors="replace"))
