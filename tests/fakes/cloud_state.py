"""What a cloud in memory has, how orders come true in it, and what a test can do to it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from jupyterhub_vmshare.cloud.port import (
    Capabilities,
    CloudBusy,
    CloudMissing,
    CloudRefused,
    CloudUnreachable,
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

EVERYTHING = Capabilities(
    reboot_hard=True,
    resize=True,
    resize_running=True,
    rebuild=True,
    snapshot=True,
    snapshot_running=True,
    attach_running=True,
    attach_read_only=True,
    attach_to_many=True,
    extend_drive=True,
    extend_attached=True,
    clone_drive=True,
    console_log=True,
    arrives_mounted=True,
    limits=True,
)


class MachineChanges(TypedDict, total=False):
    """What becomes of a machine."""

    power: Power
    size: str
    made_from: str | None
    attachments: tuple[SeenAttachment, ...]


class DriveChanges(TypedDict, total=False):
    """What becomes of a drive."""

    settled: Settled
    because: str | None
    size_gib: int
    attached_to: tuple[str, ...]


IMAGES = (
    Image("debian", "Debian", "A small Debian", disk_gib=2),
    Image("science", "Science", "Debian with what scientists use", disk_gib=10),
)
SIZES = (
    Size("small", "Small", processors=1, memory_mib=1024, disk_gib=5),
    Size("large", "Large", processors=4, memory_mib=8192, disk_gib=20),
)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class HeldMachine:
    seen: SeenMachine
    disk_gib: int
    keys: int = 0
    console: str = ""


@dataclass
class CloudState:
    """A cloud. ``orders`` is what it was told, in order: the verb and the thing's id or mark."""

    name: str = "fake"
    capabilities: Capabilities = EVERYTHING
    orders: list[tuple[str, str]] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds until an order has come true, by the name of the port's method."""
    unreachable: bool = False
    """Every call raises `CloudUnreachable` and changes nothing."""
    now: float = 0.0
    _machines: dict[str, HeldMachine] = field(default_factory=dict)
    _drives: dict[str, SeenDrive] = field(default_factory=dict)
    _snapshots: dict[str, SeenSnapshot] = field(default_factory=dict)
    _refuse: defaultdict[str, deque[VMShareError]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _lose: list[str] = field(default_factory=list)
    _fail: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    _pending: list[tuple[float, frozenset[str], Callable[[], None]]] = field(default_factory=list)
    _going_on: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    # What a test scripts

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def refuse_next(self, order: str, error: VMShareError) -> None:
        """The next order of this name raises ``error``, and changes nothing."""
        self._refuse[order].append(error)

    def lose_next(self, order: str) -> None:
        """The next order of this name is obeyed, but its answer is lost on the way."""
        self._lose.append(order)

    def fail_next(self, order: str, because: str) -> None:
        """The next order of this name is accepted, and what it makes or changes ends as failed."""
        self._fail[order].append(because)

    def crash(self, machine: str) -> None:
        """The machine stops by itself, as when its host was switched off."""
        self._pass()
        self._change(machine, power=Power.STOPPED)

    def vanish(self, thing: str) -> None:
        """Somebody removed it behind our back."""
        self._pass()
        for things in (self._machines, self._drives, self._snapshots):
            things.pop(thing, None)

    def break_down(self, thing: str, because: str) -> None:
        """It fails by itself, as when its host burns."""
        self._pass()
        self._failed(thing, because)

    # How it comes true

    def _look(self) -> None:
        if self.unreachable:
            raise CloudUnreachable("The cloud does not answer.")
        self._pass()

    def _pass(self) -> None:
        due = [entry for entry in self._pending if entry[0] <= self.now]
        self._pending = [entry for entry in self._pending if entry[0] > self.now]
        for _, _, come_true in sorted(due, key=lambda entry: entry[0]):
            come_true()

    def _begin(self, order: str, what: str) -> None:
        self._look()
        self.orders.append((order, what))
        if self._refuse[order]:
            raise self._refuse[order].popleft()

    def _then(self, order: str, thing: str, come_true: Callable[[], object], *more: str) -> None:
        """Have an order come true later, or fail; the things are busy until then."""

        def finish() -> None:
            if because is None:
                come_true()
            else:
                self._failed(thing, because)

        because = self._fail[order].popleft() if self._fail[order] else None
        due = self.now + self.delays.get(order, 0.0)
        self._pending.append((due, frozenset((thing, *more)), finish))
        self._going_on[thing] = order
        if order in self._lose:
            self._lose.remove(order)
            raise CloudUnreachable("The cloud did not answer in time.")

    def _free(self, thing: str) -> None:
        if any(thing in busy for _, busy, _ in self._pending):
            raise CloudBusy(f"The cloud is at work on {thing}.")

    def _overtake(self, machine: str) -> None:
        """A hard reboot waits for no stop."""
        if self._going_on.get(machine) in ("stop_machine", "reboot_machine"):
            self._pending = [each for each in self._pending if machine not in each[1]]

    def _order_machine(self, order: str, machine: str) -> None:
        self._begin(order, machine)
        self._the_machine(machine)
        self._free(machine)

    def _new(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._made}"

    def _the_machine(self, machine: str) -> HeldMachine:
        if machine not in self._machines:
            raise CloudMissing(f"There is no machine {machine}.")
        return self._machines[machine]

    def _the_drive(self, drive: str) -> SeenDrive:
        if drive not in self._drives:
            raise CloudMissing(f"There is no drive {drive}.")
        return self._drives[drive]

    def _free_drive(self, drive: str) -> SeenDrive:
        found = self._the_drive(drive)
        self._free(drive)
        return found

    def _as_seen(self, machine: str) -> SeenMachine:
        return self._machines[machine].seen

    def _change(self, machine: str, **changes: Unpack[MachineChanges]) -> None:
        found = self._machines[machine]
        found.seen = replace(found.seen, because=None, **changes)

    def _drive(self, drive: str, **changes: Unpack[DriveChanges]) -> None:
        self._drives[drive] = replace(self._drives[drive], **changes)

    def _power(self, machine: str, order: str, then: Power) -> None:
        self._change(machine, power=Power.CHANGING)
        done = self._booted if then is Power.RUNNING else self._stopped
        self._then(order, machine, lambda: done(machine))

    def _booted(self, machine: str, *, fresh: bool = False) -> None:
        found = self._machines[machine]
        found.keys += fresh
        found.console += f"booted at {self.now}\n"
        self._change(machine, power=Power.RUNNING)

    def _stopped(self, machine: str) -> None:
        self._change(machine, power=Power.STOPPED)

    def _failed(self, thing: str, because: str) -> None:
        if thing in self._machines:
            found = self._machines[thing]
            found.seen = replace(found.seen, power=Power.FAILED, because=because)
        elif thing in self._drives:
            self._drive(thing, settled=Settled.FAILED, because=because)
        elif thing in self._snapshots:
            seen = self._snapshots[thing]
            self._snapshots[thing] = replace(seen, settled=Settled.FAILED, because=because)

    def _gone(self, machine: str) -> None:
        for at in self._machines[machine].seen.attachments:
            self._let_go(at.drive, machine)
        del self._machines[machine]

    def _let_go(self, drive: str, machine: str) -> None:
        rest = tuple(each for each in self._drives[drive].attached_to if each != machine)
        self._drive(drive, attached_to=rest)

    def _may_share(self, drive: str, read_only: bool) -> bool:
        others = [
            at
            for machine in self._machines.values()
            for at in machine.seen.attachments
            if at.drive == drive
        ]
        return self.capabilities.attach_to_many and read_only and all(at.read_only for at in others)

    def _settle(self, machine: str, drive: str, *, settled: bool) -> None:
        attachments = self._machines[machine].seen.attachments
        changed = (replace(at, settled=settled) if at.drive == drive else at for at in attachments)
        self._change(machine, attachments=tuple(changed))

    def _attached(self, drive: str, machine: str) -> None:
        self._settle(machine, drive, settled=True)

    def _detached(self, drive: str, machine: str) -> None:
        attachments = self._machines[machine].seen.attachments
        self._change(machine, attachments=tuple(at for at in attachments if at.drive != drive))
        self._let_go(drive, machine)

    def _copied(self, snapshot: str) -> None:
        self._snapshots[snapshot] = replace(self._snapshots[snapshot], settled=Settled.READY)

    def _disk_of(self, wanted: MachineWanted) -> tuple[str, int]:
        if (wanted.image is None) == (wanted.snapshot is None):
            raise CloudRefused("A machine is made from an image or from a snapshot.")
        size = size_called(wanted.size)
        source = wanted.image or wanted.snapshot or ""
        least = self._least_disk(wanted)
        if size.disk_gib < least:
            raise CloudRefused(f"This needs a size with a disk of {least} GiB or more.")
        return source, size.disk_gib

    def _least_disk(self, wanted: MachineWanted) -> int:
        if wanted.snapshot is None:
            known = {image.id: image for image in IMAGES}
            if wanted.image not in known:
                raise CloudRefused("There is no such image.")
            return known[wanted.image].disk_gib
        found = self._snapshots.get(wanted.snapshot)
        if found is None or found.settled is not Settled.READY:
            raise CloudRefused("There is no such snapshot.")
        return found.disk_gib


def size_called(name: str) -> Size:
    for size in SIZES:
        if size.id == name:
            return size
    raise CloudRefused("There is no such size.")
