"""What one folder holds in the model: files, snapshots of them, and what its owner is charged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

_numbers = count()


@dataclass(frozen=True)
class ModelFile:
    """A file as it was written once: whatever is written anew is another one."""

    size: int
    number: int = field(default_factory=lambda: next(_numbers))


@dataclass
class ModelSnapshot:
    """What was there when it was made; nothing before that, or where there was no room for it."""

    automatic: bool = False
    wanted: bool = True
    state: str = "making"
    files: dict[str, ModelFile] = field(default_factory=dict)


@dataclass
class ModelPolicy:
    """Snapshots by themselves: so often, and so many of them."""

    every: timedelta
    keep: int
    next_at: datetime


@dataclass
class Stored:
    """The files and the snapshots of one folder."""

    files: dict[str, ModelFile] = field(default_factory=dict)
    snapshots: dict[str, ModelSnapshot] = field(default_factory=dict)
    """The oldest first."""
    policy: ModelPolicy | None = None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files.values())

    @property
    def shelved(self) -> int:
        """Bytes of its snapshots: a file that many of them have, once."""
        every = {(name, f) for one in self.snapshots.values() for name, f in one.files.items()}
        return sum(file.size for _, file in every)

    @property
    def charged(self) -> int:
        """Bytes that its owner is charged for."""
        return self.size + self.shelved

    def copied(self) -> Stored:
        """A copy of the files, and of nothing else."""
        return Stored({name: ModelFile(file.size) for name, file in self.files.items()})

    def asked_of(self, snapshot: str) -> int:
        """The bytes that making a snapshot takes: of what the last one has as it is now, none."""
        whole = [
            one
            for snapshot_id, one in self.snapshots.items()
            if snapshot_id < snapshot and one.wanted and one.state == "done"
        ]
        before = whole[-1].files if whole else {}
        return sum(f.size for name, f in self.files.items() if before.get(name) != f)

    def keep_the_newest(self) -> None:
        """Of those that came by themselves, no more than were asked for."""
        if self.policy is None:
            return
        ended = [one for one in self.snapshots.values() if one.automatic and one.state != "making"]
        whole = [one for one in ended if one.wanted and one.state == "done"]
        kept = whole[-self.policy.keep :]
        for one in ended:
            one.wanted = one.wanted and any(one is each for each in kept)
