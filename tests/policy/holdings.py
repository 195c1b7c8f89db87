"""People and what they hold, in few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyterhub_vmshare.policy.model import OWNERSHIP, Holding, Person, Thing, Via, column_of
from jupyterhub_vmshare.words import EndedWhy, GrantState, ThingKind, ThingState

AT = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
SOON = AT + timedelta(seconds=1)
BEFORE = AT - timedelta(days=1)

ANA, BEN = Person("ana"), Person("ben")
ROOT = Person("root-hub", hub_admin=True)

FOLDER, MACHINE, DRIVE = ThingKind.FOLDER, ThingKind.MACHINE, ThingKind.DRIVE
OWNS = OWNERSHIP
LEADS = Holding("owner", "project_role", receiver="reef")
ADMINISTERS = Holding("project_admin", "project_role", receiver="reef")
IDS = {FOLDER: "fld_1", MACHINE: "mch_1", DRIVE: "drv_1"}


def give(level: str, kind: ThingKind = FOLDER, via: Via = "grant", **facts: Any) -> Holding:
    """A live grant from ana to ben, or to a team or project that he is in."""
    receiver = {"team_grant": "genomics", "project_grant": "reef"}.get(via, "ben")
    known: dict[str, Any] = {"state": GrantState.ACTIVE, "giver": "ana", "grant_id": "gnt_1"}
    known |= {"receiver": receiver, "level": level} | facts
    return Holding(column_of(kind, level), via, **known)


def invite(level: str, kind: ThingKind = FOLDER, **facts: Any) -> Holding:
    """An invitation that waits for ben."""
    return give(level, kind, state=GrantState.PENDING, **facts)


def over(level: str, why: EndedWhy, kind: ThingKind = FOLDER, **facts: Any) -> Holding:
    """A grant that ended."""
    known: dict[str, Any] = {
        "state": GrantState.ENDED,
        "ended_why": why,
        "ended_at": BEFORE,
    } | facts
    return give(level, kind, **known)


def thing(*holdings: Holding, kind: ThingKind = FOLDER, **facts: Any) -> Thing:
    """ana's, with what the person who asks holds on it."""
    known: dict[str, Any] = {"owner": "ana", "name": "tests", "state": ThingState.LIVE} | facts
    return Thing(IDS[kind], kind, holdings=holdings, **known)


def project_folder(*holdings: Holding, **facts: Any) -> Thing:
    """The folder of project reef."""
    return thing(*holdings, owner="reef", personal=False, project="reef", **facts)
