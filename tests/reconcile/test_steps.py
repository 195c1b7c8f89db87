"""What comes next, from what is wanted and what is there: a table of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from jupyterhub_vmshare.cloud.port import (
    Power,
    SeenAttachment,
    SeenDrive,
    SeenMachine,
    SeenSnapshot,
    Settled,
)
from jupyterhub_vmshare.machines.model import (
    Attachment,
    Desired,
    Drive,
    Machine,
    Snapshot,
    State,
)
from jupyterhub_vmshare.reconcile.steps import (
    Step,
    attachment_step,
    drive_step,
    machine_step,
    snapshot_step,
)
from tests.fakes.cloud_state import EVERYTHING

ROW: dict[str, Any] = {
    "made": True,
    "cloud_id": "1",
    "settled": False,
    "doing": None,
    "attempts": 0,
    "retry_at": None,
    "because": None,
}
MACHINE = Machine(
    **ROW,
    id="mch",
    desired=Desired.RUNNING,
    owner="ana",
    name="box",
    within_id=None,
    project_name=None,
    tagged=False,
    size="small",
    size_seen="small",
    processors=1,
    memory_mib=1024,
    image="debian",
    snapshot_id=None,
    made_from="Debian",
    reboots=0,
    reboots_done=0,
    reboot_hard=False,
    rebuilds=0,
    rebuilds_done=0,
    power=State.RUNNING,
    address=None,
    host_keys=["ssh-ed25519 A"],
    idle_minutes=None,
    keep_on_until=None,
    warned_at=None,
    active_at=None,
    heard_at=None,
)
NEW = {"made": False, "cloud_id": None, "power": State.NONE, "host_keys": None}
ON = SeenMachine("1", "mch", Power.RUNNING, None, "small", None, ())
OFF, BUSY, BAD = (replace(ON, power=p) for p in (Power.STOPPED, Power.CHANGING, Power.FAILED))
GONE = None
STOP, DELETE = {"desired": Desired.STOPPED}, {"desired": Desired.DELETED}
AT_REST = {"settled": True}

MACHINES = [
    (NEW, GONE, Step.CREATE, "nothing is there yet"),
    ({**NEW, "attempts": 2}, GONE, Step.CREATE, "two came out broken"),
    ({**NEW, "attempts": 3}, GONE, Step.GIVE_UP, "three came out broken"),
    ({**NEW, **AT_REST, "attempts": 3}, GONE, Step.SETTLE, "it was given up"),
    ({**NEW, **AT_REST}, ON, Step.DISCARD, "one comes late, after it was given up"),
    (NEW, ON, Step.ADOPT, "it is there, and was not written down"),
    ({**NEW, "cloud_id": "1"}, GONE, Step.CREATE, "the broken one was deleted"),
    ({**NEW, "cloud_id": "1"}, BUSY, Step.WAIT, "it is being made"),
    ({**NEW, "cloud_id": "1"}, BAD, Step.DISCARD, "it came out broken"),
    ({**NEW, "cloud_id": "1"}, ON, Step.READ_KEYS, "it runs for the first time"),
    ({"host_keys": None}, ON, Step.READ_KEYS, "its disk is fresh"),
    ({}, ON, Step.SETTLE, "it runs as it should"),
    ({}, OFF, Step.START, "it should run"),
    (STOP, ON, Step.STOP, "it should be stopped"),
    (STOP, OFF, Step.SETTLE, "it is stopped as it should be"),
    (AT_REST, OFF, Step.FOLLOW, "it was shut down from inside"),
    ({**AT_REST, **STOP}, ON, Step.FOLLOW, "it was started from elsewhere"),
    ({**AT_REST, "size": "large"}, ON, Step.FOLLOW, "it was resized from elsewhere"),
    (AT_REST, BUSY, Step.WAIT, "something happens from elsewhere"),
    ({}, GONE, Step.LOST, "it vanished"),
    ({**AT_REST, "power": State.MISSING}, GONE, Step.SETTLE, "it vanished, and says so"),
    ({"size": "large"}, ON, Step.RESIZE, "it should be larger"),
    ({"size": "large", **STOP}, OFF, Step.RESIZE, "it should be larger while it is stopped"),
    ({"size": "large", "rebuilds": 1}, ON, Step.REBUILD, "a fresh disk comes first"),
    ({"rebuilds": 1}, BAD, Step.REBUILD, "a fresh disk mends it"),
    ({"rebuilds": 1, "doing": "rebuild"}, BUSY, Step.ACCEPTED, "killed after the order"),
    ({"rebuilds": 1, "doing": "rebuild"}, ON, Step.REBUILD, "killed before the order"),
    ({"rebuilds": 1}, BUSY, Step.WAIT, "asked for while something else goes on"),
    ({"reboots": 1}, ON, Step.REBOOT, "it should reboot"),
    ({"reboots": 1}, OFF, Step.START, "a start is a reboot"),
    (
        {"reboots": 1, "reboot_hard": True, "desired": Desired.RUNNING},
        BUSY,
        Step.REBOOT,
        "a hard reboot waits for no stop",
    ),
    ({"reboots": 0, "reboot_hard": True}, BUSY, Step.WAIT, "it was rebooted hard already"),
    ({"reboots": 1, "doing": "reboot"}, BUSY, Step.ACCEPTED, "killed after the reboot's order"),
    ({}, BAD, Step.START, "it failed, and somebody asked for it"),
    ({"attempts": 1}, BAD, Step.BROKEN, "it failed again"),
    (AT_REST, BAD, Step.BROKEN, "it failed by itself"),
    ({**AT_REST, "power": State.FAILED}, BAD, Step.SETTLE, "it failed, and says so"),
    ({"reboots": 1}, BAD, Step.REBOOT, "a hard reboot may mend it"),
    ({**STOP}, BAD, Step.STOP, "it failed, and should be stopped"),
    (DELETE, ON, Step.DELETE, "it should be gone"),
    (DELETE, BUSY, Step.DELETE, "it should be gone, whatever goes on"),
    (DELETE, BAD, Step.DELETE, "it should be gone, though it failed"),
    ({**NEW, **DELETE}, ON, Step.DELETE, "it should be gone, and was not written down"),
    (DELETE, GONE, Step.FORGET, "it is gone as it should be"),
]


def table(rows: list[Any]) -> list[Any]:
    return [pytest.param(*row[:-1], id=row[-1]) for row in rows]


@pytest.mark.parametrize(("row", "seen", "step"), table(MACHINES))
def test_a_machine(row: dict[str, Any], seen: SeenMachine | None, step: Step) -> None:
    assert machine_step(replace(MACHINE, **row), seen, EVERYTHING) is step


def test_a_machine_is_stopped_first_where_it_must_be() -> None:
    row = replace(MACHINE, size="large")
    assert machine_step(row, ON, replace(EVERYTHING, resize_running=False)) is Step.STOP


DRIVE = Drive(
    **ROW,
    id="drv",
    desired=Desired.PRESENT,
    owner="ana",
    name="data",
    within_id=None,
    project_name=None,
    opened=False,
    tagged=False,
    size_gib=5,
    size_seen=5,
    clone_of=None,
    state=State.READY,
)
READY = SeenDrive("1", "drv", Settled.READY, None, 5, ())
GROWING, BROKEN = (replace(READY, settled=s) for s in (Settled.CHANGING, Settled.FAILED))
ON_ONE = replace(READY, attached_to=("m",))
NO_DRIVE = {"made": False, "cloud_id": None, "state": State.NONE}
DRIVES = [
    (NO_DRIVE, GONE, Step.CREATE, "nothing is there yet"),
    ({**NO_DRIVE, "attempts": 3}, GONE, Step.GIVE_UP, "three came out broken"),
    ({**NO_DRIVE, **AT_REST}, GONE, Step.SETTLE, "it was given up"),
    (NO_DRIVE, READY, Step.ADOPT, "it is there, and was not written down"),
    ({}, GROWING, Step.WAIT, "something goes on"),
    ({**NO_DRIVE, "cloud_id": "1"}, BROKEN, Step.DISCARD, "it came out broken"),
    ({}, BROKEN, Step.BROKEN, "it failed"),
    ({**AT_REST, "state": State.FAILED}, BROKEN, Step.SETTLE, "it failed, and says so"),
    ({}, READY, Step.SETTLE, "it is as it should be"),
    ({"size_gib": 9}, ON_ONE, Step.EXTEND, "it should be larger, attached as it is"),
    ({}, GONE, Step.LOST, "it vanished"),
    (DELETE, ON_ONE, Step.WAIT, "it should be gone, and is attached still"),
    (DELETE, READY, Step.DELETE, "it should be gone"),
    (DELETE, GONE, Step.FORGET, "it is gone as it should be"),
]


@pytest.mark.parametrize(("row", "seen", "step"), table(DRIVES))
def test_a_drive(row: dict[str, Any], seen: SeenDrive | None, step: Step) -> None:
    assert drive_step(replace(DRIVE, **row), seen, EVERYTHING) is step


SNAPSHOT = Snapshot(
    **ROW,
    id="msn",
    desired=Desired.PRESENT,
    machine_id="mch",
    machine_name="box",
    owner="ana",
    name="tools",
    state=State.READY,
    disk_gib=5,
    created_at=datetime(2026, 11, 27, tzinfo=UTC),
    project_id=None,
    opened=False,
)
STORED = SeenSnapshot("1", "msn", Settled.READY, None, 5, datetime(2026, 11, 27, tzinfo=UTC))
NONE = {"made": False, "cloud_id": None, "state": State.NONE}
SNAPSHOTS = [
    (NONE, GONE, ON, Step.CREATE, "nothing is there yet"),
    (NONE, GONE, BUSY, Step.WAIT, "its machine is busy"),
    (NONE, GONE, GONE, Step.GIVE_UP, "its machine is gone"),
    (NONE, STORED, ON, Step.ADOPT, "it is there, and was not written down"),
    ({}, STORED, GONE, Step.SETTLE, "it outlives its machine"),
    ({}, GONE, ON, Step.LOST, "it vanished"),
    (DELETE, STORED, ON, Step.DELETE, "it should be gone"),
    (DELETE, GONE, ON, Step.FORGET, "it is gone as it should be"),
]


@pytest.mark.parametrize(("row", "seen", "machine", "step"), table(SNAPSHOTS))
def test_a_snapshot(
    row: dict[str, Any], seen: SeenSnapshot | None, machine: SeenMachine | None, step: Step
) -> None:
    assert snapshot_step(replace(SNAPSHOT, **row), seen, machine) is step


ATTACHMENT = Attachment(
    **ROW,
    id="att",
    desired=Desired.ATTACHED,
    drive_id="drv",
    machine_id="mch",
    read_only=False,
    by="ana",
    state=State.NONE,
    next_machine=None,
)
OFF_IT = {"desired": Desired.DETACHED}


def bearing(machine: SeenMachine, *, read_only: bool = False, settled: bool = True) -> SeenMachine:
    return replace(machine, attachments=(SeenAttachment("1", read_only, settled),))


ATTACHMENTS = [
    ({}, READY, ON, Step.ATTACH, "it should be on it"),
    ({}, READY, OFF, Step.ATTACH, "it should be on it while it is stopped"),
    ({}, READY, BUSY, Step.WAIT, "the machine is busy"),
    ({}, GROWING, ON, Step.WAIT, "the drive is busy"),
    ({}, GONE, ON, Step.WAIT, "the drive is not made yet"),
    ({}, READY, GONE, Step.WAIT, "the machine is not made yet"),
    ({}, READY, bearing(ON), Step.SETTLE, "it is on it"),
    ({}, READY, bearing(ON, settled=False), Step.WAIT, "it is on its way"),
    ({}, READY, bearing(ON, read_only=True), Step.DETACH, "it is on it in another way"),
    (OFF_IT, READY, bearing(ON), Step.DETACH, "it should be off it"),
    (OFF_IT, READY, bearing(ON, settled=False), Step.WAIT, "it is on its way off"),
    (OFF_IT, READY, ON, Step.FORGET, "it is off it"),
    (OFF_IT, READY, GONE, Step.FORGET, "the machine is gone"),
]


def test_an_attachment_that_waits_in_vain_is_given_up() -> None:
    for row, step in ((ATTACHMENT, Step.GIVE_UP), (replace(ATTACHMENT, settled=True), Step.SETTLE)):
        assert attachment_step(row, READY, BAD, EVERYTHING, in_vain=True) is step


@pytest.mark.parametrize(("row", "drive", "machine", "step"), table(ATTACHMENTS))
def test_an_attachment(
    row: dict[str, Any], drive: SeenDrive | None, machine: SeenMachine | None, step: Step
) -> None:
    assert attachment_step(replace(ATTACHMENT, **row), drive, machine, EVERYTHING) is step
