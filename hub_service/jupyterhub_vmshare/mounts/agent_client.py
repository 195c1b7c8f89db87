"""The hub service's side of the connection to an agent.

Orders carry numbers and are answered in any order. The connection is taken up again by itself;
what was under way when it broke has failed with `AgentUnreachable`, and is asked again by whoever
compares what should be with what is. All orders may be said again without harm.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.mounts.dialled import Open
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, BadMessage, object_of
from jupyterhub_vmshare.mounts.messages import (
    AskReport,
    EndSession,
    Event,
    Hello,
    KeepSessions,
    Order,
    Refusal,
    Report,
    SayHello,
    SessionSeen,
    SessionsEnded,
    SessionWanted,
    SetSession,
    event_of,
    order_json,
)
from jupyterhub_vmshare.mounts.port import AgentRefused, AgentUnreachable

_log = structlog.get_logger("vmshare.mounts")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0

Answered = TypeVar("Answered")


class AgentClient:
    """A connection to one agent that is kept up.

    Args:
        connect: Makes a connection to the agent, or waits until it makes one.
        on_event: Called with each event, in the event loop; must not block.
        on_connected: Called after each connect with what the node said, in the event loop. What
            was sent before may be lost: compare everything now.
        limit: Seconds that an answer may take, unless the call says otherwise.
    """

    def __init__(
        self,
        connect: Open,
        *,
        on_event: Callable[[Event], None],
        on_connected: Callable[[Hello], None] | None = None,
        limit: float = 10.0,
    ) -> None:
        self._connect = connect
        self._on_event = on_event
        self._on_connected = on_connected
        self._limit = limit
        self._last = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.node: Hello | None = None
        """What the node said at the last connect; None while there is no connection."""

    @property
    def connected(self) -> bool:
        """Whether orders can be sent just now."""
        return self.node is not None

    async def start(self) -> None:
        """Begin to connect; returns at once."""
        self._keeping = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        """End the connection. The agent and all mounts go on."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None

    # Orders. Each raises `AgentUnreachable` or `AgentRefused`.

    async def hello(self, *, limit: float | None = None) -> Hello:
        """What the node can do, and what it lacks."""
        return await self._asked(SayHello(), Hello.parse, limit)

    async def session(self, wanted: SessionWanted, *, limit: float | None = None) -> SessionSeen:
        """Make the session have exactly this; answers once it holds in full."""
        return await self._asked(SetSession(wanted), SessionSeen.parse, limit)

    async def end(self, session: str, *, limit: float | None = None) -> SessionsEnded:
        """End a session for good; no order brings this id back."""
        return await self._asked(EndSession(session), SessionsEnded.parse, limit)

    async def keep(self, sessions: Sequence[str], *, limit: float | None = None) -> SessionsEnded:
        """End every session of the node that is not named."""
        return await self._asked(KeepSessions(tuple(sessions)), SessionsEnded.parse, limit)

    async def report(self, *, limit: float | None = None) -> Report:
        """All sessions of the node, as they are."""
        return await self._asked(AskReport(), Report.parse, limit)

    async def _asked(
        self, order: Order, parse: Callable[[object], Answered], limit: float | None
    ) -> Answered:
        answer = await self._ask(order, limit)
        try:
            if answer.get("ok") is not True:
                raise AgentRefused(Refusal.parse(answer))
            return parse(answer)
        except BadMessage as error:
            raise AgentUnreachable(f"The node's agent says what makes no sense: {error}") from error

    async def _ask(self, order: Order, limit: float | None) -> dict[str, Any]:
        writer = self._writer
        if writer is None:
            raise AgentUnreachable("The node's agent is not running, or can't be reached.")
        self._last += 1
        number = self._last
        line = json.dumps(order_json(number, order)).encode() + b"\n"
        if len(line) > LINE_LIMIT:
            raise AgentRefused(Refusal("too-long", "These are more folders than an agent takes."))
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        try:
            async with asyncio.timeout(limit or self._limit):
                writer.write(line)
                await writer.drain()
                answer = await answered
        except TimeoutError:
            raise AgentUnreachable("The node's agent did not answer in time.") from None
        except OSError as error:
            raise AgentUnreachable("The connection to the node's agent broke.") from error
        finally:
            self._waiting.pop(number, None)
            answered.cancel()
        return answer

    # The connection

    async def _keep_connected(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._one_connection()
                pause = _FIRST_PAUSE
            except (OSError, BadMessage, VMShareError) as error:
                _log.info("agent_unreachable", why=str(error))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _one_connection(self) -> None:
        """Serve one connection until it ends."""
        reader, writer = await self._connect()
        reading = asyncio.create_task(self._read(reader))
        try:
            self._writer = writer
            hello = asyncio.create_task(self.hello())
            # A connection that breaks before the first answer must not be waited for.
            await asyncio.wait((hello, reading), return_when=asyncio.FIRST_COMPLETED)
            if not hello.done():
                hello.cancel()
                raise AgentUnreachable("The node's agent closed the connection.")
            self.node = await hello
            if self._on_connected is not None:
                self._on_connected(self.node)
            await reading
        finally:
            self._writer = self.node = None
            reading.cancel()
            self._fail_waiting()
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await _line(reader):
            message = object_of(line)
            if "event" in message:
                self._tell(message)
            elif (waiting := self._waiting.get(message.get("order", 0))) and not waiting.done():
                waiting.set_result(message)

    def _tell(self, message: dict[str, Any]) -> None:
        event = event_of(message)
        if event is None:
            _log.warning("unknown_event_of_agent", kind=str(message["event"])[:40])
            return
        try:
            self._on_event(event)
        except Exception:
            _log.exception("event_of_agent_failed", kind=event.event)

    def _fail_waiting(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(AgentUnreachable("The connection to the agent broke."))


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise BadMessage("The agent sent a line that is too long.") from None
