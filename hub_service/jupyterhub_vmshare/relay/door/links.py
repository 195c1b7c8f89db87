"""The links that are open, and the rights they are held to: to the second, by themselves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import asyncssh
import structlog

from jupyterhub_vmshare.api.contract.ways import Held, RelayLinkView, RightView
from jupyterhub_vmshare.relay.door.channels import Half, PersonEnd
from jupyterhub_vmshare.relay.door.sftp import any_of

_log = structlog.get_logger("vmshare.relay")
_TO_HEAR: Final = 0.3
"""Seconds in which a sentence may still arrive; the machine's side is cut before."""
Pair = tuple[str, str]


class Link:
    """One person's connection to one machine, with everything that runs over it."""

    def __init__(
        self,
        guest: asyncssh.SSHServerConnection,
        view: RelayLinkView,
        machine: asyncssh.SSHClientConnection,
    ) -> None:
        self.view, self.machine = view, machine
        self.guest = guest
        self.allowed = view.right.allowed
        self.channels: set[Half] = set()
        self.quiet_since = asyncio.get_running_loop().time()
        self.is_said_to_be_used = False

    @property
    def pair(self) -> Pair:
        """Whose link it is, and to which machine."""
        return self.view.right.person, self.view.right.machine_id

    @property
    def in_use(self) -> int:
        """The channels for which its machine has to be there."""
        return sum(channel.is_use for channel in self.channels)

    def allows(self, action: str) -> bool:
        """Whether they may do that now."""
        return action in self.allowed

    def takes(self, channel: Half) -> None:
        """One more channel."""
        self.channels.add(channel)

    def drops(self, channel: Half) -> None:
        """It is closed."""
        self.channels.discard(channel)
        self.quiet_since = asyncio.get_running_loop().time()

    def hold_to(self, allowed: frozenset[str]) -> int:
        """Close the channels that are not allowed any more. Returns how many."""
        self.allowed = allowed
        closed = 0
        for channel in list(self.channels):
            if not may_stay(self, channel):
                channel.say("You may not do this on this machine any more.", last=True)
                if channel.other is not None:
                    channel.other.chan.abort()
                closed += 1
        return closed

    def cut(self, because: str) -> int:
        """At once, on the machine's side first. Returns how many channels there were."""
        count = len(self.channels)
        self.allowed = frozenset()
        self.machine.abort()
        for channel in list(self.channels):
            channel.say(because)
        with contextlib.suppress(OSError, asyncssh.Error):
            # A library may keep to itself what a disconnect says; it hands this on.
            self.guest.send_debug(because)
            self.guest.disconnect(asyncssh.DISC_BY_APPLICATION, because)
        # Packets may go into a black hole: nothing is waited for.
        asyncio.get_running_loop().call_later(_TO_HEAR, self.guest.abort)
        return count


def may_stay(link: Link, channel: Half) -> bool:
    """Whether a channel is allowed now; SFTP is, while there is a use for it."""
    if isinstance(channel, PersonEnd) and channel.is_sftp:
        return any_of(link.allows)
    return link.allows(getattr(channel, "action", "connect"))


class Links:
    """All of them, by person and machine.

    Args:
        ended: Called with a right that has come to its end by itself.
        last_gone: Called when the last link of a person to a machine is gone.
    """

    def __init__(
        self, ended: Callable[[RelayLinkView], None], last_gone: Callable[[Pair], None]
    ) -> None:
        self._ended, self._last_gone = ended, last_gone
        self._links: dict[Pair, set[Link]] = {}
        self._rights: dict[Pair, RightView] = {}
        self._timers: dict[Pair, list[asyncio.TimerHandle]] = {}
        self._opening: dict[Pair, int] = {}
        self._missed: dict[Pair, int] = {}

    @contextlib.contextmanager
    def opening(self, pair: Pair) -> Any:
        """While a link is being opened, what is heard of its right is kept in mind."""
        self._opening[pair] = self._opening.get(pair, 0) + 1
        try:
            yield
        finally:
            self._opening[pair] -= 1
            if not self._opening[pair]:
                del self._opening[pair]
                self._missed.pop(pair, None)

    def add(self, link: Link) -> bool:
        """Whether it is open; not where its right has changed meanwhile."""
        pair, right = link.pair, link.view.right
        known = self._rights.get(pair)
        newest = max(self._missed.get(pair, 0), known.version if known else 0)
        if right.version < newest:
            return False
        self._links.setdefault(pair, set()).add(link)
        self.apply(right)
        return True

    def remove(self, link: Link) -> None:
        """It is gone."""
        of_pair = self._links.get(link.pair, set())
        of_pair.discard(link)
        if not of_pair and self._links.pop(link.pair, None) is not None:
            self._rights.pop(link.pair, None)
            self._stop_timers(link.pair)
            self._last_gone(link.pair)

    def apply(self, right: RightView) -> int:
        """Hold all of the pair's links to a right. Returns how many channels were closed."""
        pair = (right.person, right.machine_id)
        if pair in self._opening:
            self._missed[pair] = max(self._missed.get(pair, 0), right.version)
        links = self._links.get(pair)
        known = self._rights.get(pair)
        if not links or (known is not None and known.version > right.version):
            return 0
        self._rights[pair] = right
        self._set_timers(pair, right)
        return self._hold(links, right.allowed, right.because)

    def cut(self, pair: Pair, because: str) -> int:
        """All of a pair's links. Returns how many channels they had."""
        return sum(link.cut(because) for link in list(self._links.get(pair, ())))

    def version(self, pair: Pair) -> int:
        """Of the right that its links are held to; 0: it has none."""
        known = self._rights.get(pair)
        return known.version if known is not None else 0

    def held(self) -> list[Held]:
        """Who is where."""
        return [
            Held(person=person, machine_id=machine, channels=sum(x.in_use for x in links))
            for (person, machine), links in self._links.items()
        ]

    def on(self, machine_id: str) -> bool:
        """Whether anybody is on that machine, or about to be."""
        return any(machine == machine_id for _, machine in [*self._links, *self._opening])

    def close_quiet(self, seconds: float) -> None:
        """Close the links on which nothing has been open that long."""
        now = asyncio.get_running_loop().time()
        for links in list(self._links.values()):
            for link in list(links):
                if not link.channels and now - link.quiet_since > seconds:
                    link.cut("Nothing was open on this connection for a long time.")

    def close_all(self, because: str) -> None:
        """The relay ends."""
        for pair in list(self._links):
            self.cut(pair, because)

    def _hold(self, links: set[Link], allowed: frozenset[str], because: str | None) -> int:
        if "connect" in allowed:
            return sum(link.hold_to(allowed) for link in list(links))
        sentence = because or "You may not use this machine any more."
        return sum(link.cut(sentence) for link in list(links))

    def _set_timers(self, pair: Pair, right: RightView) -> None:
        self._stop_timers(pair)
        self._timers[pair] = []
        for index in range(len(right.later)):
            self._set_timer(pair, right, index)

    def _set_timer(self, pair: Pair, right: RightView, index: int) -> None:
        left = (right.later[index].at - datetime.now(UTC)).total_seconds()
        timer = asyncio.get_running_loop().call_later(
            max(0.0, left), self._later, pair, right, index
        )
        self._timers[pair].append(timer)

    def _later(self, pair: Pair, right: RightView, index: int) -> None:
        if datetime.now(UTC) < right.later[index].at:
            self._set_timer(pair, right, index)  # the loop's clock is ahead of the day's
            return
        links = self._links.get(pair, set())
        allowed = right.later[index].allowed
        view = next((link.view for link in links), None)
        _log.info("right_ended", person=pair[0], machine=pair[1], left=sorted(allowed))
        self._hold(links, allowed, "Your right to this machine has come to its end date.")
        if view is not None and "open_terminal" not in allowed:
            self._ended(view)

    def _stop_timers(self, pair: Pair) -> None:
        for timer in self._timers.pop(pair, ()):
            timer.cancel()
