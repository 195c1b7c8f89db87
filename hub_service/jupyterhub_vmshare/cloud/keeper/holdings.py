"""Everything that the keeper holds, what is under way with it, and who may order what now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyterhub_vmshare.cloud.keeper import messages
from jupyterhub_vmshare.cloud.keeper.records import Record, Records


class Refused(Exception):
    """An order that is not obeyed: a code for programs, a sentence for people."""

    def __init__(self, code: str, because: str) -> None:
        super().__init__(because)
        self.code = code
        self.because = because


@dataclass(frozen=True, slots=True)
class Job:
    """What an order sets going. Nobody else orders anything of ``things`` until it has ended."""

    things: frozenset[str]
    run: Callable[[], None]


class Holdings:
    """Machines, drives and snapshots, below one directory.

    Args:
        where: Belongs to root, and nobody else gets in.
        prefix: What machines' names begin with.
        disk: What the file of a system disk is called.
    """

    def __init__(self, where: Path, *, prefix: str, disk: str) -> None:
        self.where = where
        self._disk = disk
        self.machines = Records(where / "machines", prefix)
        self.drives = Records(where / "drives", "dsk")
        self.snapshots = Records(where / "snapshots", "snp")
        self.busy: Counter[str] = Counter()
        """How many jobs each thing is part of; of a snapshot that is copied, several."""

    def load(self) -> None:
        """Read what there is."""
        self.where.mkdir(mode=0o700, parents=True, exist_ok=True)
        for records in (self.machines, self.drives, self.snapshots):
            records.load()

    def machine(self, name: str) -> Record:
        return _there(self.machines.get(name), "machine")

    def drive(self, name: str) -> Record:
        return _there(self.drives.get(name), "drive")

    def snapshot(self, name: str) -> Record:
        return _there(self.snapshots.get(name), "snapshot")

    def free(self, *things: str) -> None:
        """Refuse what is about things that are being worked on."""
        for thing in things:
            if self.busy[thing]:
                raise Refused(messages.BUSY, f"Something is under way with {thing}: ask again.")

    def drives_of(self, machine: str) -> dict[str, Record]:
        """The drives that are on a machine, or on their way to it or off it."""
        return {name: drive for name, drive in self.drives.all() if machine in drive["attached"]}

    def with_drives(self, machine: str) -> frozenset[str]:
        """A machine and all its drives: what starts, stops or ends together."""
        return frozenset((machine, *self.drives_of(machine)))

    def disk(self, machine: str) -> Path:
        return self.machines.place(machine) / self._disk

    def drive_file(self, drive: str) -> Path:
        return self.drives.place(drive) / "drive.ext4"

    def snapshot_file(self, snapshot: str) -> Path:
        return self.snapshots.place(snapshot) / self._disk

    def attach(self, drive: str, machine: str, *, read_only: bool) -> None:
        attached = self.drive(drive)["attached"]
        self.drives.change(drive, attached={**attached, machine: read_only})

    def detach(self, drive: str, machine: str) -> None:
        """A drive is on a machine no more."""
        if (record := self.drives.get(drive)) is not None:
            record["attached"].pop(machine, None)
            self.drives.change(drive, attached=record["attached"])

    def marked(self, records: Records, mark: str) -> str | None:
        """What was made with a mark already."""
        return next((name for name, record in records.all() if record["mark"] == mark), None)


def _there(record: Record | None, kind: str) -> Record:
    if record is None:
        raise Refused(messages.MISSING, f"There is no such {kind} here.")
    return record


def tag_of(drive: Record) -> str:
    """How a drive is called on a machine."""
    return str(drive["mark"])[-12:]
