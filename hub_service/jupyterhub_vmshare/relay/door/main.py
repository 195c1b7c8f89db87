"""The relay itself: it listens, asks the service, opens links, and cuts them when it is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import asyncssh
import structlog

from jupyterhub_vmshare.api.contract.ways import (
    Busy,
    Changed,
    Hello,
    Lock,
    Locked,
    Look,
    MachineDoor,
    NewRelayLink,
    RelayLinkView,
    ToRelay,
    Used,
    Welcome,
)
from jupyterhub_vmshare.relay.carriage import PACKET
from jupyterhub_vmshare.relay.door.guest import Guest, NotIn
from jupyterhub_vmshare.relay.door.hop import (
    Helpers,
    Key,
    MachineUnreachable,
    OrderRefused,
    connect,
)
from jupyterhub_vmshare.relay.door.limits import Door, Limits
from jupyterhub_vmshare.relay.door.links import Link, Links, Pair
from jupyterhub_vmshare.relay.door.service import Service, ServiceAddress
from jupyterhub_vmshare.relay.door.use import Use
from jupyterhub_vmshare.steps import reached

_log = structlog.get_logger("vmshare.relay")
_TELL_EVERY: Final = 10.0
_MANY_AT_ONCE: Final = 8
STOPPING: Final = "The relay is being restarted; connect again in a moment."
MEANWHILE: Final = "What you may do on this machine has just changed; connect again."


@dataclass(frozen=True)
class Settings:
    """What the relay is told from outside."""

    service: ServiceAddress
    host: str = ""
    port: int = 2222
    limits: Limits = field(default_factory=Limits)


class Relay:
    """One process's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.door = Door(settings.limits)
        self._key = Key()
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._people: frozenset[bytes] = frozenset()
        self.links = Links(self._right_ended, self._last_gone)
        self._helpers = Helpers(self._key, keepalive=settings.limits.keepalive)
        self._service = Service(settings.service, self._hello, self._hear)
        self._looks = asyncio.Semaphore(_MANY_AT_ONCE)
        self._looking: set[str] = set()
        self._use = Use()
        self._locking: dict[Pair, tuple[int, asyncio.Task[None]]] = {}
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._listening = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    # --- life ---

    async def start(self) -> None:
        """Begin: it listens once the service has said who it is and whom it believes."""
        # At its own level it writes the commands that people run.
        logging.getLogger("asyncssh").setLevel(logging.ERROR)
        self._spawn(self._service.listen(), "news of the service")
        self._spawn(self._look_after(), "looking after links")

    async def listening(self) -> int:
        """Wait until it does; the port."""
        await self._listening.wait()
        return self.port

    async def stop(self) -> None:
        """Take nobody any more, and say so to those who are in."""
        if self._acceptor is not None:
            self._acceptor.close()
        self.links.close_all(STOPPING)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._helpers.close()
        self._service.close()

    def state(self) -> dict[str, Any]:
        """For whoever looks whether it is well."""
        held = self.links.held()
        return {
            "service": self._service.is_there,
            "links": len(held),
            "channels": sum(each.channels for each in held),
            "at_the_door": self.door.waiting.total(),
        }

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("relay_task_failed", task=task.get_name(), exc_info=error)

    def _say_who_is_here(self) -> None:
        self._spawn(self._service.tell(Busy(held=self.links.held())), "who is here")

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY)
            await self._service.tell(Busy(held=self.links.held()))
            if self._settings.limits.idle is not None:
                self.links.close_quiet(self._settings.limits.idle)

    # --- what the service says ---

    def _hello(self) -> Hello:
        host = self._host_key.convert_to_public().export_public_key().decode()
        host_key = " ".join(host.split()[:2])
        return Hello(host_key=host_key, public_key=self._key.public, held=self.links.held())

    async def _hear(self, said: ToRelay) -> None:
        match said:
            case Welcome():
                await self._be_welcome(said)
            case Changed():
                self.links.apply(said.right)
            case Lock():
                # The links first and at once; the machine may take its time.
                pair = (said.right.person, said.right.machine_id)
                if self.links.version(pair) <= said.right.version:
                    self.links.apply(said.right)
                    channels = self.links.cut(pair, said.right.because or MEANWHILE)
                    reached("relay.lock.cut")
                    self._lock_beside(said, channels)
            case Look():
                for door in said.doors:
                    if door.machine_id not in self._looking:
                        self._looking.add(door.machine_id)
                        self._spawn(self._look(door), "look at a machine")

    async def _be_welcome(self, said: Welcome) -> None:
        keys = (asyncssh.import_public_key(line) for line in said.people)
        self._people = frozenset(key.public_data for key in keys)
        shown = (self._host_key, asyncssh.import_certificate(said.host_certificate))
        if self._acceptor is None:
            self._acceptor = await self._listen(shown)
            self.port = self._acceptor.get_port()
            self._listening.set()
            _log.info("relay_listens", port=self.port)
        else:
            self._acceptor.update(server_host_keys=[shown])

    async def _listen(self, shown: Any) -> asyncssh.SSHAcceptor:
        limits = self._settings.limits
        return await asyncssh.listen(
            self._settings.host,
            self._settings.port,
            server_factory=lambda: Guest(self),
            server_host_keys=[shown],
            send_server_host_keys=False,
            server_version="VMShare",
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            x11_forwarding=False,
            agent_forwarding=False,
            line_editor=False,
            encoding=None,
            max_pktsize=PACKET,
            compression_algs=None,
            login_timeout=limits.login,
            keepalive_interval=limits.keepalive,
            keepalive_count_max=3,
        )

    # --- what guests ask ---

    def believes(self, authority: asyncssh.SSHKey) -> bool:
        """Whether that authority signs for people."""
        return authority.public_data in self._people

    async def open(self, person: str, machine_id: str, guest: asyncssh.SSHServerConnection) -> Link:
        """A link: the service agrees, the account is there, the machine takes it."""
        asked = NewRelayLink(person=person, machine_id=machine_id, public_key=self._key.public)
        with self.links.opening((person, machine_id)):
            # Nobody comes in while their processes of before are being ended.
            if (locking := self._locking.get((person, machine_id))) is not None:
                await asyncio.wait({locking[1]})
            view = await self._service.open(asked)
            reached("relay.open.agreed")
            try:
                link = await self._reach(view, guest)
            except (MachineUnreachable, OrderRefused) as error:
                _log.warning("link_failed", person=person, machine=machine_id, because=str(error))
                raise NotIn(str(error)) from None
            finally:
                self._let_go_later(machine_id)
            if guest.is_closed() or not self.links.add(link):
                link.machine.abort()
                raise NotIn(MEANWHILE)
        self._spawn(self._watch(link), "link")
        _log.info("link_opened", person=person, machine=machine_id)
        return link

    async def _reach(self, view: RelayLinkView, guest: asyncssh.SSHServerConnection) -> Link:
        helper = await self._helpers.of(view.door)
        await helper.order(
            "ensure",
            name=view.account,
            uid=view.uid,
            sudo=view.sudo,
            version=view.right.version,
        )
        reached("relay.open.ensured")
        machine = await connect(
            view.door,
            view.account,
            self._key,
            view.account_certificates,
            keepalive=self._settings.limits.keepalive,
        )
        reached("relay.open.connected")
        return Link(guest, view, machine)

    async def _watch(self, link: Link) -> None:
        await link.machine.wait_closed()
        if not link.guest.is_closed():
            link.cut("The machine has closed the connection.")

    async def listeners(self, view: RelayLinkView, port: int) -> list[int]:
        """The uids of the programs that listen on a port of the machine."""
        helper = await self._helpers.of(view.door)
        done = await helper.order("listener", port=port)
        return [each for each in done.get("uids", ()) if isinstance(each, int)]

    def counted(self, link: Link) -> None:
        """Its person may have come, or gone but for the link."""
        if (link.in_use > 0) != link.is_said_to_be_used:
            link.is_said_to_be_used = link.in_use > 0
            self._say_who_is_here()

    def close(self, link: Link) -> None:
        """Its person has hung up."""
        link.machine.abort()
        self.links.remove(link)
        self._say_who_is_here()
        _log.info("link_closed", person=link.pair[0], machine=link.pair[1])

    async def _look(self, door: MachineDoor) -> None:
        """How much a machine is used; one that does not answer is not known to be idle."""
        try:
            async with self._looks:
                done = await (await self._helpers.of(door)).order("activity")
        except (MachineUnreachable, OrderRefused) as error:
            _log.info("look_failed", machine=door.machine_id, because=str(error))
            return
        finally:
            self._looking.discard(door.machine_id)
        self._let_go_later(door.machine_id)
        channels = sum(
            each.channels for each in self.links.held() if each.machine_id == door.machine_id
        )
        processors = self._use.since_last(door.machine_id, done.get("cpu_seconds"))
        await self._service.tell(
            Used(machine_id=door.machine_id, channels=channels, processors=processors)
        )

    # --- locking ---

    def _lock_beside(self, said: Lock, channels: int) -> None:
        """Without a turn: machines that do not answer must not keep the others waiting.

        The service says it again and again until it is done; one at work at it is enough.
        """
        pair, version = (said.right.person, said.right.machine_id), said.right.version
        if self._locking.get(pair, (0,))[0] == version and not channels:
            return
        self._locking[pair] = (version, self._spawn(self._lock(said, channels), "lock"))

    def _last_gone(self, pair: Pair) -> None:
        # Whoever locks an account there has use for the connection yet.
        self._let_go_later(pair[1])

    def _let_go_later(self, machine_id: str) -> None:
        asyncio.get_running_loop().call_later(30.0, self._let_go, machine_id)

    def _let_go(self, machine_id: str) -> None:
        if not self.links.on(machine_id):
            self._helpers.let_go(machine_id)

    def _right_ended(self, view: RelayLinkView) -> None:
        """An end date has come, which the service may not know of: it may be away."""
        self._spawn(self._lock_here(view), "lock at the end date")

    async def _lock_here(self, view: RelayLinkView) -> None:
        helper = self._helpers.known(view.door.machine_id)
        if helper is None:
            return  # the service has it locked when it is back
        version = view.right.version
        reached("relay.end.cut")
        try:
            await helper.order_apart("lock", name=view.account, uid=view.uid, version=version)
            reached("relay.end.locked")
        except (MachineUnreachable, OrderRefused) as error:
            _log.warning("lock_failed", machine=view.door.machine_id, because=str(error))

    async def _lock(self, said: Lock, channels: int) -> None:
        right = said.right
        told = {"processes": 0, "remaining": 0}
        because: str | None = None
        pair = (right.person, right.machine_id)
        try:
            told = await self._locked(said)
        except (MachineUnreachable, OrderRefused) as error:
            because = str(error)
        finally:
            if pair in self._locking and self._locking[pair][1] is asyncio.current_task():
                del self._locking[pair]
        _log.info("locked", person=right.person, machine=right.machine_id, because=because, **told)
        await self._service.tell(
            Locked(
                person=right.person,
                machine_id=right.machine_id,
                version=right.version,
                channels=channels,
                because=because,
                **told,
            )
        )
        reached("relay.lock.told")

    async def _locked(self, said: Lock) -> dict[str, int]:
        if said.door is None:
            raise MachineUnreachable("The machine does not run.")
        helper = await self._helpers.of(said.door)
        version = said.right.version
        done = await helper.order_apart("lock", name=said.account, uid=said.uid, version=version)
        reached("relay.lock.locked")
        self._let_go_later(said.door.machine_id)
        return {each: _count(done, each) for each in ("processes", "remaining")}


def _count(done: dict[str, Any], name: str) -> int:
    """A number that a machine tells. Raises `MachineUnreachable` for what is none."""
    found = done.get(name)
    if not isinstance(found, int) or not 0 <= found < 1 << 22:
        raise MachineUnreachable("The machine's helper does not answer as it should.")
    return found
