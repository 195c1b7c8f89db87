"""A mount agent that speaks its real protocol on a real unix socket, and mounts nothing.

It obeys as the real one does: lists are absolute, an older one is stale, an end is for good. A test
scripts what it lacks, what fails, how many files are open, and whether it answers at all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, object_of
from jupyterhub_vmshare.mounts.messages import (
    Answer,
    AskReport,
    Cut,
    EndSession,
    Event,
    Expired,
    FolderSeen,
    FolderWanted,
    GuardRestarted,
    Hello,
    KeepSessions,
    Lost,
    Order,
    Refusal,
    Report,
    SayHello,
    SessionSeen,
    SessionsEnded,
    SessionWanted,
    SetSession,
    StillHeld,
    answer_json,
    event_json,
    order_of,
)

_STRENGTH = ("view", "edit", "edit_delete")


@dataclass
class FakeAgent:
    """One node. ``has`` is what its sessions have, and outlives connections, as mounts do."""

    address: Path
    node: str = "node1"
    can_mount: bool = True
    missing: tuple[str, ...] = ()
    deaf: bool = False
    """Takes orders, and neither obeys nor answers."""
    delay: float = 0.0
    """Seconds until a list is obeyed."""
    complaints: list[str] = field(default_factory=list)
    """What a service must never do."""
    refuses: Callable[[Order], Refusal | None] = lambda order: None
    fails: dict[str, str] = field(default_factory=dict)
    """Folders that can't be mounted, and why."""
    holds: dict[str, int] = field(default_factory=dict)
    """Sessions that hold what they had directly and have no more: so many processes."""
    indirect: str | None = None
    """Why nothing is mounted directly here."""
    open_files: int = 0
    """Descriptors that every session has open in every folder."""
    orders: list[Order] = field(default_factory=list)
    has: dict[str, SessionWanted] = field(default_factory=dict)
    over: dict[str, set[str]] = field(default_factory=dict)
    """Folders that ended by themselves, by session."""
    ended: set[str] = field(default_factory=set)
    direct: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each session ever had directly, at its first level."""

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    # --- what tests look at ---

    def folders(self, session: str) -> dict[str, FolderWanted]:
        """What a session has, by the directory's name."""
        if session not in self.has:
            return {}
        over = self.over.get(session, set())
        there = [f for f in self.has[session].folders if f.folder not in over | set(self.fails)]
        return {folder.name: folder for folder in there}

    def levels(self, session: str) -> dict[str, str]:
        """The same, as names and levels."""
        return {name: folder.level for name, folder in self.folders(session).items()}

    def count(self, kind: type[Order]) -> int:
        """How many orders of that kind came."""
        return sum(isinstance(order, kind) for order in self.orders)

    # --- what happens on the node ---

    def expire(self, session: str, folder: str) -> None:
        """An end date comes."""
        self.over.setdefault(session, set()).add(folder)
        self.tell(Expired(session, folder))

    def lose(self, session: str) -> None:
        """Nobody uses the session's view any more."""
        self._end(session)
        self.tell(Lost(session))

    def restart_guard(self) -> None:
        """The guard died; all sessions are mounted again."""
        self.tell(GuardRestarted(tuple(self.has)))

    def tell(self, event: Event) -> None:
        """Say it to everybody who is connected."""
        for writer in self._writers:
            writer.write(json.dumps(event_json(event)).encode() + b"\n")

    async def start(self) -> None:
        """Listen (again)."""
        self._server = await asyncio.start_unix_server(self._serve, self.address, limit=LINE_LIMIT)

    async def stop(self) -> None:
        """Die: every connection breaks. What is mounted stays."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            self._server = None
            self.address.unlink(missing_ok=True)

    # --- the protocol ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                raw = object_of(line)
                order = order_of(raw)
                self.orders.append(order)
                if self.deaf:
                    continue
                if isinstance(order, SetSession):
                    await asyncio.sleep(self.delay)
                answer = self.refuses(order) or self._obey(order)
                writer.write(json.dumps(answer_json(raw["order"], answer)).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _obey(self, order: Order) -> Answer | Refusal:
        match order:
            case SayHello():
                return Hello(1, self.node, self.can_mount, self.missing)
            case SetSession(wanted):
                return self._set(wanted)
            case EndSession(session):
                return SessionsEnded(self._end(session))
            case KeepSessions(kept):
                gone = [session for session in self.has if session not in kept]
                return SessionsEnded(tuple(s for session in gone for s in self._end(session)))
            case AskReport():
                return Report(tuple(self._seen(wanted) for wanted in self.has.values()))

    def _set(self, wanted: SessionWanted) -> SessionSeen | Refusal:
        if not self.can_mount:
            return Refusal("no-fuse", "There is no /dev/fuse here.")
        if wanted.id in self.ended:
            return Refusal("ended", "This session has ended.")
        before = self.has.get(wanted.id)
        if before is not None and wanted.version < before.version:
            return Refusal("stale", "There is a later list.")
        if before is not None and wanted.version == before.version and wanted != before:
            self.complaints.append(f"two lists of version {wanted.version}: {before}, {wanted}")
        cut = self._cut(wanted.id, wanted)
        self.has[wanted.id] = wanted
        over = self.over.get(wanted.id, set())
        over &= {f.folder for f in wanted.folders if before and f in before.folders}
        return self._seen(wanted, cut)

    def _cut(self, session: str, wanted: SessionWanted) -> tuple[Cut, ...]:
        now = {folder.folder: folder.level for folder in wanted.folders}
        return tuple(
            Cut(f.folder, f.level, now.get(f.folder), open=self.open_files)
            for f in self.folders(session).values()
            if f.folder not in now or _STRENGTH.index(now[f.folder]) < _STRENGTH.index(f.level)
        )

    def _seen(self, wanted: SessionWanted, cut: tuple[Cut, ...] = ()) -> SessionSeen:
        over = self.over.get(wanted.id, set())
        seen = []
        for folder in wanted.folders:
            if folder.folder in self.fails:
                seen.append(FolderSeen(folder.folder, "failed", None, self.fails[folder.folder]))
            elif folder.folder in over:
                seen.append(FolderSeen(folder.folder, "ended"))
            else:
                seen.append(self._mounted(folder))
        view = f"/run/vmshare/views/{wanted.id}"
        held = self._held(wanted)
        return SessionSeen(wanted.id, wanted.version, view, tuple(seen), cut, held)

    def _mounted(self, folder: FolderWanted) -> FolderSeen:
        because = self.indirect if folder.direct else None
        direct = folder.direct and because is None
        return FolderSeen(folder.folder, "mounted", folder.level, because, direct)

    def _held(self, wanted: SessionWanted) -> tuple[StillHeld, ...]:
        live = {f.folder: f for f in wanted.folders}
        over = self.over.get(wanted.id, set())
        had = self.direct.setdefault(wanted.id, {})
        had |= {f.folder: f.level for f in wanted.folders if f.direct and f.folder not in had}
        processes = self.holds.get(wanted.id, 0)
        return tuple(
            StillHeld(folder, processes)
            for folder, level in had.items()
            if processes and (folder in over or _is_less(live.get(folder), level))
        )

    def _end(self, session: str) -> tuple[str, ...]:
        self.ended.add(session)
        return (session,) if self.has.pop(session, None) is not None else ()


def _is_less(now: FolderWanted | None, level: str) -> bool:
    return now is None or not now.direct or _STRENGTH.index(now.level) < _STRENGTH.index(level)


@asynccontextmanager
async def fake_agent(where: Path) -> AsyncIterator[FakeAgent]:
    """An agent that listens in this directory."""
    agent = FakeAgent(where / "agent.sock")
    await agent.start()
    try:
        yield agent
    finally:
        with suppress(OSError):
            await agent.stop()
    assert agent.complaints == []
