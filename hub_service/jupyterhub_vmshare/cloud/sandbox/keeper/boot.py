"""What starting a machine needs to know. The keeper tells it the shim, which stays."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive as the machine is started with it: at ``/srv/drives/<tag>``."""

    path: str
    tag: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of one machine.

    Attributes:
        place: The directory of the machine's files.
        image: The tree that its root begins with.
        base: The host's id that is its root.
        run: The keeper's run directory.
        relay_uid: Who may connect to its SSH server.
        groups: Files of control groups that its first process is put in.
        memory_mib: Half of it may lie in its ``/dev/shm``.
        files: What it finds in ``/run/vmshare``, by name.
    """

    machine: str
    place: str
    image: str
    base: int
    run: str
    relay_uid: int
    hostname: str
    groups: tuple[str, ...]
    memory_mib: int
    files: dict[str, str]
    drives: tuple[Drive, ...]

    @classmethod
    def parse(cls, text: str) -> Boot:
        raw = json.loads(text)
        drives = tuple(Drive(**drive) for drive in raw.pop("drives"))
        return cls(**{**raw, "groups": tuple(raw.pop("groups"))}, drives=drives)

    def text(self) -> str:
        """As `parse` reads it."""
        return json.dumps(asdict(self))

    @property
    def disk(self) -> Path:
        """What the machine has written, as an image of an ext4."""
        return Path(self.place) / "disk.ext4"

    @property
    def record(self) -> Path:
        """Which process it is, while it runs."""
        return Path(self.place) / "process.json"

    @property
    def console(self) -> Path:
        return Path(self.place) / "console.log"

    @property
    def lock(self) -> Path:
        """Held by the shim as long as there is one."""
        return Path(self.place) / "shim.lock"

    @property
    def socket(self) -> Path:
        return socket_of(Path(self.run), self.machine)


def socket_of(run: Path, machine: str) -> Path:
    """Where a machine's SSH server is reached."""
    return run / "ssh" / f"{machine}.sock"
