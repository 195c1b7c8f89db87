"""Copies of disks that are in use, as they were at one moment.

The machine's file systems are held still for that moment where its guest agent listens; else the
copy is what a machine would find whose power went. QEMU copies while the machine goes on.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.cloud.qemu.keeper.agent import Agent, NoAnswer
from jupyterhub_vmshare.cloud.qemu.keeper.boot import channel_of
from jupyterhub_vmshare.cloud.qemu.keeper.monitor import Monitor, talk
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")
_FREEZE_PATIENCE: Final = 20.0


def copy(run: Path, machine: str, node: str, target: Path, how: dict[str, Any]) -> None:
    """Copy a node of a machine that runs into a file that is there, as large and empty.

    Args:
        run: The keeper's run directory.
        machine: The machine.
        node: What is copied; of layers the uppermost.
        target: The file.
        how: In which format QEMU writes it.
    """
    monitor = channel_of(run, machine, "mon")
    job, copied = f"copy-{node}", f"to-{node}"

    async def prepare(asked: Monitor) -> None:
        await asked.end_copying(job, copied)
        await asked.add_file(copied, target, how, read_only=False)

    async def begin(asked: Monitor) -> None:
        sync = "top" if "backing" in how else "full"
        await asked.ask(
            "blockdev-backup",
            job_id=job,
            device=node,
            target=copied,
            sync=sync,
            auto_dismiss=False,
        )

    talk(monitor, prepare)
    agent = _held_still(run, machine)
    try:
        reached("keeper.snapshot.still")
        talk(monitor, begin)
    finally:
        if agent is not None:
            _let_go(agent)
    talk(monitor, lambda asked: asked.wait_for_copy(job, copied))


def _held_still(run: Path, machine: str) -> Agent | None:
    try:
        agent = Agent(channel_of(run, machine, "aga"), _FREEZE_PATIENCE)
    except NoAnswer:
        return None
    try:
        agent.ask("guest-fsfreeze-freeze")
    except NoAnswer as error:
        _log.warning("%s is not held still: %s", machine, error)
        _let_go(agent)
        return None
    return agent


def _let_go(agent: Agent) -> None:
    with agent, suppress(NoAnswer):
        agent.ask("guest-fsfreeze-thaw")
