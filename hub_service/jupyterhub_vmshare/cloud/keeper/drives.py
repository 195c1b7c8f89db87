"""Orders about drives: made, copied, extended, put on machines and taken off, deleted."""

from __future__ import annotations

import logging
from typing import Any

from jupyterhub_vmshare.cloud.keeper import files, messages
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.hands import Hands
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, Job, Refused, tag_of
from jupyterhub_vmshare.cloud.keeper.records import Record
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")


class Drives:
    """What can be ordered about drives."""

    def __init__(self, holdings: Holdings, hands: Hands) -> None:
        self._holdings = holdings
        self._records = holdings.drives
        self._hands = hands

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
        reached("keeper.drive.recorded")
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
        if not files.has_room(self._holdings.where, source):
            raise Refused(messages.FULL, "The host of the machines has no room left.")

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
            reached(f"keeper.{what}.recorded")
        else:
            reached(f"keeper.drive.{what}")
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
                files.new_drive(path, record["size_gib"], tag_of(record))
            else:
                self._hands.copy_drive(record["clone_of"], path)
        reached("keeper.drive.made")
        if record["clone_of"] is not None:
            self._hands.extend(name, record["size_gib"])

    def _do_extend(self, name: str, doing: dict[str, Any]) -> None:
        self._hands.extend(name, doing["size_gib"])
        reached("keeper.extend.grown")
        self._records.change(name, size_gib=doing["size_gib"])

    def _do_delete(self, name: str, doing: dict[str, Any]) -> None:
        self._hands.wait_until_free(name)
        self._records.remove(name)
        reached("keeper.drive.removed")

    def _do_attach(self, name: str, doing: dict[str, Any]) -> None:
        self._hands.attach(name, doing["machine"])
        reached("keeper.attach.mounted")

    def _do_detach(self, name: str, doing: dict[str, Any]) -> None:
        self._hands.detach(name, doing["machine"])
        reached("keeper.detach.unmounted")
        self._holdings.detach(name, doing["machine"])
