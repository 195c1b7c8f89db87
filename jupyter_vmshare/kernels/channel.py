"""The port to a machine: a program there, whose stdin and stdout are a link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from jupyterhub_vmshare.relay.machine.vmshare_kernels.carrying import Link

PROGRAM: Final = ("/usr/bin/python3", "-IS", "/usr/local/lib/vmshare_kernels")
"""What lies on every machine."""


class NotReached(Exception):
    """The machine does not answer now; the sentence says so, and trying again may help."""


class NotAllowed(Exception):
    """The person may not, or there is no such machine (any more): trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Whom a link tells. All are called on the loop that it was opened on."""

    came: Callable[[bytes], None]
    drained: Callable[[], None]
    lost: Callable[[NotReached | NotAllowed], None]
    """Called once, with what the other side said of it."""


class Way(Protocol):
    """How one machine is reached."""

    def open(self, words: Sequence[str], ears: Ears) -> Awaitable[Link]:
        """Run `PROGRAM` with these words there. Raises `NotReached` and `NotAllowed`."""

    def close(self) -> Awaitable[None]:
        """There will be no more links."""
