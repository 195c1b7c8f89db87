"""Ending a virtual machine: by its own shutdown, or at least with what it wrote on its disks.

Its guest agent is asked, as it says what it does; where there is none, the power button is pressed.
Both may come to nothing while a machine starts or is busy, so that they are asked again.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.qemu.keeper.agent import QUICK, Agent, NoAnswer
from jupyterhub_vmshare.cloud.qemu.keeper.monitor import talk

_log = logging.getLogger("vmshare.keeper")
_ASKED_AGAIN: Final = 10.0
_POWER_OFF: Final = ("/usr/bin/systemctl", "--no-block", "poweroff")
_TO_FLUSH, _TO_DIE = 15.0, 10.0


def in_order(
    process: Process, agent: Path, monitor: Path, patience: float, given_up: Callable[[], bool]
) -> bool:
    """Ask a machine to shut down, and wait; whether QEMU has ended because it did.

    Args:
        process: Its QEMU, which ends when the machine has switched itself off.
        agent: The socket of its guest agent.
        monitor: The socket of QEMU's monitor.
        patience: Seconds that it has, whatever it has to stop and to write.
        given_up: Whether nobody waits for that any more.
    """
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0 and not given_up():
        _ask(agent, monitor, min(QUICK, left))
        if process.wait_unless(min(_ASKED_AGAIN, deadline - time.monotonic()), given_up):
            return True
    return not process.lives()


def _ask(agent: Path, monitor: Path, patience: float) -> None:
    try:
        with Agent(agent, patience) as asked:
            # The agent's own way is last: it has shutdown(8) plan the end with systemd-logind, and
            # says only much later that a machine without logind can't.
            with suppress(NoAnswer):
                if asked.run(*_POWER_OFF, patience=patience):
                    return
            asked.say("guest-shutdown", mode="powerdown")
    except NoAnswer:
        with suppress(Trouble):  # it may just have ended
            talk(monitor, lambda qemu: qemu.ask("system_powerdown"), patience)


def at_once(process: Process, agent: Path | None) -> None:
    """End it as it is. QEMU writes out what the machine gave it, unless it hangs itself.

    Args:
        process: Its QEMU.
        agent: Where its guest agent, if it still listens, is told to write what it has; the
            machine is not asked where there is none. Raises `Trouble`.
    """
    if agent is not None:
        with suppress(NoAnswer), Agent(agent) as asked:
            asked.ask("guest-fsfreeze-freeze")
    if process.end(signal.SIGTERM, _TO_FLUSH):
        return
    _log.warning("QEMU with number %d does not end by itself", process.pid)
    if not process.end(signal.SIGKILL, _TO_DIE):
        raise Trouble("The machine's process does not end.")
