"""The agent's socket: who may give orders, and how each is answered."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.mounts.agent.fulfilling import Refused
from jupyterhub_vmshare.mounts.agent.guard import Guard
from jupyterhub_vmshare.mounts.agent.missing import Lack
from jupyterhub_vmshare.mounts.agent.sessions import Sessions
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, BadMessage, object_of
from jupyterhub_vmshare.mounts.messages import (
    VERSION,
    Answer,
    AskReport,
    EndSession,
    Event,
    GuardRestarted,
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
    answer_json,
    event_json,
    order_of,
)

_log = logging.getLogger("vmshare.agent")
# Orders of one connection that are obeyed at the same time; further ones wait in the socket.
_AT_ONCE: Final = 64
# Somebody who does not read is not waited for.
_UNREAD: Final = 4 << 20


class Server:
    """The one place where orders come in.

    Args:
        sessions: What obeys.
        guard: What hello tells about.
        lacking: Looks at what the node lacks.
        service_uid: Whose orders are taken, beside root's; None while that is not known.
        root_sessions: Whether sessions may run as root.
    """

    def __init__(
        self,
        sessions: Sessions,
        guard: Guard,
        *,
        lacking: Callable[[], list[Lack]],
        service_uid: Callable[[], int | None],
        root_sessions: bool,
    ) -> None:
        self._sessions = sessions
        self._guard = guard
        self._lacking = lacking
        self._service_uid = service_uid
        self._root_sessions = root_sessions
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._has_refused = False

    async def start(self, path: Path) -> None:
        """Listen. A socket that an earlier agent left is replaced."""
        # What an earlier agent left is removed by asyncio.
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LINE_LIMIT)
        # Anybody may connect; who is listened to is decided by the kernel's word on who it is.
        os.chmod(path, 0o666)  # noqa: S103 (it opens nothing by itself)

    async def close(self) -> None:
        """Take no more orders."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()

    def tell(self, event: Event) -> None:
        """Say something to everybody who is connected."""
        for writer in list(self._writers):
            _write(writer, event_json(event))

    def tell_ready(self) -> None:
        """There is a guard: whoever heard that this node can't mount hears that it can."""
        if self._has_refused:
            self._has_refused = False
            self.tell(GuardRestarted(()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _uid_of(writer)
        if uid not in (0, self._service_uid()):
            _log.warning("refused somebody with uid %d", uid)
            because = "Only the hub service may give orders: the owner of the store, or root."
            _write(writer, answer_json(0, Refusal("not-allowed", because)))
            writer.close()
            return
        self._writers.add(writer)
        try:
            await self._listen(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as under_way:
            while True:
                try:
                    line = await reader.readline()
                except OSError:
                    return
                except ValueError:
                    because = f"A line is {LINE_LIMIT} bytes at most."
                    _write(writer, answer_json(0, Refusal("malformed", because)))
                    return
                if not line.endswith(b"\n"):
                    return
                await room.acquire()
                task = under_way.create_task(self._answer(line, writer))
                task.add_done_callback(lambda _: room.release())

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        number, answer = await self.obey(line)
        _write(writer, answer_json(number, answer))

    async def obey(self, line: bytes) -> tuple[int, Answer | Refusal]:
        """The number of an order, and its answer. Nothing that a line says makes this raise."""
        number = 0
        try:
            raw = object_of(line)
            number = _number_of(raw)
            order = order_of(raw)
            answer = await self._obey(order)
        except BadMessage as error:
            return number, Refusal("malformed", str(error))
        except Refused as refused:
            _log.info("order %s: refused, %s", raw.get("do"), refused.why.code)
            return number, refused.why
        except Exception:
            _log.exception("order %s failed", raw.get("do"))
            return number, Refusal("failed", "The agent made a mistake; its log says more.")
        _log.info("order %s%s: done", order.do, _which(order))
        return number, answer

    async def _obey(self, order: Order) -> Answer:
        match order:
            case SayHello(version):
                return self._hello(version)
            case SetSession(wanted):
                return await self._set(wanted)
            case EndSession(session):
                there = await self._sessions.end(session)
                return SessionsEnded((session,) if there else ())
            case KeepSessions(living):
                return SessionsEnded(await self._sessions.keep(living))
            case AskReport():
                return Report(self._sessions.report())

    def _hello(self, version: int) -> Hello:
        if version != VERSION:
            raise Refused("version", f"This agent speaks version {VERSION} of the protocol.")
        lacks = self._lacking()
        can_mount = self._guard.seen is not None or not any(lack.stops for lack in lacks)
        self._has_refused = self._has_refused or not can_mount
        return Hello(
            version=VERSION,
            node=os.uname().nodename,
            can_mount=can_mount,
            missing=tuple(lack.because for lack in lacks),
            guard=self._guard.seen,
        )

    async def _set(self, wanted: SessionWanted) -> SessionSeen:
        if wanted.uid == 0 and not self._root_sessions:
            raise Refused(
                "root-session",
                "A session of root is not held back by any right. Run sessions under people's own"
                " accounts, or start the agent with --allow-root-sessions.",
            )
        lack = next((lack for lack in self._lacking() if lack.stops), None)
        # Whatever a guard needs to start (its program may be just being upgraded): from one that
        # runs, everything can be taken away.
        if lack is None or (self._guard.seen is not None and self._sessions.has(wanted.id)):
            return await self._sessions.apply(wanted)
        await self._sessions.take_down(wanted)
        raise Refused(lack.code, lack.because)


def _number_of(raw: dict[str, Any]) -> int:
    found = raw.get("order")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _which(order: Order) -> str:
    match order:
        case SetSession(wanted):
            return f" {wanted.id} version {wanted.version}, {len(wanted.folders)} folders"
        case EndSession(session):
            return f" {session}"
    return ""


def _write(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    if writer.transport.get_write_buffer_size() > _UNREAD:
        writer.transport.abort()
        return
    writer.write(json.dumps(message).encode() + b"\n")


def _uid_of(writer: asyncio.StreamWriter) -> int:
    peer = writer.get_extra_info("socket")
    found = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    # pid, uid, gid. The ids are unsigned.
    return int(struct.unpack("iII", found)[1])
