"""One kernel on a machine: local sockets for its clients, and the link that carries them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_vmshare.kernels.channel import Ears, NotAllowed, NotReached, Way
from jupyter_vmshare.kernels.ends import BROKE, KILLED, LOST, Death, Gone, of_process, why_not
from jupyter_vmshare.kernels.news import State
from jupyter_vmshare.kernels.saying import LastWords
from jupyterhub_vmshare.relay.machine.vmshare_kernels.carrying import Carrier
from jupyterhub_vmshare.relay.machine.vmshare_kernels.stream import Malformed, Stream

_log = logging.getLogger(__name__)
CHANNELS: Final = ("shell", "iopub", "stdin", "hb", "control")
PORTS: Final = {name: number for number, name in enumerate(CHANNELS, 1)}
_IOPUB: Final = PORTS["iopub"]
_TO_GREET, _TO_END = 30.0, 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_GRACE: Final = 60.0
_SAYS_NOT: Final = "The machine's part for kernels does not say what it did."
# The machine may learn later than this end does that the link is dead, and counts from then on.


class _BrokeAgain(NotReached):
    """The link broke right after its first word."""


class OrderRefused(Exception):
    """The machine did not do it, and says why."""


class RemoteKernel:
    """At most one process on the machine, started and started again.

    Args:
        way: How the machine is reached.
        kernel_id: 32 hexadecimal digits.
        place: A private directory for the local sockets.
        seconds: How long the kernel lives while no notebook server is connected.
        changed: Told what becomes of it unasked, and why.
    """

    def __init__(
        self,
        way: Way,
        kernel_id: str,
        place: Path,
        seconds: float,
        changed: Callable[[State, str | None], None] = lambda _state, _because: None,
    ) -> None:
        self._way, self._id, self._place, self._seconds = way, kernel_id, place, seconds
        self._changed = changed
        self.last_words = LastWords(
            Path(f"{self.base}-{_IOPUB}"), let_go=self._let_go, make_room=self._make_room
        )
        self._carrier = Carrier(
            Stream(secrets.token_hex(16)),
            told=self._told,
            greeted=self._greeted,
            heard=self.last_words.heard,
            whole=self.last_words.whole,
            taken=self.last_words.taken,
            over=self.last_words.over,
        )
        self._numbers, self._connections = itertools.count(1), itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening: dict[int, asyncio.Task[None]] = {}
        self._greeting: asyncio.Future[None] | None = None
        self._link_number = 0
        self._runs_there = False
        self._begun: dict[str, Any] | None = None
        """What became of the order that went ahead of everything else."""
        self._again: asyncio.Task[None] | None = None
        self._starts = 0
        self.death: Death | None = None
        self.is_lost = False
        self.is_ending = False
        """Whether it was asked to end in a message of its own language."""
        self._dead = asyncio.Event()
        self.pid: int | None = None
        self.boot = ""
        """Which start of the machine it runs in, where that is known."""

    @property
    def base(self) -> str:
        """Of the local sockets' names, as Jupyter's ``ip`` has it."""
        return f"{self._place}/k"

    @property
    def runs(self) -> bool:
        """Whether a process was started and has not ended, as far as is known."""
        return self._starts > 0 and self.death is None

    # --- the link ---

    async def begin(self, **order: Any) -> None:
        """Have a supervisor on the machine, new or not, and the process started.

        Raises `NotReached`, `NotAllowed` and `OrderRefused`.
        """
        # The order goes before anything else: the kernel boots while its supervisor does.
        first = json.dumps({"ports": PORTS, **order}).encode()
        await self._attach("new", f"{self._seconds:.0f}", str(len(first)), first=first)
        if self._begun is None:  # there is one already
            if self._runs_there:  # what nobody has come back to in time
                await self.order("signal", signal=signal.SIGKILL.value)
            await self.start(**order)
            return
        if self._starts == 0:
            raise OrderRefused(str(self._begun.get("refused", _SAYS_NOT))[:1000])
        self._changed("connected", None)

    async def find(self) -> None:
        """The one that is there; without, the kernel is dead. Raises as `begin` does."""
        try:
            await self._attach("attach")
        except NotAllowed as refused:
            self._lose(str(refused), is_final=not isinstance(refused, Gone))
            raise

    async def _attach(self, verb: str, *more: str, first: bytes = b"") -> None:
        self._greeting = asyncio.get_running_loop().create_future()
        self._link_number += 1
        number = self._link_number

        def came(data: bytes) -> None:
            if number == self._link_number:
                self._came(data)

        def lost(why: NotReached | NotAllowed) -> None:
            if number == self._link_number:
                self._lost(why)

        ears = Ears(came, self._carrier.flush, lost)
        link = await self._way.open((verb, self._id, self._carrier.stream.session, *more), ears)
        if not self._greeting.done():  # it may be dead already
            if first:
                link.write(first)
            self._carrier.attach(link)
        try:
            async with asyncio.timeout(_TO_GREET):
                await asyncio.shield(self._greeting)
        except TimeoutError:
            self._carrier.detach()
            raise NotReached("The machine's part for kernels does not answer.") from None
        if not self._carrier.is_attached:
            raise _BrokeAgain(BROKE)

    def _came(self, data: bytes) -> None:
        try:
            self._carrier.came(data)
        except Malformed:
            _log.warning("The machine of kernel %s does not speak as it should.", self._id)
            self._lost(NotReached(BROKE))

    def _greeted(self, told: dict[str, Any]) -> None:
        """What the supervisor says first."""
        greeting = self._greeting
        if greeting is None or greeting.done():
            raise Malformed("a second greeting")
        if (because := why_not(told, self.boot)) is not None:
            greeting.set_exception(because)
            raise Malformed("no supervisor")
        greeting.set_result(None)
        boot = told.get("boot")
        self.boot = boot if isinstance(boot, str) else ""
        state = told.get("state")
        self._runs_there = isinstance(state, dict) and state.get("pid") is not None
        first = told.get("first")
        self._begun = first if isinstance(first, dict) and first else None
        if self._begun is not None and self._starts == 0:
            # Now, since its end may be the next thing that comes.
            self._adopt_answer(self._begun.get("done"))
        self._is_now(state)

    def _lost(self, why: NotReached | NotAllowed) -> None:
        """The link is dead: the kernel is not."""
        self._carrier.detach()
        greeting = self._greeting
        if greeting is not None and not greeting.done():
            greeting.set_exception(why)
        elif self._again is None and self._listening:
            self.come_back()
            self._changed("reconnecting", str(why))

    def come_back(self) -> None:
        """Look for the supervisor that is there, as long as the kernel may live."""
        self._again = asyncio.create_task(self._reconnect(), name="kernel-again")

    async def _reconnect(self) -> None:
        """Until it is there again, or there is nothing to come back to."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self._seconds + _GRACE, _FIRST_PAUSE
        while not self.is_lost:
            try:
                await self.find()
            except (NotReached, OSError) as not_now:
                if loop.time() > until:
                    self._lose(f"{not_now} {LOST}", is_final=True)
                if isinstance(not_now, _BrokeAgain):
                    pause = _FIRST_PAUSE
            except NotAllowed:
                return
            else:
                self._again = None
                if self.runs:
                    self._changed("connected", None)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _lose(self, because: str, *, is_final: bool) -> None:
        """There is nothing to come back to."""
        self.is_lost = True
        self._died(Death(KILLED, because, is_final))

    # --- news and orders ---

    def _told(self, told: dict[str, Any]) -> None:
        if "state" in told:
            self._is_now(told["state"])
            return
        answer = self._answers.pop(told.get("answer", 0), None)
        if answer is None or answer.done():
            return
        if "done" in told and isinstance(told["done"], dict):
            answer.set_result(told["done"])
        else:
            answer.set_exception(OrderRefused(str(told.get("refused"))[:1000]))

    def _is_now(self, state: Any) -> None:
        """What the supervisor knows of the process."""
        if not isinstance(state, dict) or state.get("starts") != self._starts:
            return
        code = state.get("code")
        if isinstance(code, int) and self.death is None:
            said = str(state.get("said", ""))[-4000:].strip()
            if said:
                _log.warning("Kernel %s ended (%s) and said at last: %s", self._id, code, said)
            self._died(of_process(code, state), asked=bool(state.get("asked")))

    def _died(self, death: Death, *, asked: bool = False) -> None:
        # Whoever's access ends has their processes killed: the news of that may come first.
        if self.death is None or (death.is_final and not self.death.is_final):
            self.death = death  # before anybody hears of it, and asks
            if not asked and not self.is_ending:
                self._changed("ended", death.because)
            if death.because is not None:
                _log.warning("Kernel %s: %s", self._id, death.because)
                if not asked and not self.is_ending:
                    self.last_words.died(death.because, is_final=death.is_final or self.is_lost)
            self._dead.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(OrderRefused(death.because or "The kernel has ended."))
        self._answers.clear()

    async def order(self, do: str, **order: Any) -> dict[str, Any]:
        """Have the supervisor do something; over a dead link, as soon as there is another.

        Raises `OrderRefused`.
        """
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._carrier.tell(order=number, do=do, **order)
        found: dict[str, Any] = await answer
        return found

    async def start(self, **order: Any) -> None:
        """Start the process (again). Raises `OrderRefused`."""
        if not self._adopt_answer(await self.order("start", ports=PORTS, **order)):
            raise OrderRefused(_SAYS_NOT)
        self._changed("connected", None)

    def _adopt_answer(self, done: Any) -> bool:
        """Whether it says which start this is."""
        starts, pid = (done.get("starts"), done.get("pid")) if isinstance(done, dict) else (0, 0)
        if not isinstance(starts, int) or not isinstance(pid, int) or starts < 1:
            return False
        self.adopt(starts, pid)
        return True

    def adopt(self, starts: int, pid: int) -> None:
        """This is the start that counts from now on."""
        self._starts, self.pid = starts, pid
        self.death, self.is_ending = None, False
        self._dead.clear()

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._starts

    async def wait(self) -> Death:
        """Until it has ended."""
        while (death := self.death) is None:
            await self._dead.wait()
        return death

    # --- local sockets ---

    def listen(self) -> None:
        """Have clients connect to the sockets here; they find the kernel at once or a bit later."""
        self.deafen()
        for port in PORTS.values():
            path = Path(f"{self.base}-{port}")
            path.unlink(missing_ok=True)
            door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            door.bind(str(path))
            door.listen(100)
            door.setblocking(False)
            self._listening[port] = asyncio.create_task(
                self._accept(door, port), name="kernel-door"
            )

    async def _accept(self, door: socket.socket, port: int) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.closing(door):
            while True:
                found, _ = await loop.sock_accept(door)
                connection = next(self._connections)
                try:
                    self._carrier.stream.open(connection, port)
                except Malformed:  # more connections than anybody needs
                    found.close()
                    continue
                if port == _IOPUB:
                    self.last_words.came(connection)
                self._carrier.carry(connection, found)
                self._carrier.flush()

    def deafen(self) -> None:
        """No more clients."""
        self.last_words.close()
        for task in self._listening.values():
            task.cancel()
        self._listening.clear()

    def _make_room(self) -> None:
        """At iopub's socket, for who says something in the kernel's place."""
        if (door := self._listening.pop(_IOPUB, None)) is not None:
            door.cancel()

    def _let_go(self, connection: int) -> None:
        """Of a client, when it has all that came for it."""
        self._carrier.finish(connection)
        self._carrier.stream.close(connection)
        self._carrier.flush()

    async def end(self) -> None:
        """Let go of everything, on the machine as well if it can be reached."""
        self.deafen()
        if self._carrier.is_attached:
            with contextlib.suppress(OrderRefused, TimeoutError):
                async with asyncio.timeout(_TO_END):
                    await self.order("end")
        if self._again is not None:
            self._again.cancel()
        self._link_number += 1
        self._carrier.end()
        await self._way.close()
