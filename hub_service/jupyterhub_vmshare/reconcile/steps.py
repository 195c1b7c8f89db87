"""The next step towards what is wanted, from what is wanted and what is there. Pure.

A step may be taken twice: whoever is killed after it looks again, and goes on from what it sees.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from jupyterhub_vmshare.cloud.port import (
    Capabilities,
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
    Row,
    Snapshot,
    State,
)

MOST_ATTEMPTS: Final = 3
"""So often something is made anew that came out broken, until a person says so again."""


class Step(StrEnum):
    """What to do next. Those up to ``DETACH`` are orders to the cloud."""

    CREATE = "create"
    DISCARD = "discard"
    """Delete what came out broken, to make another one."""
    DELETE = "delete"
    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    RESIZE = "resize"
    REBUILD = "rebuild"
    EXTEND = "extend"
    ATTACH = "attach"
    DETACH = "detach"

    WAIT = "wait"
    ADOPT = "adopt"
    """It is there, and our row does not know its id yet."""
    ACCEPTED = "accepted"
    """The order was obeyed, and whoever gave it was killed before it was written down."""
    READ_KEYS = "read_keys"

    SETTLE = "settle"
    """All is as it should be."""
    FOLLOW = "follow"
    """It was started, stopped or resized from elsewhere: that is what is wanted now."""
    BROKEN = "broken"
    """It failed, and nothing that may be done by itself mends it."""
    GIVE_UP = "give_up"
    """It could not be made."""
    LOST = "lost"
    """It was there once, and is no more."""
    FORGET = "forget"
    """It was not wanted, and is no more."""


ORDERS: Final = tuple(Step)[: tuple(Step).index(Step.WAIT)]
ENDS: Final = frozenset(
    {Step.SETTLE, Step.FOLLOW, Step.BROKEN, Step.GIVE_UP, Step.LOST, Step.FORGET}
)
_TOLD_APART_BY_COUNTING: Final = {Step.REBOOT: "reboots", Step.REBUILD: "rebuilds"}


def machine_step(row: Machine, seen: SeenMachine | None, can: Capabilities) -> Step:
    """For a machine."""
    if row.desired is Desired.DELETED:
        return Step.FORGET if seen is None else Step.DELETE
    if seen is None:
        return _absent(row, row.power)
    if row.cloud_id != seen.id:
        return _unknown(row)
    if seen.power is Power.CHANGING:
        return _in_between(row, can)
    if seen.power is Power.FAILED:
        return _failed_machine(row)
    return _changes(row, seen, can) or _power(row, seen)


def _in_between(row: Machine, can: Capabilities) -> Step:
    """While something goes on: a hard reboot waits for no stop, and may be ordered twice."""
    if row.made and can.reboot_hard and row.reboot_hard and row.reboots != row.reboots_done:
        return Step.REBOOT
    return Step.ACCEPTED if _was_ordered(row) else Step.WAIT


def _was_ordered(row: Machine) -> bool:
    return any(
        row.doing == step and getattr(row, asked) != getattr(row, f"{asked}_done")
        for step, asked in _TOLD_APART_BY_COUNTING.items()
    )


def _absent(row: Row, state: State) -> Step:
    """Of something that is wanted, and is not there."""
    if row.settled and (not row.made or state is State.MISSING):
        return Step.SETTLE  # that is known, and a person has to say what next
    if row.cloud_id is not None and row.made:
        return Step.LOST
    return Step.GIVE_UP if row.attempts >= MOST_ATTEMPTS else Step.CREATE


def _unknown(row: Row) -> Step:
    """Of something with the row's mark whose id is new to us."""
    return Step.DISCARD if row.settled and not row.made else Step.ADOPT


def _failed_machine(row: Machine) -> Step:
    if not row.made:
        return Step.DISCARD
    if row.settled:
        return Step.SETTLE if row.power is State.FAILED else Step.BROKEN
    if row.rebuilds != row.rebuilds_done:
        return Step.REBUILD
    if row.attempts == 0:  # asked for by a person, once each time
        if row.desired is Desired.STOPPED:
            return Step.STOP
        return Step.REBOOT if row.reboots != row.reboots_done else Step.START
    return Step.BROKEN


def _changes(row: Machine, seen: SeenMachine, can: Capabilities) -> Step | None:
    running = seen.power is Power.RUNNING
    if row.settled:  # whatever differs was changed from elsewhere
        return Step.FOLLOW if seen.size not in (None, row.size) else None
    if row.rebuilds != row.rebuilds_done:
        return Step.REBUILD
    if seen.size is not None and row.size != seen.size:
        return Step.STOP if running and not can.resize_running else Step.RESIZE
    if row.reboots != row.reboots_done and running:
        return Step.REBOOT
    return None


def _power(row: Machine, seen: SeenMachine) -> Step:
    wanted = Power.RUNNING if row.desired is Desired.RUNNING else Power.STOPPED
    if seen.power is not wanted:
        if row.settled:
            return Step.FOLLOW
        return Step.START if wanted is Power.RUNNING else Step.STOP
    if wanted is Power.RUNNING and not (row.host_keys and row.made):
        return Step.READ_KEYS
    return Step.SETTLE


def drive_step(row: Drive, seen: SeenDrive | None, can: Capabilities) -> Step:
    """For a drive."""
    if row.desired is Desired.DELETED:
        if seen is None:
            return Step.FORGET
        return Step.WAIT if seen.attached_to else Step.DELETE
    if seen is None:
        return _absent(row, row.state)
    if row.cloud_id != seen.id:
        return _unknown(row)
    if seen.settled is Settled.CHANGING:
        return Step.WAIT
    if seen.settled is Settled.FAILED:
        return _failed(row, row.state)
    if row.size_gib > seen.size_gib:
        return Step.WAIT if seen.attached_to and not can.extend_attached else Step.EXTEND
    return Step.SETTLE


def snapshot_step(row: Snapshot, seen: SeenSnapshot | None, machine: SeenMachine | None) -> Step:
    """For a snapshot; ``machine``: what it is taken of, while it is there."""
    if row.desired is Desired.DELETED:
        return Step.FORGET if seen is None else Step.DELETE
    if seen is None:
        step = _absent(row, row.state)
        if step is not Step.CREATE:
            return step
        if machine is None:
            return Step.GIVE_UP
        return Step.WAIT if machine.power is Power.CHANGING else step
    if row.cloud_id != seen.id:
        return _unknown(row)
    if seen.settled is Settled.CHANGING:
        return Step.WAIT
    if seen.settled is Settled.FAILED:
        return _failed(row, row.state)
    return Step.SETTLE


def _failed(row: Row, state: State) -> Step:
    if not row.made:
        return Step.DISCARD
    return Step.SETTLE if row.settled and state is State.FAILED else Step.BROKEN


def attachment_step(
    row: Attachment,
    drive: SeenDrive | None,
    machine: SeenMachine | None,
    can: Capabilities,
    *,
    in_vain: bool = False,
) -> Step:
    """For a drive on a machine; what is None is not there (yet, or any more).

    ``in_vain``: nobody is at work to make one of the two fit for it.
    """
    there = _there(drive, machine)
    if row.desired is Desired.DETACHED:
        if there is None:
            return Step.FORGET
        return Step.DETACH if there.settled else Step.WAIT
    if there is not None:
        if not there.settled:
            return Step.WAIT
        return Step.SETTLE if there.read_only == row.read_only else Step.DETACH
    if drive is None or machine is None or drive.settled is not Settled.READY:
        return _waits(row, in_vain)
    if machine.power in (Power.CHANGING, Power.FAILED):
        return _waits(row, in_vain)
    return Step.WAIT if machine.power is Power.RUNNING and not can.attach_running else Step.ATTACH


def _waits(row: Attachment, in_vain: bool) -> Step:
    if not in_vain:
        return Step.WAIT
    return Step.SETTLE if row.settled else Step.GIVE_UP


def _there(drive: SeenDrive | None, machine: SeenMachine | None) -> SeenAttachment | None:
    if drive is None or machine is None:
        return None
    return next((one for one in machine.attachments if one.drive == drive.id), None)
