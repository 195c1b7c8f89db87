"""The service's side of the connection to a keeper of machines, whatever kind they are.

Each call is a connection of its own, so that there is nothing to keep up: a keeper that was
restarted is there at the next call. All orders may be given again without harm.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from jupyterhub_vmshare.cloud.keeper import messages
from jupyterhub_vmshare.cloud.port import (
    Address,
    Capabilities,
    CloudBusy,
    CloudFull,
    CloudMissing,
    CloudRefused,
    CloudUnreachable,
    DriveWanted,
    Image,
    MachineWanted,
    Power,
    SeenAttachment,
    SeenDrive,
    SeenMachine,
    SeenSnapshot,
    Settled,
    Size,
)
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT, BadMessage, Fields, object_of

SIZES: Final = (
    Size("small", "Small", processors=1, memory_mib=2048, disk_gib=10),
    Size("medium", "Medium", processors=2, memory_mib=8192, disk_gib=20),
    Size("large", "Large", processors=8, memory_mib=32_768, disk_gib=40),
)
"""The sizes where the operator names none."""
# Whole lists may be long: a machine and its drives take about 500 bytes.
_ANSWER_LIMIT: Final = 64 << 20
_LOG: Final = 1 << 18
_GONE: Final = "The machines' keeper is not running, or can't be reached."
_ERRORS: Final[dict[str, type[VMShareError]]] = {
    messages.BUSY: CloudBusy,
    messages.REFUSED: CloudRefused,
    messages.MALFORMED: CloudRefused,
    messages.FULL: CloudFull,
    messages.MISSING: CloudMissing,
}
Told = dict[str, Any]
Seen = TypeVar("Seen")


class KeptCloud:
    """The machines that a keeper has on one host, as a `Cloud`.

    Args:
        name: What kind they are.
        capabilities: What the kind can do; whether limits hold, the keeper says.
        socket: Where the keeper listens.
        sizes: How large machines can be, smallest first.
        limit: Seconds that an answer may take. Nothing slow is waited for.
    """

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        socket: Path,
        *,
        sizes: Sequence[Size] = SIZES,
        limit: float = 10.0,
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self._socket = socket
        self._sizes = sorted(sizes, key=lambda size: (size.processors, size.memory_mib))
        self._limit = limit

    async def start(self) -> None:
        """Ask what the host can do; a keeper that is away is asked at the next start."""
        try:
            hello = await self._ask("hello", version=messages.VERSION)
        except CloudUnreachable:
            return
        self.capabilities = replace(self.capabilities, limits=hello.get("limits") is True)

    async def close(self) -> None:
        return None

    async def images(self) -> Sequence[Image]:
        return _all(await self._ask("images"), "images", _image)

    async def sizes(self) -> Sequence[Size]:
        return list(self._sizes)

    # Machines

    async def machines(self) -> Sequence[SeenMachine]:
        return _all(await self._ask("machines"), "machines", _machine)

    async def machine(self, machine: str) -> SeenMachine:
        _known(machine, messages.MACHINE)
        return _one(await self._ask("machine", machine=machine), "machine", _machine)

    async def create_machine(self, wanted: MachineWanted) -> str:
        return _id(await self._ask("create_machine", **self._wanted(wanted)), messages.MACHINE)

    async def start_machine(self, machine: str) -> None:
        await self._order(machine, "start_machine")

    async def stop_machine(self, machine: str) -> None:
        await self._order(machine, "stop_machine")

    async def reboot_machine(self, machine: str, *, hard: bool) -> None:
        await self._order(machine, "reboot_machine", hard=hard)

    async def resize_machine(self, machine: str, size: str) -> None:
        _known(machine, messages.MACHINE)
        await self._order(machine, "resize_machine", size=self._size(size))

    async def rebuild_machine(self, machine: str, wanted: MachineWanted) -> None:
        _known(machine, messages.MACHINE)
        await self._order(machine, "rebuild_machine", wanted=self._wanted(wanted))

    async def delete_machine(self, machine: str) -> None:
        await self._order(machine, "delete_machine")

    async def console_log(self, machine: str, *, most_bytes: int) -> str:
        _known(machine, messages.MACHINE)
        found = await self._ask("console_log", machine=machine, most_bytes=min(most_bytes, _LOG))
        return str(found["log"])

    async def host_keys(self, machine: str) -> Sequence[str]:
        _known(machine, messages.MACHINE)
        return [str(key) for key in (await self._ask("host_keys", machine=machine))["keys"]]

    # Drives

    async def drives(self) -> Sequence[SeenDrive]:
        return _all(await self._ask("drives"), "drives", _drive)

    async def drive(self, drive: str) -> SeenDrive:
        _known(drive, messages.DRIVE)
        return _one(await self._ask("drive", drive=drive), "drive", _drive)

    async def create_drive(self, wanted: DriveWanted) -> str:
        if wanted.clone_of is not None:
            _known(wanted.clone_of, messages.DRIVE)
        return _id(await self._ask("create_drive", **asdict(wanted)), messages.DRIVE)

    async def extend_drive(self, drive: str, size_gib: int) -> None:
        _known(drive, messages.DRIVE)
        await self._ask("extend_drive", drive=drive, size_gib=size_gib)

    async def delete_drive(self, drive: str) -> None:
        _known(drive, messages.DRIVE)
        await self._ask("delete_drive", drive=drive)

    async def attach_drive(self, drive: str, machine: str, *, read_only: bool) -> None:
        _known(drive, messages.DRIVE)
        await self._order(machine, "attach_drive", drive=drive, read_only=read_only)

    async def detach_drive(self, drive: str, machine: str) -> None:
        _known(drive, messages.DRIVE)
        await self._order(machine, "detach_drive", drive=drive)

    # Snapshots

    async def snapshots(self) -> Sequence[SeenSnapshot]:
        return _all(await self._ask("snapshots"), "snapshots", _snapshot)

    async def snapshot(self, snapshot: str) -> SeenSnapshot:
        _known(snapshot, messages.SNAPSHOT)
        return _one(await self._ask("snapshot", snapshot=snapshot), "snapshot", _snapshot)

    async def create_snapshot(self, machine: str, mark: str) -> str:
        _known(machine, messages.MACHINE)
        made = await self._ask("create_snapshot", machine=machine, mark=mark)
        return _id(made, messages.SNAPSHOT)

    async def delete_snapshot(self, snapshot: str) -> None:
        _known(snapshot, messages.SNAPSHOT)
        await self._ask("delete_snapshot", snapshot=snapshot)

    # The connection

    def _size(self, name: str) -> Told:
        for size in self._sizes:
            if size.id == name:
                told = asdict(size)
                del told["name"]
                return told
        raise CloudRefused("There is no such size.")

    def _wanted(self, wanted: MachineWanted) -> Told:
        if (wanted.image is None) == (wanted.snapshot is None):
            raise CloudRefused("A machine is made from an image or from a snapshot.")
        for name, pattern, kind in (
            (wanted.image, messages.IMAGE, "image"),
            (wanted.snapshot, messages.SNAPSHOT, "snapshot"),
        ):
            if name is not None and not re.fullmatch(pattern, name):
                raise CloudRefused(f"There is no such {kind}.")
        return {**asdict(wanted), "size": self._size(wanted.size)}

    async def _order(self, machine: str, verb: str, **told: Any) -> None:
        _known(machine, messages.MACHINE)
        await self._ask(verb, machine=machine, **told)

    async def _ask(self, verb: str, **told: Any) -> Told:
        line = json.dumps({"do": verb, **told}).encode() + b"\n"
        if len(line) > LINE_LIMIT:
            raise CloudRefused("This is more than the keeper of the machines takes.")
        try:
            async with asyncio.timeout(self._limit):
                answer = await self._exchange(line)
        except (TimeoutError, OSError) as error:
            raise CloudUnreachable(_GONE) from error
        except (BadMessage, ValueError) as error:
            raise CloudUnreachable("The machines' keeper says what makes no sense.") from error
        if answer.get("ok") is not True:
            kind = _ERRORS.get(str(answer.get("code")), CloudUnreachable)
            raise kind(str(answer.get("because")))
        return answer

    async def _exchange(self, line: bytes) -> Told:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=_ANSWER_LIMIT)
        try:
            writer.write(line)
            await writer.drain()
            told = await reader.readline()
        finally:
            writer.close()
        if not told.endswith(b"\n"):
            raise OSError("the keeper closed the connection")
        return object_of(told, limit=_ANSWER_LIMIT)


def _known(name: str, pattern: str) -> None:
    """What can be no name of the keeper's is not there."""
    if not re.fullmatch(pattern, name):
        raise CloudMissing("There is no such thing here.")


def _id(answer: Told, pattern: str) -> str:
    return Fields(answer, "an answer").text("id", pattern=pattern)


def _one(answer: Told, key: str, read: Callable[[Fields], Seen]) -> Seen:
    try:
        return read(Fields(answer.get(key), f"the {key}"))
    except (BadMessage, ValueError) as error:
        raise CloudUnreachable("The machines' keeper says what makes no sense.") from error


def _all(answer: Told, key: str, read: Callable[[Fields], Seen]) -> list[Seen]:
    return [_one({key: each}, key, read) for each in answer.get(key, ())]


def _image(told: Fields) -> Image:
    return Image(
        told.text("id"), told.text("name"), str(told.take("description")), told.whole("disk_gib")
    )


def _machine(told: Fields) -> SeenMachine:
    attachments = [Fields(each, "an attachment") for each in told.items("attachments")]
    return SeenMachine(
        id=told.text("id"),
        mark=told.text("mark"),
        power=Power(told.text("power")),
        because=told.text_or_none("because", most=LINE_LIMIT),
        size=told.text("size"),
        address=Address(
            unix_path=told.text("socket"), source=told.text_or_none("source", most=LINE_LIMIT)
        ),
        attachments=tuple(
            SeenAttachment(each.text("drive"), each.truth("read_only"), each.truth("settled"))
            for each in attachments
        ),
        made_from=told.text("made_from"),
        notice=told.text_or_none("notice", most=LINE_LIMIT),
    )


def _drive(told: Fields) -> SeenDrive:
    return SeenDrive(
        id=told.text("id"),
        mark=told.text("mark"),
        settled=Settled(told.text("settled")),
        because=told.text_or_none("because", most=LINE_LIMIT),
        size_gib=told.whole("size_gib"),
        attached_to=tuple(str(name) for name in told.items("attached_to")),
    )


def _snapshot(told: Fields) -> SeenSnapshot:
    return SeenSnapshot(
        id=told.text("id"),
        mark=told.text("mark"),
        settled=Settled(told.text("settled")),
        because=told.text_or_none("because", most=LINE_LIMIT),
        disk_gib=told.whole("disk_gib"),
        made_at=datetime.fromtimestamp(told.number("made_at"), UTC),
    )
