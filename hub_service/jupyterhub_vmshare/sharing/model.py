"""A grant and the thing that it is on, as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind, ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class SharedThing:
    """What sharing knows of a machine, drive or folder."""

    id: str
    kind: ThingKind
    owner: str
    name: str
    state: ThingState
    version: int
    cloneable: bool = False
    """The owner lets others copy it."""
    fast: bool = False
    """The owner chose direct mounts for it."""
    project_id: str | None = None
    """The project that it belongs to; ``owner`` is then nobody's name."""
    within_id: str | None = None
    """The project in which ``owner`` made it, as long as they are in it."""
    project_name: str | None = None
    opened: bool = False
    """Members of the project in which it is may use it."""
    tagged: bool = False
    """That project is its gate."""

    @classmethod
    def of(cls, row: sa.Row[Any]) -> SharedThing:
        """From a row of ``things``."""
        return cls(
            id=row.id,
            kind=ThingKind(row.kind),
            owner=row.owner,
            name=row.name,
            state=ThingState(row.state),
            version=row.version,
            cloneable=row.cloneable,
            fast=row.fast,
            project_id=row.project_id,
            within_id=row.within_id,
            project_name=row.project_name,
            opened=row.opened,
            tagged=row.tagged,
        )

    @property
    def shown_owner(self) -> str:
        """Whose it is, for people: a person's name, or the project's."""
        return self.project_name or self.owner if self.project_id is not None else self.owner


@dataclass(frozen=True, slots=True)
class Grant:
    """One person's, team's or project's level on one thing."""

    id: str
    thing_id: str
    receiver_kind: ReceiverKind
    receiver: str
    giver: str
    level: str
    state: GrantState
    parent_id: str | None
    created_at: datetime
    answered_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    ended_why: EndedWhy | None
    version: int
    ticks: tuple[str, ...] | None = None
    """Of a machine's, below co-ownership: what it lets its receiver do there, in their order."""
    team: str | None = None
    """Of a machine's or a drive's: the team that giver, receiver and owner shared when it was
    given. It ends when giver or receiver leaves that team."""

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Grant:
        """From a row of ``grants``."""
        return cls(
            id=row.id,
            thing_id=row.thing_id,
            receiver_kind=ReceiverKind(row.receiver_kind),
            receiver=row.receiver,
            giver=row.giver,
            level=row.level,
            state=GrantState(row.state),
            parent_id=row.parent_id,
            created_at=row.created_at,
            answered_at=row.answered_at,
            ends_at=row.ends_at,
            ended_at=row.ended_at,
            ended_why=EndedWhy(row.ended_why) if row.ended_why else None,
            version=row.version,
            ticks=None if row.ticks is None else tuple(row.ticks),
            team=row.team,
        )

    def is_over(self, at: datetime) -> bool:
        """Ended, or past its end date while nobody has written that down yet."""
        return self.state is GrantState.ENDED or (self.ends_at is not None and self.ends_at <= at)

    def told(self) -> Mapping[str, Any]:
        """What events say of a grant."""
        ticks = {} if self.ticks is None else {"ticks": list(self.ticks)}
        return {
            **ticks,
            "grant_id": self.id,
            "level": self.level,
            "receiver": self.receiver,
            "receiver_kind": self.receiver_kind.value,
            "giver": self.giver,
            "ends_at": None if self.ends_at is None else wire(self.ends_at),
        }


def wire(moment: datetime) -> str:
    """A moment as the wire and the events carry it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
