"""What the panel is told of a machine's files, and what it asks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from jupyter_vmshare.reach.files import Entry
from jupyter_vmshare.routes.machine_names import shown

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Key = tuple[bool, str]


class MachineEntryView(BaseModel):
    """A file or directory of a machine, as ``lstat`` has it there."""

    name: str
    path: str
    kind: str
    size: int | None
    modified_at: datetime | None
    mode: str
    leads_to: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> MachineEntryView:
        """As it is told: see `machine_names`."""
        return cls(
            name=shown(entry.name),
            path=shown(entry.path),
            kind=entry.kind,
            size=entry.size,
            modified_at=entry.modified_at,
            mode=entry.mode,
            leads_to=entry.leads_to,
        )


class MachineEntriesPage(BaseModel):
    """Entries of one directory: directories first, then by name."""

    path: str
    home: str
    items: list[MachineEntryView]
    next: str | None = None


async def page_of(
    entries: AsyncIterable[Entry], q: str, after: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """The first entries behind a cursor, and the next cursor; a large directory is never held."""
    first: list[Entry] = []
    behind = _key_of(after)
    async for entry in entries:
        if q.casefold() in entry.name.casefold() and (behind is None or _key(entry) > behind):
            first.append(entry)
            if len(first) > 4 * limit:
                first = sorted(first, key=_key)[: limit + 1]
    first.sort(key=_key)
    items = first[:limit]
    return items, _cursor(items[-1]) if len(first) > limit else None


def range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Where a part begins, and how long it is; None: the whole was asked for.

    Raises:
        ValueError: The file has no such part.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()):
        return None  # several parts, too: answering with the whole is right
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise ValueError(header)
    return start, end - start


def _key(entry: Entry) -> Key:
    return not entry.is_directory, shown(entry.name)


def _cursor(entry: Entry) -> str:
    return f"{int(not entry.is_directory)}{shown(entry.name)}"


def _key_of(cursor: str | None) -> Key | None:
    return (cursor[:1] != "0", cursor[1:]) if cursor else None
