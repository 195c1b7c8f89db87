"""Orders about machines. Each is written down before it is answered, and then carried out.

What is under way is in the record as ``doing``. A keeper that starts takes it up again: every step
looks at what is there, and may be taken twice.
"""

from __future__ import annotations

import logging
import secrets
from threading import Lock
from typing import Any, Final

from jupyterhub_vmshare.cloud.keeper import files, messages
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.hands import IDS, Power
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, Job, Refused
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.records import Record
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")
_NOT_IN_ORDER: Final = (
    "It did not shut down within {:g} seconds and was ended:"
    " what it had not saved by then may be lost."
)


_OVERTAKEN: Final = frozenset({"stop", "reboot"})
"""In order they may take minutes: a hard reboot does not wait for them."""


class Overtaken(Exception):
    """Something else was ordered that does not wait for the end of this."""


class Machines:
    """What can be ordered about machines.

    Args:
        holdings: What there is.
        images: What they begin with.
        power: Their processes.
    """

    def __init__(self, holdings: Holdings, images: Images, power: Power) -> None:
        self._holdings = holdings
        self._records = holdings.machines
        self._images = images
        self._power = power
        self._turns = Lock()
        """Held while what is under way is exchanged for something else, or for nothing."""

    def seen(self, name: str) -> dict[str, Any]:
        """A machine as it is."""
        record = self._holdings.machine(name)
        return {
            "id": name,
            "mark": record["mark"],
            "power": self._state(name, record),
            "because": record["because"],
            "notice": record.get("notice"),
            "size": record["size"]["id"],
            "socket": str(self._power.door(name)),
            "source": self._power.source,
            "made_from": record["made_from"],
            "attachments": [
                {
                    "drive": drive,
                    "read_only": told["attached"][name],
                    "settled": told["doing"] is None or told["doing"].get("machine") != name,
                }
                for drive, told in self._holdings.drives_of(name).items()
            ],
        }

    def _state(self, name: str, record: Record) -> str:
        if record["doing"] is not None or self._is_copied(name):
            return "changing"
        if self._power.process(name) is not None:
            return "running"
        return "failed" if record["because"] is not None else "stopped"

    def _is_copied(self, name: str) -> bool:
        return any(
            record["doing"] is not None and record["machine"] == name
            for _, record in self._holdings.snapshots.all()
        )

    # Orders

    def create(self, told: dict[str, Any]) -> tuple[str, Job | None]:
        """A new machine, or the one that was made with this mark before."""
        there = self._holdings.marked(self._records, told["mark"])
        if there is not None:
            return there, None
        source = self._source(told)
        record = {
            "mark": told["mark"],
            "size": told["size"],
            "seed": told["seed"],
            **source,
            "disk": secrets.token_hex(8),
            "base": self._new_base(),
            "doing": {"what": "create"},
            "because": None,
            "host_keys": [],
        }
        name = self._records.new(record)
        reached("keeper.create.recorded")
        return name, self.job(name)

    def start(self, name: str) -> Job | None:
        self._idle(name)
        running = self._power.process(name) is not None
        return None if running else self._order(name, "start")

    def stop(self, name: str) -> Job | None:
        record = self._idle(name)
        if self._power.process(name) is None and record["because"] is None:
            return None
        return self._order(name, "stop")

    def reboot(self, name: str, *, hard: bool) -> Job | None:
        if hard and self._overtakes(name):
            return None
        self._idle(name)
        if self._power.process(name) is None and not hard:
            because = "A machine that is stopped can't be rebooted: start it."
            raise Refused(messages.REFUSED, because)
        return self._order(name, "reboot", hard=hard)

    def _overtakes(self, name: str) -> bool:
        """Whether it is stopped or rebooted just now, and is rebooted hard instead."""
        with self._turns:
            doing = self._holdings.machine(name)["doing"]
            if doing is None or doing["what"] not in _OVERTAKEN:
                return False
            if not doing.get("hard"):
                self._records.change(name, instead={"what": "reboot", "hard": True})
        reached("keeper.reboot.instead")
        return True

    def resize(self, name: str, size: dict[str, Any]) -> Job | None:
        record = self._idle(name)
        if size["disk_gib"] < record["size"]["disk_gib"]:
            because = "A system disk can't shrink: choose a size with a disk as large, or larger."
            raise Refused(messages.REFUSED, because)
        if not self._power.resizes_running and self._power.process(name) is not None:
            raise Refused(messages.REFUSED, "The machine runs: stop it first.")
        return self._order(name, "resize", size=size)

    def rebuild(self, name: str, told: dict[str, Any]) -> Job | None:
        self._idle(name)
        source = self._source(told)
        kept = {"size": told["size"], "seed": told["seed"], **source}
        return self._order(name, "rebuild", **kept)

    def delete(self, name: str) -> Job | None:
        self._idle(name)
        return self._order(name, "delete")

    def _idle(self, name: str) -> Record:
        record = self._holdings.machine(name)
        self._holdings.free(*self._holdings.with_drives(name))
        return record

    def _order(self, name: str, what: str, **more: Any) -> Job:
        self._records.change(name, doing={"what": what, **more})
        reached(f"keeper.{what}.recorded")
        return self.job(name)

    def _source(self, told: dict[str, Any]) -> dict[str, Any]:
        """What a system disk is made from, and whether it fits."""
        disk_gib = told["size"]["disk_gib"]
        if told["snapshot"] is None:
            if not files.has_room(self._holdings.where):
                raise Refused(messages.FULL, "The host of the machines has no room left.")
            image = self._images.newest(told["image"], disk_gib)
            return {"image": image, "snapshot": None, "made_from": told["image"]}
        snapshot = self._holdings.snapshots.get(told["snapshot"])
        if snapshot is None or snapshot["doing"] is not None or snapshot["because"] is not None:
            raise Refused(messages.REFUSED, "There is no such snapshot.")
        if snapshot["disk_gib"] > disk_gib:
            because = f"This needs a size with a disk of {snapshot['disk_gib']} GiB or more."
            raise Refused(messages.REFUSED, because)
        file = self._holdings.snapshot_file(told["snapshot"])
        if not files.has_room(self._holdings.where, file):
            raise Refused(messages.FULL, "The host of the machines has no room left.")
        chosen = told["snapshot"]
        return {"image": snapshot["image"], "snapshot": chosen, "made_from": chosen}

    # How they are carried out

    def under_way(self) -> list[Job]:
        """What an earlier keeper did not finish."""
        unfinished = [name for name, record in self._records.all() if record["doing"]]
        return [self.job(name) for name in unfinished]

    def job(self, name: str) -> Job:
        """Carry out what the record says is under way."""
        things = set(self._holdings.with_drives(name))
        if (snapshot := self._holdings.machine(name)["snapshot"]) is not None:
            things.add(snapshot)  # nobody deletes it while it is copied
        return Job(frozenset(things), lambda: self._carry_out(name))

    def _carry_out(self, name: str) -> None:
        while True:
            doing = self._taken_up(name)
            came_of_it: dict[str, Any] = {"because": None}
            try:
                getattr(self, f"_do_{doing['what']}")(name, doing)
            except Overtaken:
                continue
            except (OSError, Trouble) as error:
                came_of_it["because"] = (
                    str(error) if isinstance(error, Trouble) else _sentence(error)
                )
            else:
                came_of_it["notice"] = doing.get("notice")
            if self._has_ended(name, came_of_it):
                return

    def _taken_up(self, name: str) -> dict[str, Any]:
        """What is done next: what was ordered, or what overtook that."""
        with self._turns:
            record = self._holdings.machine(name)
            if record.get("instead") is not None:
                record = self._records.change(name, doing=record["instead"], instead=None)
        doing: dict[str, Any] = record["doing"]
        return doing

    def _has_ended(self, name: str, came_of_it: dict[str, Any]) -> bool:
        """Write down what came of it, unless it was overtaken in the last moment."""
        with self._turns:
            record = self._records.get(name)
            if record is not None and record.get("instead") is not None:
                return False
            if record is not None:
                self._records.change(name, doing=None, **came_of_it)
            return True

    def _is_overtaken(self, name: str) -> bool:
        return self._holdings.machine(name).get("instead") is not None

    def _do_create(self, name: str, doing: dict[str, Any]) -> None:
        self._power.make_disk(name)
        reached("keeper.create.disk")
        self._power.start(name)

    def _do_start(self, name: str, doing: dict[str, Any]) -> None:
        self._power.make_disk(name)  # of a machine whose making failed
        self._power.start(name)

    def _do_stop(self, name: str, doing: dict[str, Any]) -> None:
        self._end(name, doing, hard=False)

    def _do_reboot(self, name: str, doing: dict[str, Any]) -> None:
        self._end_once(name, doing, hard=doing["hard"])
        self._power.start(name)

    def _do_resize(self, name: str, doing: dict[str, Any]) -> None:
        self._power.resize(name, doing["size"])
        self._records.change(name, size=doing["size"])

    def _do_rebuild(self, name: str, doing: dict[str, Any]) -> None:
        self._end_once(name, doing, hard=False)
        if not doing.get("emptied"):
            self._holdings.disk(name).unlink(missing_ok=True)
            self._power.forget(name)
            kept = {key: doing[key] for key in ("size", "seed", "image", "snapshot", "made_from")}
            doing = {**doing, "emptied": True}
            kept["disk"] = secrets.token_hex(8)
            self._records.change(name, **kept, host_keys=[], doing=doing)
        reached("keeper.rebuild.emptied")
        self._power.make_disk(name)
        self._power.start(name)

    def _do_delete(self, name: str, doing: dict[str, Any]) -> None:
        self._power.end(name, saving=False)
        for drive in self._holdings.drives_of(name):
            self._holdings.detach(drive, name)
        reached("keeper.delete.detached")
        self._power.door(name).unlink(missing_ok=True)
        self._power.forget(name)
        self._records.remove(name)
        reached("keeper.delete.removed")

    def _end_once(self, name: str, doing: dict[str, Any], *, hard: bool) -> None:
        """Stop it, unless that was done before this keeper was killed: it may run again."""
        if not doing.get("ended"):
            self._end(name, doing, hard=hard)
            doing["ended"] = True
            self._records.change(name, doing=doing)
            reached("keeper.reboot.ended")

    def _end(self, name: str, doing: dict[str, Any], *, hard: bool) -> None:
        """Have it not run. That it did not stop in order is written down before it is ended.

        Raises `Overtaken` when somebody asks meanwhile that nobody waits for it.
        """
        asks = not hard and "notice" not in doing  # an earlier keeper has asked
        had = self._power.stop_in_order(name, lambda: self._is_overtaken(name)) if asks else None
        if self._is_overtaken(name):
            raise Overtaken
        if had is not None:
            _log.warning("%s did not stop in order within %g seconds", name, had)
            doing["notice"] = _NOT_IN_ORDER.format(had)
            self._records.change(name, doing=doing)
            reached("keeper.stop.hard")
        self._power.end(name, saving=not hard)

    def _new_base(self) -> int:
        """The host's ids of a new machine begin here; nobody else's do."""
        taken = {record["base"] for _, record in self._records.all()}
        first = self._power.first_base
        return next(base for base in range(first, 1 << 32, IDS) if base not in taken)


def _sentence(error: OSError) -> str:
    return f"The host of the machines failed: {error.strerror or error}."
