"""What a size's processors and memory mean, where the host has the control groups for it."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Final

_PERIOD: Final = 100_000
_PROCESSES: Final = 8192
_GROUP: Final = "vmshare-sandboxes"
_WANTED: Final = ("cpu", "memory", "pids")


class Limits:
    """The control groups of the machines, of either version.

    Args:
        where: Where control groups are mounted.
    """

    def __init__(self, where: Path = Path("/sys/fs/cgroup")) -> None:
        self._unified = (where / "cgroup.controllers").exists()
        if self._unified:
            self._roots = dict.fromkeys(_WANTED, where / _GROUP)
        else:
            self._roots = {name: where / name / _GROUP for name in _WANTED}
        self.hold = self._begin()
        """Whether limits can be enforced here."""

    def _begin(self) -> bool:
        try:
            for root in set(self._roots.values()):
                root.mkdir(exist_ok=True)
                if self._unified:
                    told = " ".join(f"+{name}" for name in _WANTED)
                    (root.parent / "cgroup.subtree_control").write_text(told)
                    (root / "cgroup.subtree_control").write_text(told)
            files = ("cpu.max",) if self._unified else ("cpu.cfs_quota_us",)
            probe = self._roots["cpu"] / "probe"
            probe.mkdir(exist_ok=True)
            able = all((probe / file).exists() for file in files)
            probe.rmdir()
            return able
        except OSError:
            return False

    def set(self, machine: str, processors: int, memory_mib: int) -> list[str]:
        """Make a machine's groups, or change them; the files that its first process is put in."""
        if not self.hold:
            return []
        for place in self._places(machine):
            place.mkdir(exist_ok=True)
        quota, memory = processors * _PERIOD, memory_mib << 20
        if self._unified:
            told = {
                ("cpu", "cpu.max"): f"{quota} {_PERIOD}",
                ("memory", "memory.max"): str(memory),
                ("pids", "pids.max"): str(_PROCESSES),
            }
        else:
            told = {
                ("cpu", "cpu.cfs_quota_us"): str(quota),
                ("memory", "memory.limit_in_bytes"): str(memory),
                ("pids", "pids.max"): str(_PROCESSES),
            }
        for (controller, file), value in told.items():
            (self._roots[controller] / machine / file).write_text(value)
        return [str(place / "cgroup.procs") for place in self._places(machine)]

    def remove(self, machine: str) -> None:
        """A machine that has ended needs none; its last processes may just be on their way out."""
        for place in self._places(machine):
            for _ in range(100):
                try:
                    place.rmdir()
                except OSError as error:
                    if error.errno == errno.EBUSY:
                        time.sleep(0.01)
                        continue
                break

    def _places(self, machine: str) -> list[Path]:
        return sorted({root / machine for root in self._roots.values()})
