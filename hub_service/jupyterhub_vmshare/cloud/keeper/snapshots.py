"""Orders about snapshots: copies of what a machine has written, which fit on its image."""

from __future__ import annotations

import logging
import time
from typing import Any

from jupyterhub_vmshare.cloud.keeper import files, messages
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.hands import Power
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, Job, Refused
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")


class Snapshots:
    """What can be ordered about snapshots."""

    def __init__(self, holdings: Holdings, power: Power) -> None:
        self._holdings = holdings
        self._records = holdings.snapshots
        self._power = power

    def seen(self, name: str) -> dict[str, Any]:
        """A snapshot as it is."""
        record = self._holdings.snapshot(name)
        settled = "failed" if record["because"] is not None else "ready"
        return {
            "id": name,
            "mark": record["mark"],
            "settled": settled if record["doing"] is None else "changing",
            "because": record["because"],
            "disk_gib": record["disk_gib"],
            "made_at": record["made_at"],
        }

    def create(self, machine: str, mark: str) -> tuple[str, Job | None]:
        """A new snapshot, or the one that was made with this mark before."""
        there = self._holdings.marked(self._records, mark)
        if there is not None:
            return there, None
        of = self._holdings.machine(machine)
        self._holdings.free(machine)
        disk = self._holdings.disk(machine)
        if not disk.exists():
            raise Refused(messages.REFUSED, "The machine was never made to the end.")
        if not files.has_room(self._holdings.where, disk):
            raise Refused(messages.FULL, "The host of the machines has no room left.")
        record = {
            "mark": mark,
            "machine": machine,
            "image": of["image"],
            "disk_gib": of["size"]["disk_gib"],
            "made_at": time.time(),
            "doing": {"what": "create"},
            "because": None,
        }
        name = self._records.new(record)
        reached("keeper.snapshot.recorded")
        return name, self.job(name)

    def delete(self, name: str) -> Job | None:
        self._holdings.snapshot(name)
        self._holdings.free(name)
        self._records.change(name, doing={"what": "delete"})
        reached("keeper.snapshot.deleting")
        return self.job(name)

    def under_way(self) -> list[Job]:
        """What an earlier keeper did not finish."""
        return [self.job(name) for name, record in self._records.all() if record["doing"]]

    def job(self, name: str) -> Job:
        """Carry out what the record says is under way."""
        record = self._holdings.snapshot(name)
        things = {name}
        if record["doing"]["what"] == "create":
            things.add(record["machine"])
        return Job(frozenset(things), lambda: self._carry_out(name))

    def _carry_out(self, name: str) -> None:
        record = self._holdings.snapshot(name)
        if record["doing"]["what"] == "delete":
            self._records.remove(name)
            return
        try:
            self._copy(name, record["machine"])
        except (OSError, Trouble) as error:
            _log.error("%s could not be made: %s", name, error)
            because = str(error) if isinstance(error, Trouble) else "The host failed."
            self._records.change(name, doing=None, because=because)
            return
        self._records.change(name, doing=None)

    def _copy(self, name: str, machine: str) -> None:
        path = self._holdings.snapshot_file(name)
        if path.exists():
            return
        if self._holdings.machines.get(machine) is None:
            raise Trouble("The machine was deleted before its snapshot was made.")
        self._power.copy_disk(machine, path)
        reached("keeper.snapshot.copied")
