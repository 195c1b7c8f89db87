"""Orders to QEMU, through `qemu.qmp`. Each conversation is a connection of its own."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from qemu.qmp import ExecuteError, QMPClient, QMPError

from jupyterhub_vmshare.cloud.keeper.files import Trouble

_log = logging.getLogger("vmshare.keeper")
_TO_CONNECT: Final = 20.0
_TO_ANSWER: Final = 60.0
_TO_GO: Final = 30.0
_A_MOMENT: Final = 0.05
Found = TypeVar("Found")


class Monitor:
    """One conversation with one machine's QEMU. Made by `talk`."""

    def __init__(self, client: QMPClient) -> None:
        self._client = client

    async def ask(self, do: str, **told: Any) -> Any:
        """One order, its keys with underscores for hyphens, and what it gave."""
        arguments = {name.replace("_", "-"): value for name, value in told.items()}
        async with asyncio.timeout(_TO_ANSWER):
            return await self._client.execute(do, arguments)

    async def runs(self) -> bool:
        """Whether its processors were ever started."""
        told = await self.ask("query-status")
        return told["status"] not in ("prelaunch", "inmigrate")

    # Files that it is handed, so that it opens none itself

    async def add_file(
        self, node: str, path: Path, how: dict[str, Any], *, read_only: bool
    ) -> None:
        """Have a file be a node, unless it is one already."""
        if await self.has_node(node):
            return
        file = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
        try:
            self._client.send_fd_scm(file)
            number = (await self.ask("add-fd"))["fdset-id"]
        finally:
            os.close(file)
        try:
            name = f"/dev/fdset/{number}"
            under = {"driver": "file", "filename": name, "discard": "unmap"}
            await self.ask(
                "blockdev-add",
                **how,
                node_name=node,
                read_only=read_only,
                discard="unmap",
                file=under,
            )
        finally:
            # It goes for good with the node that uses it.
            await self.ask("remove-fd", fdset_id=number)

    async def has_node(self, node: str) -> bool:
        """Whether there is such a node."""
        nodes = await self.ask("query-named-block-nodes", flat=True)
        return any(each["node-name"] == node for each in nodes)

    async def remove_node(self, node: str) -> None:
        """Have there be no such node."""
        async with asyncio.timeout(_TO_GO):
            while await self.has_node(node):
                with suppress(ExecuteError):  # what used it is just going
                    await self.ask("blockdev-del", node_name=node)
                    return
                await asyncio.sleep(_A_MOMENT)

    # Devices

    async def devices(self) -> set[str]:
        """The names of devices that came with a name."""
        return {each["name"] for each in await self.ask("qom-list", path="/machine/peripheral")}

    async def remove_device(self, name: str) -> None:
        """Have there be no such device. The machine is not asked."""
        async with asyncio.timeout(_TO_GO):
            while name in await self.devices():
                with suppress(ExecuteError):  # it is on its way out already
                    await self.ask("device_del", id=name)
                await asyncio.sleep(_A_MOMENT)

    # Copies

    async def end_copying(self, job: str, node: str) -> None:
        """End what an earlier keeper began to copy."""
        async with asyncio.timeout(_TO_GO):
            while (state := await self._state_of(job)) is not None:
                with suppress(ExecuteError):
                    await self.ask("job-dismiss" if state == "concluded" else "job-cancel", id=job)
                await asyncio.sleep(_A_MOMENT)
        await self.remove_node(node)

    async def wait_for_copy(self, job: str, node: str) -> None:
        """Until it is copied, however long that takes."""
        while await self._state_of(job) != "concluded":  # noqa: ASYNC110 (QEMU is who knows)
            await asyncio.sleep(_A_MOMENT * 4)
        told = next(each for each in await self.ask("query-jobs") if each["id"] == job)
        await self.end_copying(job, node)
        if "error" in told:
            _log.error("copying ended with %s", told["error"])
            raise Trouble("A disk could not be copied on the host of the machines.")

    async def _state_of(self, job: str) -> str | None:
        jobs = {each["id"]: str(each["status"]) for each in await self.ask("query-jobs")}
        return jobs.get(job)


def talk(
    path: Path, do: Callable[[Monitor], Awaitable[Found]], to_connect: float = _TO_CONNECT
) -> Found:
    """Do something with a machine's QEMU, from a thread that may wait. Raises `Trouble`."""
    try:
        return asyncio.run(_talk(path, do, to_connect))
    except (QMPError, TimeoutError, OSError, EOFError) as error:
        _log.error("QEMU at %s: %s: %s", path.name, type(error).__name__, error)
        raise Trouble("QEMU did not obey on the host of the machines.") from error


async def _talk(path: Path, do: Callable[[Monitor], Awaitable[Found]], to_connect: float) -> Found:
    client = QMPClient("keeper")
    async with asyncio.timeout(to_connect):
        await client.connect(str(path))
    try:
        return await do(Monitor(client))
    finally:
        with suppress(QMPError, OSError, EOFError):
            await client.disconnect()
