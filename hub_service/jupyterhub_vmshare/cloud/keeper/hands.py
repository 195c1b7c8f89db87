"""What a keeper needs of the kind of machines that it keeps.

Every step looks at what is there and may be taken twice. What does not work raises `files.Trouble`
with a sentence, or OSError.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.keeper.records import Record

IDS: Final = 65_536
"""How many ids of the host a machine has; they begin at the record's ``base``, which is never 0."""


class Power(Protocol):
    """Machines as processes, and their disks."""

    resizes_running: bool
    first_base: int
    source: str | None
    """From which address machines see the relay come."""

    def process(self, machine: str) -> Process | None:
        """A machine's process, if it runs."""

    def door(self, machine: str) -> Path:
        """The socket on which the relay reaches its SSH server."""

    def make_disk(self, machine: str) -> None:
        """Have its system disk, from the image or the snapshot in its record."""

    def forget(self, machine: str) -> None:
        """Remove what starts left, of a machine that begins anew or goes."""

    def start(self, machine: str) -> None:
        """Have it run; it returns when its process does."""

    def stop_in_order(self, machine: str, given_up: Callable[[], bool]) -> float | None:
        """Ask it to stop and wait until it has, with all that it does then.

        Args:
            machine: The machine.
            given_up: Whether nobody waits for that any more; asked again and again.

        Returns:
            None once it does not run; else the seconds that it had, and were not enough.
        """

    def end(self, machine: str, *, saving: bool) -> None:
        """Have it not run, at once; ``saving``: what it has not written yet is, if it listens."""

    def resize(self, machine: str, size: Record) -> None:
        """Have it be as large as this."""

    def copy_disk(self, machine: str, path: Path) -> None:
        """Copy its system disk as it is at one moment."""

    def host_keys(self, machine: str) -> list[str]:
        """Its public keys, once it has made them; the first that were seen stay."""

    def console(self, machine: str, most_bytes: int) -> str:
        """The end of what it said."""


class Hands(Protocol):
    """What is done with drives."""

    def copy_drive(self, source: str, path: Path) -> None:
        """Copy a drive as it is at one moment."""

    def extend(self, drive: str, size_gib: int) -> None:
        """Have it be as large as this, also on the machine that it is on."""

    def wait_until_free(self, drive: str) -> None:
        """Nobody uses its file any more."""

    def attach(self, drive: str, machine: str) -> None:
        """Have it on a machine that runs; one that does not finds it when it starts."""

    def detach(self, drive: str, machine: str) -> None:
        """Have it off a machine, with everybody who has something open on it."""
