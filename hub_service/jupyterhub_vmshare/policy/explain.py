"""`why`: a decision with everything that it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import NOBODY, Decision, Holding, Person, Target, Thing
from jupyterhub_vmshare.policy.sources import is_live


@dataclass(frozen=True, slots=True)
class HeldSource:
    """One thing that gives, may give, or gave the person something."""

    kind: str
    """`owner`, or how it is held: `grant`, `team_grant`, `project_grant`, `project_override`,
    `project_role`, `hub_admin`."""
    level: str | None
    grant_id: str | None
    giver: str | None
    receiver: str | None
    ends_at: datetime | None
    live: bool
    """False: pending, unanswered by this person, or over."""
    ended_why: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision and its sources, live ones first. There are none where nothing may be seen."""

    decision: Decision
    sources: tuple[HeldSource, ...]


def explain(
    person: Person,
    action: str,
    thing: Thing | None,
    at: datetime,
    *,
    target: Target = NOBODY,
    listener: str | None = None,
) -> Explanation:
    """Why `person` may or may not; `listener` is who asked, if somebody else did."""
    decision = decide(person, action, thing, at, target=target, listener=listener)
    held: list[HeldSource] = []
    if person.hub_admin:
        held.append(_of(Holding("hub_admin", "hub_admin"), at))
    if thing is not None and decision.rule != "not_visible":
        held.extend(_of(holding, at) for holding in thing.holdings)
    return Explanation(decision, tuple(sorted(held, key=lambda source: not source.live)))


def _of(holding: Holding, at: datetime) -> HeldSource:
    return HeldSource(
        kind="owner" if holding.via == "ownership" else holding.via,
        level=holding.level or ("owner" if holding.column == "owner" else None),
        grant_id=holding.grant_id,
        giver=holding.giver,
        receiver=holding.receiver,
        ends_at=holding.ends_at,
        live=is_live(holding, at) and holding.answer == "accepted",
        ended_why=None if holding.ended_why is None else holding.ended_why.value,
    )
