"""The live stream of events, without the waiting: what was seen, what comes next, when to retry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import httpx2
from pydantic import ValidationError

from jupyter_vmshare.client.errors import NotAllowed, NotSignedIn, VMShareError
from jupyter_vmshare.client.retries import Backoff
from jupyterhub_vmshare.api.contract.events import EventView

PATH = "events/stream"


@dataclass(frozen=True, slots=True)
class Ready:
    """The stream is open; everything after ``position`` will come.

    With ``reset`` the service did not know where the follower stopped (its database was restored
    from a backup, say): what was shown before should be loaded again.
    """

    position: int
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Happened:
    """An event."""

    event: EventView


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream broke; it is taken up again in ``pause`` seconds where it stopped.

    A ``refused`` one is not: the service does not accept this token (any more).
    """

    because: str
    pause: float
    state: Literal["unreachable", "absent", "refused"]


Message = Ready | Happened | Lost


@dataclass(slots=True)
class Follower:
    """Follows one stream over its breaks. ``position`` is the last one seen."""

    position: int | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.25, longest=15.0))
    _failures: int = 0

    def asks(self) -> dict[str, str]:
        """Headers of the next attempt."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.position is not None:
            headers["Last-Event-ID"] = str(self.position)
        return headers

    def takes(self, sent: httpx2.ServerSentEvent) -> Ready | Happened | None:
        """What one server-sent event means; None when it means nothing (yet or any more)."""
        self._failures = 0
        if sent.event in {"ready", "reset"}:
            return self._ready(sent)
        try:
            event = EventView.model_validate_json(sent.data)
        except ValidationError:
            # A newer service may send what this version does not know. It is not an event of ours.
            return None
        if self.position is not None and event.position <= self.position:
            return None
        self.position = event.position
        return Happened(event)

    def lost(self, because: VMShareError | str) -> Lost:
        """What a break means."""
        self._failures += 1
        return Lost(str(because), self.backoff.pause(self._failures), state_of(because))

    def _ready(self, sent: httpx2.ServerSentEvent) -> Ready | None:
        if not sent.id.isdecimal():
            return None
        reset = sent.event == "reset"
        if reset or self.position is None:
            self.position = int(sent.id)
        return Ready(self.position, reset)


def state_of(error: VMShareError | str) -> Literal["unreachable", "absent", "refused"]:
    """What a failure says about the service, as the panel shows it."""
    if isinstance(error, (NotAllowed, NotSignedIn)):
        return "refused"
    missing = isinstance(error, VMShareError) and (
        error.status == 404 or error.code == "not-configured"
    )
    return "absent" if missing else "unreachable"
