"""Every step that the reconciler may choose, found by asking it about every row and every cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from jupyterhub_vmshare.cloud.port import Power, SeenMachine, Settled
from jupyterhub_vmshare.machines.model import Desired, State
from jupyterhub_vmshare.reconcile.steps import (
    MOST_ATTEMPTS,
    Step,
    attachment_step,
    drive_step,
    machine_step,
    snapshot_step,
)
from tests.fakes.cloud_state import EVERYTHING
from tests.reconcile.test_steps import (
    ATTACHMENT,
    DRIVE,
    MACHINE,
    ON,
    READY,
    SNAPSHOT,
    STORED,
    bearing,
)

_MADE: dict[str, Sequence[Any]] = {
    "made": (True, False),
    "settled": (True, False),
    "cloud_id": ("1", None),
    "attempts": (0, MOST_ATTEMPTS),
}
_STATES = (State.READY, State.MISSING, State.FAILED)
_THERE = {"desired": (Desired.PRESENT, Desired.DELETED), "state": _STATES, **_MADE}
_MACHINE = {
    "desired": (Desired.RUNNING, Desired.STOPPED, Desired.DELETED),
    "power": (State.RUNNING, State.MISSING, State.FAILED),
    "doing": (None, "reboot", "rebuild"),
    "reboots": (0, 1),
    "reboot_hard": (False, True),
    "rebuilds": (0, 1),
    "size": ("small", "large"),
    "host_keys": (None, ["ssh-ed25519 A"]),
    **_MADE,
}
_MACHINES: tuple[SeenMachine | None, ...] = (None, *(replace(ON, power=power) for power in Power))
_DRIVES = (None, *(replace(READY, settled=settled) for settled in Settled))
_SNAPSHOTS = (None, *(replace(STORED, settled=settled) for settled in Settled))


def choices() -> dict[str, set[str]]:
    """By kind; without what is no step: to wait."""
    found = {
        "machines": {
            machine_step(row, seen, EVERYTHING)
            for row in _each(MACHINE, _MACHINE)
            for seen in _MACHINES
        },
        "drives": {
            drive_step(row, seen, EVERYTHING)
            for row in _each(DRIVE, {**_THERE, "size_gib": (5, 9)})
            for seen in _DRIVES
        },
        "attachments": set(_of_attachments()),
        "snapshots": {
            snapshot_step(row, seen, machine)
            for row in _each(SNAPSHOT, _THERE)
            for seen in _SNAPSHOTS
            for machine in _MACHINES
        },
    }
    return {kind: {step.value for step in steps - {Step.WAIT}} for kind, steps in found.items()}


def _of_attachments() -> Iterator[Step]:
    rows = {**_MADE, "desired": (Desired.ATTACHED, Desired.DETACHED)}
    on = [bearing(ON, settled=settled) for settled in (True, False)]
    for row in _each(ATTACHMENT, rows):
        for drive, machine, in_vain in product(_DRIVES, (*_MACHINES, *on), (True, False)):
            yield attachment_step(row, drive, machine, EVERYTHING, in_vain=in_vain)


def _each(row: Any, values: dict[str, Sequence[Any]]) -> Iterator[Any]:
    for chosen in product(*values.values()):
        yield replace(row, **dict(zip(values, chosen, strict=True)))
