"""What the keeper knows, as one file for each thing: what was ordered, and what is under way.

A file is there whole or not at all. What is being removed is moved aside first, so that no half of
a thing is ever taken for one.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

NAME: Final = re.compile(r"[a-z]{3}-[0-9a-f]{16}")
Record = dict[str, Any]


class Records:
    """The things of one kind, each in a directory of its own below ``where``."""

    def __init__(self, where: Path, prefix: str) -> None:
        self._where = where
        self._prefix = prefix
        self._removed = where.parent / "removed"
        self._held: dict[str, Record] = {}
        self._alone = threading.Lock()

    def load(self) -> None:
        """Read them all. Directories without a record were never made to the end."""
        for path in (self._where, self._removed):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep()
        for place in sorted(self._where.iterdir()):
            try:
                self._held[place.name] = json.loads((place / "record.json").read_text())
            except FileNotFoundError:
                self._move_aside(place)
        self.sweep()

    def sweep(self) -> None:
        """Remove for good what was moved aside."""
        for place in self._removed.iterdir():
            shutil.rmtree(place, ignore_errors=True)

    def new(self, record: Record) -> str:
        """Keep a new thing, and give its name."""
        name = f"{self._prefix}-{secrets.token_hex(8)}"
        self.place(name).mkdir(mode=0o700)
        self._write(name, record)
        return name

    def place(self, name: str) -> Path:
        """Where a thing's files lie."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of the keeper's")
        return self._where / name

    def get(self, name: str) -> Record | None:
        """A copy of what is known of a thing."""
        found = self._held.get(name)
        return None if found is None else json.loads(json.dumps(found))

    def all(self) -> Iterator[tuple[str, Record]]:
        """All of them, to read: a record that changes is another one from then on."""
        yield from list(self._held.items())

    def change(self, name: str, **changes: Any) -> Record:
        """Change some keys of a record, and keep it; the whole record."""
        with self._alone:  # an order may come while another one is carried out
            record = {**self._held[name], **changes}
            self._write(name, record)
        return record

    def remove(self, name: str) -> None:
        """A thing goes, with its files: it is gone when they are."""
        with suppress(FileNotFoundError):
            self._move_aside(self.place(name))
        self.sweep()
        self._held.pop(name, None)

    def _move_aside(self, place: Path) -> None:
        place.rename(self._removed / f"{place.name}-{secrets.token_hex(4)}")

    def _write(self, name: str, record: Record) -> None:
        write(self.place(name) / "record.json", json.dumps(record).encode())
        self._held[name] = json.loads(json.dumps(record))


def write(path: Path, content: bytes) -> None:
    """Have a file with this content, or, killed in between, what was there before."""
    beside = path.with_name(f".{path.name}.new")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
