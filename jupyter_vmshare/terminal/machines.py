"""``jupyter vmshare machines …`` and ``jupyter vmshare drives …``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from jupyter_vmshare.terminal import lending
from jupyter_vmshare.terminal.showing import Asked, Share, receiver, show
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.drives import Drive
from jupyter_vmshare.widgets.machines import Machine

Command = Callable[[Asked], int]
_HELP = {
    "name": "what to call it",
    "machine": "a machine's name or id",
    "drive": "a drive's name or id",
    "size": "a size's name or id, as `machines offer` lists them",
    "snapshot": "a snapshot's name or id",
    "gib": "how large, in GiB",
    "hours": "for so many hours",
    "minutes": "after so many minutes without use; 0: never",
}


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    _machines(_below(verb("machines", machines)))
    _drives(_below(verb("drives", drives)))


def _below(parser: Any) -> Callable[..., Any]:
    """Verbs after a noun."""
    verbs = parser.add_subparsers(metavar="VERB")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="answer in JSON")

    def add(name: str, command: Command, *arguments: str, waits: bool = False) -> Any:
        summary = (command.__doc__ or "").partition("\n")[0]
        added = verbs.add_parser(name, help=summary, description=summary, parents=[everywhere])
        added.set_defaults(command=command)
        for argument in arguments:
            kind = int if argument in ("gib", "hours", "minutes") else str
            added.add_argument(argument, help=_HELP[argument], type=kind)
        if waits:
            added.add_argument("--no-wait", action="store_true", help="do not wait until it is so")
        return added

    return add


_IN_PROJECT = "make it in this project of yours, by its name or id"


def _machines(add: Callable[..., Any]) -> None:
    add("list", machines)
    add("offer", offer)
    made = add("create", create, "name", waits=True)
    made.add_argument("--size", required=True, help=_HELP["size"])
    _source(made)
    made.add_argument("--drive", type=int, metavar="GIB", help="of its drive; 0: none")
    made.add_argument(
        "--share", nargs="+", default=[], metavar="NAME[=LEVEL]", help="whom to invite: use, manage"
    )
    made.add_argument("--project", help=_IN_PROJECT)
    add("tag", tag_machine, "machine")
    add("show", show_one, "machine")
    add("start", start, "machine", waits=True)
    add("stop", stop, "machine", waits=True)
    reboot_ = add("reboot", reboot, "machine", waits=True)
    reboot_.add_argument("--hard", action="store_true", help="ask nobody on it")
    add("resize", resize, "machine", "size", waits=True)
    _source(add("rebuild", rebuild, "machine", waits=True))
    add("rename", rename, "machine", "name")
    lending.add_to(add, "machine")
    moved = add("move-drive", move_drive, "machine", "drive")
    moved.add_argument("to", help="another machine that you own or co-own, by its name or id")
    add("console", console, "machine")
    add("keep-on", keep_on, "machine", "hours")
    add("idle", idle, "machine", "minutes")
    add("snapshot", snapshot, "machine", "name")
    add("snapshots", snapshots)
    add("delete-snapshot", delete_snapshot, "snapshot")


def _source(parser: Any) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--image", help="an image's name or id, as `machines offer` lists them")
    source.add_argument("--snapshot", help="a snapshot of yours, by its name or id")


def _drives(add: Callable[..., Any]) -> None:
    add("list", drives)
    add("create", create_drive, "name", "gib").add_argument("--project", help=_IN_PROJECT)
    add("tag", tag_drive, "drive")
    add("open", open_drive, "drive")
    add("close", close_drive, "drive")
    attached = add("attach", attach, "drive", "machine")
    attached.add_argument("--read-only", action="store_true", help="as one of several that read it")
    add("detach", detach, "drive", "machine")
    add("extend", extend, "drive", "gib")
    add("clone", clone, "drive", "name")
    add("rename", rename_drive, "drive", "name")
    lending.add_to(add, "drive")


# --- machines ---


def machines(asked: Asked) -> int:
    """List your machines, or do something with one."""
    with Share() as share:
        found = share.machines.find()
    return show(asked, [machine.view for machine in found], found)


def offer(asked: Asked) -> int:
    """List the images and sizes of this site."""
    with Share() as share:
        found = share.machines.offer()
    if not found.offered:
        return show(asked, found, found.because or "")
    images = cards.plain_table(
        ("Image", "Id", "GiB", "What it is"),
        [(one.name, one.id, str(one.disk_gib), one.description) for one in found.images],
    )
    sizes = cards.plain_table(
        ("Size", "Id", "Processors", "MiB", "GiB"),
        [
            (one.name, one.id, str(one.processors), str(one.memory_mib), str(one.disk_gib))
            for one in found.sizes
        ],
    )
    return show(asked, found, f"{images}\n\n{sizes}")


def create(asked: Asked) -> int:
    """Make a machine, and wait until it runs."""
    with Share() as share:
        made = share.machines.create(
            asked.name,
            size=asked.size,
            image=asked.image,
            snapshot=asked.snapshot,
            drive_gib=asked.drive,
            share=dict(receiver(text, "use") for text in asked.share),
            project=asked.project,
        )
        return _tell(asked, made)


def tag_machine(asked: Asked) -> int:
    """Let only active members of a machine's project into it, whatever others were given."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
        told = share.client.tag(machine.id)
    return show(asked, told, cards.visible(f"{machine.name}: only members get in now."))


def tag_drive(asked: Asked) -> int:
    """Let only active members of a drive's project use it."""
    with Share() as share:
        drive = share.drives.get(asked.drive)
        told = share.client.tag(drive.id)
    return show(asked, told, cards.visible(f"{drive.name}: only members get in now."))


def show_one(asked: Asked) -> int:
    """Show one machine."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
    return show(asked, machine.view, machine)


def start(asked: Asked) -> int:
    """Start a machine, and wait until it runs."""
    return _done(asked, lambda machine: machine.start())


def stop(asked: Asked) -> int:
    """Stop a machine, and wait until it is off; what is on its disks stays."""
    return _done(asked, lambda machine: machine.stop())


def reboot(asked: Asked) -> int:
    """Reboot a machine, and wait until it is back."""
    return _done(asked, lambda machine: machine.reboot(hard=asked.hard))


def resize(asked: Asked) -> int:
    """Give a machine another size, and wait until it has it."""
    return _done(asked, lambda machine: machine.resize(asked.size))


def rebuild(asked: Asked) -> int:
    """Replace a machine's system disk; its drives and people stay."""
    return _done(asked, lambda machine: machine.rebuild(image=asked.image, snapshot=asked.snapshot))


def rename(asked: Asked) -> int:
    """Give a machine another name, for everybody."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
        machine.rename(asked.name)
    return show(asked, machine.view, machine)


def move_drive(asked: Asked) -> int:
    """Have a drive of a machine that you own or co-own on another one, whosever the drive is."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
        machine.use_drive_elsewhere(asked.drive, asked.to)
    return show(asked, machine.view, machine)


def console(asked: Asked) -> int:
    """Print the end of what a machine wrote to its console."""
    with Share() as share:
        text = share.machines.get(asked.machine).console_log()
    lines = "\n".join(cards.visible(line) for line in text.splitlines())
    return show(asked, {"text": text}, lines)


def keep_on(asked: Asked) -> int:
    """Keep a machine on for some hours, though nobody uses it."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
        machine.keep_on(asked.hours)
    return show(asked, machine.view, machine)


def idle(asked: Asked) -> int:
    """Say after how many minutes without use a machine stops."""
    with Share() as share:
        machine = share.machines.get(asked.machine)
        machine.stop_when_idle(asked.minutes or None)
    return show(asked, machine.view, machine)


def snapshot(asked: Asked) -> int:
    """Store a copy of a machine's system disk."""
    with Share() as share:
        taken = share.machines.get(asked.machine).snapshot(asked.name)
    return show(asked, taken, f"{taken.id} is being made.")


def snapshots(asked: Asked) -> int:
    """List your snapshots of machines."""
    with Share() as share:
        found = share.machines.snapshots()
    return show(asked, list(found), found)


def delete_snapshot(asked: Asked) -> int:
    """Delete a snapshot; machines that were made from it stay."""
    with Share() as share:
        share.machines.delete_snapshot(asked.snapshot)
    return show(asked, {"deleted": asked.snapshot}, "Deleted.")


def _done(asked: Asked, act: Callable[[Machine], None]) -> int:
    with Share() as share:
        machine = share.machines.get(asked.machine)
        act(machine)
        return _tell(asked, machine)


def _tell(asked: Asked, machine: Machine) -> int:
    if not asked.no_wait:
        machine.wait()
    return show(asked, machine.view, machine)


# --- drives ---


def drives(asked: Asked) -> int:
    """List your drives, or do something with one."""
    with Share() as share:
        found = share.drives.find()
    return show(asked, [drive.view for drive in found], found)


def create_drive(asked: Asked) -> int:
    """Make a drive."""
    with Share() as share:
        made = share.drives.create(asked.name, asked.gib, project=asked.project)
    return show(asked, made.view, made)


def open_drive(asked: Asked) -> int:
    """Let members of a drive's project attach it to machines of theirs there."""
    return _with(asked, lambda drive: drive.open_to_project())


def close_drive(asked: Asked) -> int:
    """Let them no longer; it is taken off where they attached it."""
    return _with(asked, lambda drive: drive.open_to_project(opened=False))


def attach(asked: Asked) -> int:
    """Attach a drive to a machine: to one to be written, or to several to be read."""
    return _with(asked, lambda drive: drive.attach(asked.machine, read_only=asked.read_only))


def detach(asked: Asked) -> int:
    """Take a drive off a machine."""
    return _with(asked, lambda drive: drive.detach(asked.machine))


def extend(asked: Asked) -> int:
    """Make a drive larger."""
    return _with(asked, lambda drive: drive.extend(asked.gib))


def clone(asked: Asked) -> int:
    """Copy a drive as one of your own."""
    with Share() as share:
        made = share.drives.get(asked.drive).clone(asked.name)
    return show(asked, made, f"{made.id} is being made.")


def rename_drive(asked: Asked) -> int:
    """Give a drive another name, for everybody."""
    return _with(asked, lambda drive: drive.rename(asked.name))


def _with(asked: Asked, act: Callable[[Drive], None]) -> int:
    with Share() as share:
        drive = share.drives.get(asked.drive)
        act(drive)
    return show(asked, drive.view, drive)
