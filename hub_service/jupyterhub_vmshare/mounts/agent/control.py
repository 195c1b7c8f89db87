"""The agent's end of the guard's control socket: packets, orders and their answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

_PACKET: Final = 65536
_PLAIN: Final = "-._:~@,+"

Words = dict[str, str]
_NO_WORDS: Final[Mapping[str, str | int]] = {}


class GuardGone(Exception):
    """The guard has died or hangs, so all that it served is cut."""


class GuardRefused(Exception):
    """The guard answered ``error``: a code of the protocol, and a sentence."""

    def __init__(self, words: Words) -> None:
        self.code = words.get("code", "failed")
        self.because = words.get("because", "The guard did not say why.")
        super().__init__(self.because)


@dataclass(slots=True)
class Answer:
    """What an order was answered: the words of the ``ok``, and what came before it."""

    words: Words = field(default_factory=dict)
    said: list[tuple[str, Words]] = field(default_factory=list)

    def number(self, key: str) -> int:
        """A counter; 0 where the guard did not say it."""
        with suppress(ValueError):
            return int(self.words.get(key, 0))
        return 0


def packet_of(verb: str, words: Mapping[str, str | int]) -> bytes:
    """A verb, then ``key=value`` words, percent-encoded."""
    said = (f"{key}={quote(str(value), safe=_PLAIN)}" for key, value in words.items())
    return " ".join([verb, *said]).encode("ascii")


def read_packet(packet: bytes) -> tuple[str, Words]:
    """A packet's verb and words."""
    verb, *words = packet.decode("ascii", "replace").split(" ")
    pairs = (word.partition("=") for word in words)
    return verb, {key: unquote(value) for key, _, value in pairs}


class Control:
    """One connection to one guard. When it breaks, the guard counts as dead.

    Args:
        connected: A ``SOCK_SEQPACKET`` socket.
        on_event: Called with each event's words, in the event loop.
        patience: Seconds after which a guard that has not answered counts as hung. Lowering a level
            may take long, where much must be written back; the guard bounds that by itself.
    """

    def __init__(
        self, connected: socket.socket, on_event: Callable[[Words], None], *, patience: float
    ) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._on_event = on_event
        self._patience = patience
        self._last = 0
        self._waiting: dict[str, tuple[Answer, asyncio.Future[None]]] = {}
        self._sending = asyncio.Lock()
        self.lost = asyncio.Event()
        asyncio.get_running_loop().add_reader(connected, self._read)

    async def order(
        self, verb: str, words: Mapping[str, str | int] = _NO_WORDS, *, fds: Sequence[int] = ()
    ) -> Answer:
        """Give an order, perhaps with descriptors, and wait until it holds in full.

        Raises:
            GuardRefused: The guard answered that it did not do it.
            GuardGone: It did not answer, and never will.
        """
        if self.lost.is_set():
            raise GuardGone
        self._last += 1
        number = str(self._last)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (Answer(), answered)
        try:
            async with asyncio.timeout(self._patience):
                await self._send(packet_of(verb, {"n": number, **words}), fds)
                await answered
        except TimeoutError:
            self.close()
            raise GuardGone from None
        finally:
            answer, _ = self._waiting.pop(number)
            if not answered.cancel() and not answered.cancelled():
                answered.exception()  # seen: nobody waits for it any more
        return answer

    async def _send(self, packet: bytes, fds: Sequence[int]) -> None:
        async with self._sending:
            while True:
                try:
                    socket.send_fds(self._socket, [packet], fds)
                    return
                except BlockingIOError:
                    await asyncio.sleep(0.005)
                except OSError:
                    self.close()
                    raise GuardGone from None

    def _read(self) -> None:
        while not self.lost.is_set():
            try:
                packet = self._socket.recv(_PACKET)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self.close()
                return
            self._take(*read_packet(packet))

    def _take(self, verb: str, words: Words) -> None:
        if verb == "event":
            self._on_event(words)
            return
        answer, answered = self._waiting.get(words.get("n", ""), (None, None))
        if answer is None or answered is None or answered.done():
            return
        if verb == "ok":
            answer.words = words
            answered.set_result(None)
        elif verb == "error":
            answered.set_exception(GuardRefused(words))
        else:
            answer.said.append((verb, words))

    def close(self) -> None:
        """Let go; whoever waits for an answer gets none."""
        if self.lost.is_set():
            return
        self.lost.set()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        for _, answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(GuardGone())
