"""Orders about drives: made, copied, extended, put on machines and taken off, deleted."""

from __future__ import annotations

import logging
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.cloud.sandbox import messages
from jupyterhub_vmshare.cloud.sandbox.keeper import disks, loops, reaching
from jupyterhub_vmshare.cloud.sandbox.keeper.disks import Trouble
from jupyterhub_vmshare.cloud.sandbox.keeper.holdings import Holdings, Job, Refused, tag_of
from jupyterhub_vmshare.cloud.sandbox.keeper.power import Power
from jupyterhub_vmshare.cloud.sandbox.keeper.processes import Process
from jupyterhub_vmshare.cloud.sandbox.keeper.records import Record
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.sandboxes")
_TRIES: Final = 50
_A_MOMENT: Final = 0.1


class Drives:
    """What can be ordered about drives."""

    def __init__(self, holdings: Holdings, power: Power) -> None:
        self._holdings = holdings
        self._records = holdings.drives
        self._power = power

    def seen(self, name: str) -> dict[str, Any]:
        """A drive as it is."""
        record = self._holdings.drive(name)
        state = "failed" if record["failed"] else "ready"
        doing = record["doing"]
        moves = doing is not None and doing["what"] in ("attach", "detach")
        return {
            "id": name,
            "mark": record["mark"],
            "settled": "changing" if doing is not None and not moves else state,
            "because": record["because"],
            "size_gib": record["size_gib"],
            "attached_to": sorted(record["attached"]),
        }

    # Orders

    def create(self, told: dict[str, Any]) -> tuple[str, Job | None]:
        """A new drive, or the one that was made with this mark before."""
        there = self._holdings.marked(self._records, told["mark"])
        if there is not None:
            return there, None
        self._check_source(told)
        record = {
            "mark": told["mark"],
            "size_gib": told["size_gib"],
            "clone_of": told["clone_of"],
            "attached": {},
            "doing": {"what": "create"},
            "because": None,
            "failed": False,
        }
        name = self._records.new(record)
        reached("sandboxes.drive.recorded")
        return name, self.job(name)

    def _check_source(self, told: dict[str, Any]) -> None:
        source = None
        if told["clone_of"] is not None:
            of = self._holdings.drive(told["clone_of"])
            self._holdings.free(told["clone_of"])
            if told["size_gib"] < of["size_gib"]:
                because = "A copy can't be smaller than what it is a copy of."
                raise Refused(messages.REFUSED, because)
            source = self._holdings.drive_file(told["clone_of"])
        if not disks.has_room(self._holdings.where, source):
            raise Refused(messages.FULL, "The host of the sandboxes has no room left.")

    def extend(self, name: str, size_gib: int) -> Job | None:
        record = self._idle(name)
        if size_gib < record["size_gib"]:
            raise Refused(messages.REFUSED, "A drive can't shrink.")
        return self._order(name, "extend", size_gib=size_gib)

    def delete(self, name: str) -> Job | None:
        record = self._idle(name)
        if record["attached"]:
            raise Refused(messages.REFUSED, "The drive is attached: detach it first.")
        return self._order(name, "delete")

    def attach(self, name: str, machine: str, *, read_only: bool) -> Job | None:
        record = self._holdings.drive(name)
        self._holdings.machine(machine)
        self._holdings.free(name)
        attached = record["attached"]
        if machine in attached:
            if attached[machine] != read_only:
                because = "The drive is attached in another way: detach it first."
                raise Refused(messages.REFUSED, because)
            return None
        self._holdings.free(machine)
        if record["failed"]:
            raise Refused(messages.REFUSED, "The drive was never made: delete it.")
        if attached and not (read_only and all(attached.values())):
            because = "The drive is on another machine: detach it there first."
            raise Refused(messages.REFUSED, because)
        self._holdings.attach(name, machine, read_only=read_only)
        return self._order(name, "attach", machine=machine)

    def detach(self, name: str, machine: str) -> Job | None:
        record = self._holdings.drive(name)
        self._holdings.machine(machine)
        self._holdings.free(name)
        if machine not in record["attached"]:
            return None
        self._holdings.free(machine)
        return self._order(name, "detach", machine=machine)

    def _idle(self, name: str) -> Record:
        record = self._holdings.drive(name)
        self._holdings.free(name)
        return record

    def _order(self, name: str, what: str, **more: Any) -> Job:
        self._records.change(name, doing={"what": what, **more})
        if "machine" in more:
            reached(f"sandboxes.{what}.recorded")
        else:
            reached(f"sandboxes.drive.{what}")
        return self.job(name)

    # How they are carried out

    def under_way(self) -> list[Job]:
        """What an earlier keeper did not finish."""
        return [self.job(name) for name, record in self._records.all() if record["doing"]]

    def job(self, name: str) -> Job:
        """Carry out what the record says is under way."""
        record = self._holdings.drive(name)
        things = {name, *record["attached"]}
        if record["doing"]["what"] == "create" and record["clone_of"] is not None:
            things.add(record["clone_of"])
        return Job(frozenset(things), lambda: self._carry_out(name))

    def _carry_out(self, name: str) -> None:
        doing = self._holdings.drive(name)["doing"]
        try:
            getattr(self, f"_do_{doing['what']}")(name, doing)
        except (OSError, Trouble) as error:
            _log.error("%s of %s failed: %s", doing["what"], name, error)
            because = str(error) if isinstance(error, Trouble) else "The host failed."
            attached = dict(self._holdings.drive(name)["attached"])
            if doing["what"] == "attach":
                del attached[doing["machine"]]
            failed = doing["what"] == "create"
            self._records.change(
                name, doing=None, because=because, failed=failed, attached=attached
            )
            return
        if self._records.get(name) is not None:
            self._records.change(name, doing=None, because=None)

    def _do_create(self, name: str, doing: dict[str, Any]) -> None:
        record, path = self._holdings.drive(name), self._holdings.drive_file(name)
        if not path.exists():
            if record["clone_of"] is None:
                disks.new_drive(path, record["size_gib"], tag_of(record))
            else:
                self._clone(record["clone_of"], path)
        reached("sandboxes.drive.made")
        if record["clone_of"] is not None:
            disks.grow(path, record["size_gib"])

    def _clone(self, source: str, path: Path) -> None:
        of = self._holdings.drive_file(source)
        written = any(not read for read in self._holdings.drive(source)["attached"].values())
        if not written:
            disks.copy(of, path)
            return
        with disks.still(of):
            disks.copy(of, path)

    def _do_extend(self, name: str, doing: dict[str, Any]) -> None:
        path, attached = self._holdings.drive_file(name), self._holdings.drive(name)["attached"]
        if attached and all(attached.values()):
            # Nobody can write to it now: the file system grows when somebody can.
            disks.grow_file(path, doing["size_gib"])
        elif not disks.grow(path, doing["size_gib"]):
            for machine in attached:
                self._grow_aside(name, machine, path)
        reached("sandboxes.extend.grown")
        self._records.change(name, size_gib=doing["size_gib"])

    def _grow_aside(self, name: str, machine: str, path: Path) -> None:
        """Grow a drive off its machine for a moment, unless somebody there has a file of it open:
        then it grows when the machine is started the next time."""
        process = self._power.process(machine)
        if process is None or not reaching.take_drive(process, path, lazily=False):
            return
        if not loops.wait_until_free(path, 10):
            raise Trouble("The drive is still in use on the host.")
        self._do_attach(name, {"machine": machine})

    def _do_delete(self, name: str, doing: dict[str, Any]) -> None:
        loops.wait_until_free(self._holdings.drive_file(name), 10)
        self._records.remove(name)
        reached("sandboxes.drive.removed")

    def _do_attach(self, name: str, doing: dict[str, Any]) -> None:
        machine, path = doing["machine"], self._holdings.drive_file(name)
        record = self._holdings.drive(name)
        process = self._power.process(machine)
        read_only = record["attached"][machine]
        if process is None or reaching.mounted_at(process.pid, path):
            return  # it comes with the next start, or is there already
        if not read_only and not loops.wait_until_free(path, 10):
            raise Trouble("The drive is still in use on the host.")
        if not loops.over(path):
            disks.make_fit(path)
        reached("sandboxes.attach.checked")
        base = self._holdings.machine(machine)["base"]
        reaching.put_drive(process, base, path, tag_of(record), read_only=read_only)
        reached("sandboxes.attach.mounted")

    def _do_detach(self, name: str, doing: dict[str, Any]) -> None:
        machine, path = doing["machine"], self._holdings.drive_file(name)
        process = self._power.process(machine)
        if process is not None:
            self._take_off(process, path)
        reached("sandboxes.detach.unmounted")
        self._holdings.detach(name, machine)

    def _take_off(self, process: Process, path: Path) -> None:
        """Take a drive off a machine, with everybody who has something open on it."""
        for turn in range(_TRIES):
            places = reaching.mounted_at(process.pid, path)
            if not places:
                return
            if not reaching.take_drive(process, path, lazily=False):
                _end_users(process, places, path)
            elif turn == _TRIES - 1:
                break
        reaching.take_drive(process, path, lazily=True)
        raise Trouble("The drive is still in use on the machine: stop the machine.")


def _end_users(process: Process, places: list[str], path: Path) -> None:
    """Kill what holds something of a drive open in a machine."""
    devices = {os.makedev(*map(int, number.split(":"))) for number in loops.over(path)}
    namespace = os.stat(f"/proc/{process.pid}/ns/pid").st_ino
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(place.name)
            held = os.pidfd_open(pid)
            try:
                inside = os.stat(place / "ns/pid").st_ino == namespace
                if inside and pid != process.pid and _uses(place, devices):
                    signal.pidfd_send_signal(held, signal.SIGKILL)
            finally:
                os.close(held)


def _uses(place: Path, devices: set[int]) -> bool:
    for link in (place / "cwd", place / "root", place / "exe", *(place / "fd").glob("*")):
        with suppress(OSError):
            if os.stat(link).st_dev in devices:
                return True
    numbers = {f"{os.major(device):02x}:{os.minor(device):02x}" for device in devices}
    with suppress(OSError):
        mapped = (place / "maps").read_text(errors="replace")
        return any(number in numbers for number in re.findall(r" ([0-9a-f]+:[0-9a-f]+) ", mapped))
    return False
