"""The process that a kernel is a child of: it lives on while no link is there, for a time.

It starts the kernel with sockets in its own directory, carries their connections over whatever
channel is attached, and keeps what the link has not acknowledged. With nobody attached for the
kernel's time to live, it ends the kernel and itself.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

from . import places
from . import stream as wire
from .carrying import Carrier, Pump, connected
from .launching import Launched
from .places import Refused
from .process import Kernel
from .stream import Malformed, Stream

_AGAIN, _LONGEST = 0.005, 0.02
_TO_TELL = 0.02
_TO_DIE = 5.0
_SESSION = 64
LEFT_ALONE = "The kernel was ended on the machine, since nobody was connected to it for {}."


def supervise(place: Path, door: socket.socket, seconds: float, begun: Launched | str) -> None:
    """Until the end of the kernel that has begun (or of why it has not), or its time is over."""
    supervisor = _Supervisor(place, door, seconds, begun)
    try:
        asyncio.run(supervisor.run())
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if supervisor.because is not None:
            places.write_why(place, supervisor.because)


class _Supervisor:
    """One kernel, and at most one link."""

    def __init__(
        self, place: Path, door: socket.socket, seconds: float, begun: Launched | str
    ) -> None:
        self._begun = begun
        self._place, self._door, self._seconds = place, door, seconds
        self._carrier: Carrier | None = None
        self._kernel = Kernel(place, ended=self._ended)
        self._link: Pump | None = None
        self._holder: socket.socket | None = None
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alone: asyncio.TimerHandle | None = None
        self.because: str | None = None
        """Why it ended the kernel unasked."""

    async def run(self) -> None:
        """Take links until all is over."""
        self._door.setblocking(False)
        self._first = self._begin_with(self._begun)
        self._is_alone()
        taking = asyncio.create_task(self._take_links())
        await self._over.wait()
        taking.cancel()
        await self._kernel.end(_TO_DIE)
        self._lose(self._carrier)

    def _begin_with(self, begun: Launched | str) -> dict[str, Any]:
        """What became of the order that came with the request for a supervisor."""
        if isinstance(begun, str):
            return {"refused": begun}
        self._kernel.watch(begun)
        return {"done": self._kernel.state()}

    def _is_alone(self) -> None:
        """From now on the kernel's time runs."""
        loop = asyncio.get_running_loop()
        self._alone = loop.call_later(self._seconds, self._leave)

    def _leave(self) -> None:
        self.because = LEFT_ALONE.format(_in_words(self._seconds))
        self._over.set()

    # --- links ---

    async def _take_links(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            holder, _ = await loop.sock_accept(self._door)
            with contextlib.suppress(OSError, ValueError):
                self._take(holder)

    def _take(self, holder: socket.socket) -> None:
        """Another channel: the newest counts, since the last one's death may be unknown here."""
        uid = struct.unpack("3i", holder.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        if uid != os.geteuid():
            holder.close()
            return
        holder.setblocking(False)

        def ready() -> None:
            asyncio.get_running_loop().remove_reader(holder)
            try:
                session, descriptors, _, _ = socket.recv_fds(holder, _SESSION, 2)
            except OSError:
                session, descriptors = b"", []
            if len(descriptors) == 2 and session:
                self._attach(holder, session.decode("ascii", "replace"), *descriptors)
            else:
                for each in descriptors:
                    os.close(each)
                holder.close()

        asyncio.get_running_loop().add_reader(holder, ready)

    def _attach(self, holder: socket.socket, session: str, source: int, target: int) -> None:
        if self._alone is not None:
            self._alone.cancel()
            self._alone = None
        if self._carrier is not None:
            self._carrier.detach()
        carrier = self._carrier
        if carrier is None or carrier.stream.session != session:
            carrier = self._begin(session)
        self._let_go()
        self._holder = holder
        # sshd's pipe holds 64 KiB, and each filling of it would wake both ends. Where there is a
        # limit, or no pipe, it goes slower.
        with contextlib.suppress(OSError):
            fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, 1 << 20)
        link = Pump(
            source,
            target,
            got=lambda data: self._came(carrier, link, data),
            gone=lambda: self._lose(carrier, link),
            wrote=lambda _: carrier.flush(),
        )
        self._link = link
        first, self._first = self._first, {}
        carrier.attach(link, state=self._kernel.state(), boot=places.boot(), first=first)

    def _begin(self, session: str) -> Carrier:
        """Another notebook server, or the same after a restart: it knows of no connection."""
        if self._carrier is not None:
            self._carrier.end()
        stream = Stream(session, where=self._place, most=wire.MOST_BACKLOG)
        made = Carrier(stream, told=self._told, greeted=self._greeted, opened=self._opened)
        self._carrier = made
        return made

    def _greeted(self, told: dict[str, Any]) -> None:
        if told.get("version") != wire.VERSION:
            raise Malformed("another version")

    def _came(self, carrier: Carrier, link: Pump, data: bytes) -> None:
        try:
            carrier.came(data)
        except Malformed:
            self._lose(carrier, link)

    def _lose(self, carrier: Carrier | None, link: Pump | None = None) -> None:
        """The link is gone: what the kernel says from now on is kept."""
        if carrier is None or (link is not None and link is not self._link):
            return
        carrier.detach()
        self._let_go()
        if self._alone is None and not self._over.is_set():
            self._is_alone()

    def _let_go(self) -> None:
        """The process that brought the channel may end."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    # --- the kernel's connections ---

    def _opened(self, connection: int, port: int) -> None:
        self._start(self._connect(connection, port))

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: int, port: int) -> None:
        """To the kernel's own socket, as soon as it is there."""
        carrier, pause = self._carrier, _AGAIN
        while carrier is not None and carrier.is_wanted(connection):
            found = await connected(f"{self._place}/k-{port}") if self._kernel.runs else None
            if found is None:
                await asyncio.sleep(pause)
                pause = min(1.02 * pause, _LONGEST)
            elif carrier.is_wanted(connection):
                carrier.carry(connection, found)
                carrier.flush()
            else:
                found.close()

    # --- orders ---

    def _told(self, order: dict[str, Any]) -> None:
        self._start(self._obey(order))

    async def _obey(self, order: dict[str, Any]) -> None:
        number, answer = order.get("order"), {}
        try:
            match order:
                case {"do": "start", "kernel": str()}:
                    answer = await self._kernel.start(order)
                case {"do": "signal", "signal": int() as number_of_signal}:
                    self._kernel.signal(signal.Signals(number_of_signal))
                case {"do": "end"}:
                    await self._kernel.end(_TO_DIE)
                    asyncio.get_running_loop().call_later(_TO_TELL, self._over.set)
                case _:
                    raise Refused("This is no order that this machine knows.")
        except (Refused, OSError, ValueError) as refused:
            self._tell(answer=number, refused=str(refused))
        else:
            self._tell(answer=number, done=answer)

    def _ended(self, state: dict[str, Any]) -> None:
        self._tell(state={**state, "at": time.time()})

    def _tell(self, **told: Any) -> None:
        if self._carrier is not None:
            self._carrier.tell(**told)


def _in_words(seconds: float) -> str:
    """A time as people say it."""
    for size, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds:.1f} seconds"
