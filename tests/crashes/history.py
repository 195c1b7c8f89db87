"""What the log of events says should be there: each change is told once, and makes sense."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import events, grants, things
from tests.crashes.traffic import moment

ENDS = {f"grant.{why}": why for why in ("declined", "cancelled", "revoked", "left", "expired")}
FOLLOWS = {
    "folder.renamed": ("live", "live"),
    "folder.trashed": ("live", "trashed"),
    "folder.restored": ("trashed", "live"),
    "folder.deleted": ("trashed", "deleted"),
}
"""The state before and after."""


@dataclass
class Recorded:
    """One thing or grant as its events leave it."""

    state: str
    name: str = ""
    level: str = ""
    ended_why: str | None = None


@dataclass
class History:
    """The whole log, played back."""

    folders: dict[str, Recorded] = field(default_factory=dict)
    grants: dict[str, Recorded] = field(default_factory=dict)
    count: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(type, grant or folder) of every event."""
    made: dict[str, list[str]] = field(default_factory=dict)
    invited: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)
    renamed: dict[str, list[str]] = field(default_factory=dict)

    def play(self, event: sa.Row[Any]) -> None:
        """The next event; fails where it can't follow from what was before."""
        noun = event.type.partition(".")[0]
        if noun == "folder":
            self.count[event.type, event.thing_id] += 1
            self._folder(event)
        elif noun == "grant":
            self.count[event.type, event.data["grant_id"]] += 1
            self._grant(event, event.data)

    def _folder(self, event: sa.Row[Any]) -> None:
        data = event.data
        if event.type == "folder.created":
            assert event.thing_id not in self.folders, event
            self.folders[event.thing_id] = Recorded("live", event.thing_name)
            self.made.setdefault(event.thing_name, []).append(event.thing_id)
            return
        folder = self.folders[event.thing_id]
        if event.type in FOLLOWS:
            before, after = FOLLOWS[event.type]
            assert folder.state == before, f"{event.type} of a folder that was {folder.state}"
            folder.state = after
        if "to" in data:
            folder.name = data["to"]
            self.renamed.setdefault(data["to"], []).append(event.thing_id)

    def _grant(self, event: sa.Row[Any], data: dict[str, Any]) -> None:
        grant_id = data["grant_id"]
        if event.type == "grant.invited":
            assert grant_id not in self.grants, event
            self.grants[grant_id] = Recorded("pending", level=data["level"])
            self.invited.setdefault(moment(data["ends_at"]), []).append(data["receiver"])
            return
        grant = self.grants[grant_id]
        assert grant.state != "ended", f"{event.type} after {grant.ended_why}"
        if event.type == "grant.accepted":
            assert grant.state == "pending", event
            grant.state = "active"
        elif event.type == "grant.changed":
            assert data["from"] == grant.level, event
            grant.level = data["to"]
            self.changed.setdefault(moment(data["ends_at"]), []).append(grant_id)
        else:
            grant.state = "ended"
            grant.ended_why = ENDS.get(event.type) or data["why"]


async def played(db: Database) -> History:
    """The whole log of a database, in the order of positions."""
    history = History()
    async with db.read() as conn:
        for event in await conn.execute(events.select().order_by(events.c.position)):
            assert event.position is not None, f"{event.type} was never given a position"
            history.play(event)
    return history


async def is_as_recorded(db: Database, history: History) -> None:
    """The rows are what the events say, no more and no less."""
    async with db.read() as conn:
        rows = {row.id: row for row in await conn.execute(things.select())}
        given = {row.id: row for row in await conn.execute(grants.select())}
    there = {i: (f.state, f.name) for i, f in history.folders.items() if f.state != "deleted"}
    assert {i: (row.state, row.name) for i, row in rows.items()} == there
    assert given.keys() <= history.grants.keys()
    for grant_id, row in given.items():
        told = history.grants[grant_id]
        seen = Recorded(row.state, level=row.level, ended_why=row.ended_why)
        assert seen == told, grant_id
    lost = [i for i, g in history.grants.items() if i not in given and g.state != "ended"]
    assert lost == [], "live grants without a row"
    live = Counter(
        (row.thing_id, row.receiver, row.giver) for row in given.values() if row.state != "ended"
    )
    assert [key for key, count in live.items() if count > 1] == [], "two live grants"
