"""The keeper's socket: who may order, how each order is answered, and what it sets going."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.cloud.keeper import messages
from jupyterhub_vmshare.cloud.keeper.drives import Drives
from jupyterhub_vmshare.cloud.keeper.hands import Hands, Power
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, Job, Refused
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.machines import Machines
from jupyterhub_vmshare.cloud.keeper.snapshots import Snapshots
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, BadMessage, object_of

_log = logging.getLogger("vmshare.keeper")
_AT_ONCE: Final = 32
"""Most of them wait: machines that stop in order take minutes, and hold up no start."""
_SOON: Final = 2.0
_OFTEN_QUICK: Final = frozenset({"attach_drive", "detach_drive", "extend_drive"})
"""What is answered when it is done, or after `_SOON` seconds: nobody has to ask again then."""
_PATIENCE: Final = 10.0
Answer = dict[str, Any]


class Server:
    """The one place where orders come in.

    Args:
        holdings: What there is.
        images: What machines begin with.
        power: Their processes.
        hands: What is done with their drives.
        limits: Whether sizes are enforced.
        service_uid: Whose orders are taken, beside root's.
    """

    def __init__(
        self,
        holdings: Holdings,
        images: Images,
        power: Power,
        hands: Hands,
        *,
        limits: bool,
        service_uid: int,
    ) -> None:
        self._holdings = holdings
        self._images = images
        self._limits = limits
        self._power = power
        self._service_uid = service_uid
        self._machines = Machines(holdings, images, power)
        self._drives = Drives(holdings, hands)
        self._snapshots = Snapshots(holdings, power)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="work")
        self._going: dict[str, asyncio.Future[None]] = {}
        self._server: asyncio.Server | None = None
        self._verbs = self._all_verbs()

    async def start(self, path: Path) -> None:
        """Take up what is under way, then listen."""
        for room in (self._machines, self._drives, self._snapshots):
            for job in room.under_way():
                self._set_going(job)
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LINE_LIMIT)
        # Anybody may connect; who is listened to is decided by the kernel's word on who it is.
        os.chmod(path, 0o666)  # noqa: S103 (it opens nothing by itself)

    async def close(self) -> None:
        """Take no more orders, and finish what was begun."""
        if self._server is not None:
            self._server.close()
        await asyncio.to_thread(self._pool.shutdown)

    def _set_going(self, job: Job) -> None:
        self._holdings.busy.update(job.things)
        done = asyncio.get_running_loop().run_in_executor(self._pool, job.run)
        self._going |= dict.fromkeys(job.things, done)
        done.add_done_callback(lambda ended: self._ended(job, ended))

    def _ended(self, job: Job, ended: asyncio.Future[None]) -> None:
        self._holdings.busy.subtract(job.things)
        for thing in job.things:
            if self._going.get(thing) is ended:
                del self._going[thing]
        if not ended.cancelled() and (error := ended.exception()) is not None:
            _log.error("a mistake of the keeper's", exc_info=error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer_to(reader, writer)
            writer.write(json.dumps(answer).encode() + b"\n")
            await asyncio.wait_for(writer.drain(), _PATIENCE)
        except (OSError, TimeoutError):
            return  # whoever asked has gone, and will look
        finally:
            writer.close()

    async def _answer_to(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Answer:
        try:
            line = await asyncio.wait_for(reader.readline(), _PATIENCE)
        except ValueError:
            return messages.refusal(messages.MALFORMED, f"A line is {LINE_LIMIT} bytes at most.")
        # Only now: who is not read from would not hear the answer.
        uid = _uid_of(writer)
        if uid not in (0, self._service_uid):
            _log.warning("refused somebody with uid %d", uid)
            return messages.refusal(messages.NOT_ALLOWED, "Only the hub service may give orders.")
        return await self.obey(line)

    async def obey(self, line: bytes) -> Answer:
        """The answer to an order. Nothing that a line says makes this raise."""
        try:
            verb, told = messages.order_of(object_of(line))
        except BadMessage as error:
            return messages.refusal(messages.MALFORMED, str(error))
        try:
            answer = self._verbs[verb](told)
        except Refused as refused:
            _log.info("%s: refused, %s", verb, refused.code)
            return messages.refusal(refused.code, refused.because)
        except Exception:
            _log.exception("%s failed", verb)
            because = "The keeper made a mistake; its log says more."
            return messages.refusal(messages.FAILED, because)
        if verb in _OFTEN_QUICK and (going := self._going.get(told["drive"])) is not None:
            await asyncio.wait({going}, timeout=_SOON)
        return {"ok": True, **answer}

    def _begun(self, job: Job | None) -> Answer:
        if job is not None:
            self._set_going(job)
        return {}

    def _made(self, made: tuple[str, Job | None]) -> Answer:
        name, job = made
        return {"id": name, **self._begun(job)}

    def _all_verbs(self) -> dict[str, Callable[[Answer], Answer]]:
        machines, drives, snapshots, begun = (
            self._machines, self._drives, self._snapshots, self._begun,
        )  # fmt: skip
        return {
            "hello": lambda t: {"version": messages.VERSION, "limits": self._limits},
            "images": lambda t: {"images": self._images.all()},
            "machines": lambda t: {"machines": self._seen(self._holdings.machines, machines)},
            "machine": lambda t: {"machine": machines.seen(t["machine"])},
            "create_machine": lambda t: self._made(machines.create(t)),
            "start_machine": lambda t: begun(machines.start(t["machine"])),
            "stop_machine": lambda t: begun(machines.stop(t["machine"])),
            "reboot_machine": lambda t: begun(machines.reboot(t["machine"], hard=t["hard"])),
            "resize_machine": lambda t: begun(machines.resize(t["machine"], t["size"])),
            "rebuild_machine": lambda t: begun(machines.rebuild(t["machine"], t["wanted"])),
            "delete_machine": lambda t: begun(machines.delete(t["machine"])),
            "console_log": lambda t: {"log": self._console(t["machine"], t["most_bytes"])},
            "host_keys": lambda t: {"keys": self._power.host_keys(t["machine"])},
            "drives": lambda t: {"drives": self._seen(self._holdings.drives, drives)},
            "drive": lambda t: {"drive": drives.seen(t["drive"])},
            "create_drive": lambda t: self._made(drives.create(t)),
            "extend_drive": lambda t: begun(drives.extend(t["drive"], t["size_gib"])),
            "delete_drive": lambda t: begun(drives.delete(t["drive"])),
            "attach_drive": lambda t: begun(
                drives.attach(t["drive"], t["machine"], read_only=t["read_only"])
            ),
            "detach_drive": lambda t: begun(drives.detach(t["drive"], t["machine"])),
            "snapshots": lambda t: {"snapshots": self._seen(self._holdings.snapshots, snapshots)},
            "snapshot": lambda t: {"snapshot": snapshots.seen(t["snapshot"])},
            "create_snapshot": lambda t: self._made(snapshots.create(t["machine"], t["mark"])),
            "delete_snapshot": lambda t: begun(snapshots.delete(t["snapshot"])),
        }

    def _seen(self, records: Any, room: Machines | Drives | Snapshots) -> list[Answer]:
        return [room.seen(name) for name, _ in records.all()]

    def _console(self, machine: str, most_bytes: int) -> str:
        self._holdings.machine(machine)
        return self._power.console(machine, most_bytes)


def _uid_of(writer: asyncio.StreamWriter) -> int:
    connection: socket.socket = writer.get_extra_info("socket")
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", told)[1])
