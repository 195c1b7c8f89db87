"""The terminals of a notebook server that are on machines, by the names that Jupyter has for them.

It is a file, so that a tab that JupyterLab restores comes back to its machine though the notebook
server was killed meanwhile, and what runs on there is found again. It has no secret in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MACHINE: Final = re.compile(r"mch_[0-9a-hjkmnp-tv-z]{26}")
_MOST: Final = 200
"""The oldest are forgotten beyond."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One of them."""

    machine: str
    keeps: bool
    session: str | None = None
    """What runs on, where it does."""
    since: str = ""
    began: bool = False
    """Whether somebody was there."""


class Ledger:
    """The file, which the notebook server and the programs in its terminals write.

    Args:
        place: Where it is, or will be.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    @classmethod
    def of_server(cls, data: Path, server: str) -> Ledger:
        """That of one notebook server; ``server`` is what the hub calls it among the person's."""
        name = hashlib.sha256(server.encode()).hexdigest()[:16]
        return cls(data / f"vmshare/terminals-{name}.json")

    def all(self) -> dict[str, Entry]:
        """By name, the oldest first."""
        try:
            told = json.loads(self.place.read_text())
            found = {name: Entry(**each) for name, each in told.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        return {name: each for name, each in found.items() if MACHINE.fullmatch(str(each.machine))}

    def get(self, name: str) -> Entry | None:
        """The one that is called so, if it is on a machine."""
        return self.all().get(name)

    def add(
        self,
        machine: str,
        called: str,
        taken: Collection[str],
        *,
        keeps: bool = False,
        session: str | None = None,
    ) -> str:
        """A new one; its name, in letters that Jupyter takes.

        Args:
            machine: The machine's id.
            called: What people call the machine.
            taken: The names that there are already.
            keeps: Whether it runs on.
            session: What of it runs on already.
        """
        stem = re.sub(r"[^A-Za-z0-9]+", "_", called).strip("_")[:40] or "machine"
        with self._changed() as entries:
            number = 1
            while (name := f"{stem}_{number}") in entries or name in taken:
                number += 1
            since = datetime.now(UTC).isoformat(timespec="seconds")
            entries[name] = Entry(machine, keeps, session, since)
        return name

    def note(self, name: str, session: str | None) -> None:
        """Somebody is there; what runs on is that session."""
        with self._changed() as entries:
            if name in entries:
                entries[name] = replace(entries[name], session=session, began=True)

    def forget(self, name: str) -> None:
        """It is over."""
        with self._changed() as entries:
            entries.pop(name, None)

    @contextlib.contextmanager
    def _changed(self) -> Iterator[dict[str, Entry]]:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{self.place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = self.all()
            yield entries
            kept = dict(list(entries.items())[-_MOST:])
            draft = self.place.with_suffix(".new")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps({name: asdict(each) for name, each in kept.items()}))
            draft.rename(self.place)
        finally:
            os.close(lock)
