"""One connection of a person: who they are, and what they ask for over it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any, Protocol, cast

import asyncssh
import structlog

from jupyterhub_vmshare.api.contract.ways import RelayLinkView
from jupyterhub_vmshare.relay.carriage import PACKET, WINDOW
from jupyterhub_vmshare.relay.certificates import of_login
from jupyterhub_vmshare.relay.door.channels import (
    Half,
    MachineEnd,
    MachinePort,
    PersonEnd,
    PersonPort,
)
from jupyterhub_vmshare.relay.door.hop import MachineUnreachable, OrderRefused
from jupyterhub_vmshare.relay.door.limits import Door
from jupyterhub_vmshare.relay.door.links import Link, may_stay

_log = structlog.get_logger("vmshare.relay")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NOT_TERMINAL = "You may not open a terminal or run programs on this machine."
NOT_FILES = "You may not use the files of this machine."
NOT_APP = "You may not forward ports to this machine."
REVERSE = (
    "Ports are forwarded to programs on the machine only, never back from it; ssh -R does nothing"
    " here."
)


class NotIn(Exception):
    """They are not let in; the sentence says why."""


class House(Protocol):
    """What a guest asks of the relay."""

    door: Door

    def believes(self, authority: asyncssh.SSHKey) -> bool:
        """Whether that authority signs for people."""

    async def open(self, person: str, machine_id: str, guest: asyncssh.SSHServerConnection) -> Link:
        """A link to that machine. Raises `NotIn`."""

    async def listeners(self, view: RelayLinkView, port: int) -> list[int]:
        """The uids of the programs that listen there."""

    def counted(self, link: Link) -> None:
        """It has a channel more, or one less."""

    def close(self, link: Link) -> None:
        """It is gone."""


class Guest(asyncssh.SSHServer):
    """Made for each connection."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._conn: asyncssh.SSHServerConnection | None = None
        self._address = ""
        self._stands_at_the_door = False
        self._who: tuple[str, str] | None = None
        self._is_in = False
        self._link: asyncio.Task[Link] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels = 0
        self._remark: str | None = None

    # --- who they are ---

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._address = str((conn.get_extra_info("peername") or ("",))[0])
        self._stands_at_the_door = self._house.door.arrive(self._address)
        if not self._stands_at_the_door:
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        with contextlib.suppress(ValueError):
            self._who = of_login(username)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        # Its one principal has to be this user name, which asyncssh holds it to.
        return self._who is not None and self._house.believes(key)

    def auth_completed(self) -> None:
        self._leave_the_door()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave_the_door()
        for task in self._tasks:
            task.cancel()
        if self._link is not None:
            self._link.cancel()
            if (link := self._there) is not None:
                self._house.close(link)
        if self._is_in and self._who is not None:
            self._house.door.go(self._who[0])

    def _leave_the_door(self) -> None:
        if self._stands_at_the_door:
            self._stands_at_the_door = False
            self._house.door.leave(self._address)

    # --- the link ---

    async def link(self) -> Link:
        """The one of this connection; opened when something is asked for first. Raises `NotIn`.

        What failed is tried again for whoever asks next: the machine may answer by then.
        """
        if self._link is None or (self._link.done() and self._there is None):
            self._link = asyncio.create_task(self._open(), name="link")
        return await asyncio.shield(self._link)

    @property
    def _there(self) -> Link | None:
        """The link, if it was opened."""
        link = self._link
        if link is None or not link.done() or link.cancelled() or link.exception() is not None:
            return None
        return link.result()

    async def _open(self) -> Link:
        if self._who is None or self._conn is None:
            raise NotIn("This relay does not know you.")
        person, machine_id = self._who
        if not self._is_in and (why_not := self._house.door.enter(person)) is not None:
            raise NotIn(why_not)
        self._is_in = True
        return await self._house.open(person, machine_id, self._conn)

    def _start(self, work: Awaitable[None], name: str) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self) -> None:
        if self._channels >= self._house.door.limits.channels:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, "This connection has as many channels as it may."
            )
        self._channels += 1

    # --- what they ask for ---

    def session_requested(self) -> PersonEnd:
        self._count()
        return PersonEnd(self)

    def allows(self, action: str) -> bool:
        """Whether they may do that now."""
        return (link := self._there) is not None and link.allows(action)

    def began(self, end: PersonEnd | Half) -> None:
        if isinstance(end, PersonEnd):
            self._start(self._connect(end), "channel")

    def over(self, end: PersonEnd | Half) -> None:
        self._channels -= 1
        if (link := self._there) is not None:
            link.drops(end)
            self._house.counted(link)

    async def _connect(self, end: PersonEnd) -> None:
        try:
            link = await self.link()
            if self._remark is not None:
                end.say(self._remark)
            if not may_stay(link, end):
                raise NotIn(NOT_FILES if end.is_sftp else NOT_TERMINAL)
            link.takes(end)
            self._house.counted(link)
            _, machine = await link.machine.create_session(
                MachineEnd,
                end.command or (),
                subsystem="sftp" if end.is_sftp else (),
                env=list(end.environment().items()),
                request_pty="force" if end.terminal else False,
                encoding=None,
                max_pktsize=PACKET,
                window=WINDOW,
                **end.terminal,
            )
            half = cast(MachineEnd, machine)
            if not may_stay(link, end):  # lost while the machine took its time, and told so
                half.chan.abort()
                return
            end.connect(half)
        except NotIn as refused:
            end.say(str(refused), last=True)
        except (OSError, asyncssh.Error) as error:
            _log.info("channel_failed", because=type(error).__name__)
            end.say("The machine did not open this; try again.", last=True)

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Any:
        if dest_host.lower() not in _LOOPBACK:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
                "Ports are forwarded to the machine's own localhost, and to no other host.",
            )
        self._count()
        return self._forward(dest_port)

    async def _forward(self, port: int) -> PersonPort:
        end = PersonPort(self)
        try:
            link = await self.link()
            if not link.allows("open_app"):
                raise NotIn(NOT_APP)
            await self._must_be_theirs(link, port)
            _, machine = await link.machine.create_connection(MachinePort, "127.0.0.1", port)
            half = cast(MachinePort, machine)
            if not link.allows("open_app"):  # not any more: the machine took its time
                half.chan.abort()
                raise NotIn(NOT_APP)
        except BaseException as error:
            self._channels -= 1
            if isinstance(error, (NotIn, MachineUnreachable, OrderRefused)):
                raise asyncssh.ChannelOpenError(
                    asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, str(error)
                ) from None
            raise
        link.takes(end)
        self._house.counted(link)
        end.machine = half  # its own channel comes after this
        return end

    async def _must_be_theirs(self, link: Link, port: int) -> None:
        """A port of somebody else's program is not theirs to open, however it listens."""
        uids = await self._house.listeners(link.view, port)
        if not uids:
            raise NotIn(f"No program of yours listens on port {port} of the machine.")
        if not link.view.sudo and set(uids) != {link.view.uid}:
            raise NotIn(f"Port {port} of the machine belongs to a program of somebody else's.")

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        self._remark = REVERSE
        return False

    def unix_connection_requested(self, dest_path: str) -> Any:
        raise asyncssh.ChannelOpenError(
            asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
            "Only ports are forwarded here, no sockets in directories.",
        )

    def unix_server_requested(self, listen_path: str) -> bool:
        self._remark = REVERSE
        return False
