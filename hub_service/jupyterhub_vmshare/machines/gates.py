"""What makes no sense for a machine or a drive in its present state, or with this site's cloud.

The permission tables say who may do what; this says when. Each answer is a sentence that names
the state and what to wait for.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.errors import WrongState
from jupyterhub_vmshare.machines.model import Desired, Drive, Machine, State

_NEEDS_A_MACHINE = frozenset({"reboot", "resize", "snapshot", "read_console_log", "keep_on"})
_ON_IT = frozenset(
    {
        *("connect", "open_terminal", "run_kernel", "open_app"),
        *("read_files", "upload", "download"),
    }
)
"""What goes on on the machine itself."""


def machine_blocked(action: str, machine: Machine, can: Capabilities) -> str | None:
    """Why this can't be done with the machine now; None if it can."""
    return _not_offered(action, can) or _not_now(action, machine, can)


def drive_blocked(action: str, drive: Drive, can: Capabilities, *, attached: bool) -> str | None:
    """The same for a drive."""
    if action == "extend" and not can.extend_drive:
        return "Drives can't be extended at this site."
    if action == "clone" and not can.clone_drive:
        return "Drives can't be cloned at this site."
    if action == "attach_read_only" and not can.attach_read_only:
        return "Drives can't be attached read-only at this site."
    if drive.state is State.MISSING and action in ("extend", "clone"):
        return f"The cloud has {drive.name} no more. Delete it."
    if action in ("extend", "clone") and not drive.made:
        return f"{drive.name} is still being made. Wait until it is ready."
    if action == "extend" and attached and not can.extend_attached:
        return f"Detach {drive.name} first: drives are extended while they are detached here."
    if action == "delete" and attached:
        return f"{drive.name} is attached to a machine. Detach it first."
    return None


def demand(blocked: str | None) -> None:
    """Raise what was found."""
    if blocked is not None:
        raise WrongState(blocked)


def is_stopping(machine: Machine) -> bool:
    """Whether it was asked to stop and is still on: it may take minutes, or hang."""
    on = machine.power not in (State.STOPPED, State.NONE, State.MISSING)
    return machine.desired is Desired.STOPPED and not machine.settled and on


def soft_reboot_blocked(machine: Machine) -> str | None:
    """Why only a hard reboot makes sense now; None if any does."""
    if not is_stopping(machine):
        return None
    return f"{machine.name} is stopping. Wait until it is stopped, or reboot it hard."


def offered(actions: Iterable[str], machine: Machine, can: Capabilities | None) -> tuple[str, ...]:
    """Of what somebody may do, what can be done; without a cloud nothing is ordered."""
    if can is None:
        return tuple(action for action in actions if action in _WITHOUT_A_CLOUD)
    return tuple(action for action in actions if machine_blocked(action, machine, can) is None)


_WITHOUT_A_CLOUD = frozenset(
    {"see_in_list", "see_people", "rename", "revoke_grant", "leave", "stop_sharing_with_all"}
)


def _not_offered(action: str, can: Capabilities) -> str | None:
    if action == "resize" and not can.resize:
        return "Machines can't get another size at this site."
    if action == "rebuild" and not can.rebuild:
        return "Machines can't be rebuilt at this site."
    if action == "snapshot" and not can.snapshot:
        return "There are no snapshots of machines at this site."
    if action == "read_console_log" and not can.console_log:
        return "Machines at this site have no console log."
    return None


def _not_now(action: str, machine: Machine, can: Capabilities) -> str | None:
    name = machine.name
    if machine.power is State.MISSING and action in (*_NEEDS_A_MACHINE, "start", "stop"):
        return f"The cloud has {name} no more. Rebuild it, or delete it."
    if action in _NEEDS_A_MACHINE and not machine.made:
        failed = machine.settled and machine.because is not None
        wait = "Start it to try again" if failed else "Wait until it runs"
        return f"{name} is not made yet. {wait}."
    if action == "rebuild" and not machine.made and not machine.settled:
        return f"{name} is not made yet. Wait until it runs."
    if action in _ON_IT and (machine.power is not State.RUNNING or not machine.made):
        stopped = machine.desired is not Desired.RUNNING
        return (
            f"{name} is stopped. Start it." if stopped else f"{name} is not up. Wait until it runs."
        )
    if action == "reboot" and is_stopping(machine) and can.reboot_hard:
        return None
    if action in ("reboot", "keep_on") and machine.desired is not Desired.RUNNING:
        return f"{name} is stopped. Start it."
    running = machine.power not in (State.STOPPED, State.NONE)
    if action == "resize" and running and not can.resize_running:
        return f"Stop {name} first: machines get another size while they are stopped here."
    if action == "snapshot" and running and not can.snapshot_running:
        return f"Stop {name} first: snapshots are taken of stopped machines here."
    if action in ("attach_drive", "detach_drive") and running and not can.attach_running:
        return f"Stop {name} first: drives come and go while a machine is stopped here."
    return None


def offered_of_drive(
    actions: Iterable[str], drive: Drive, can: Capabilities | None, attached: bool
) -> tuple[str, ...]:
    """The same for a drive."""
    if can is None:
        return tuple(action for action in actions if action in _WITHOUT_A_CLOUD)
    return tuple(
        action for action in actions if drive_blocked(action, drive, can, attached=attached) is None
    )
