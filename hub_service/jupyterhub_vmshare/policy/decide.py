"""`decide`: may this person do this with that thing, at this moment, and why."""

from __future__ import annotations

from datetime import datetime

from jupyterhub_vmshare.policy.model import NOBODY, Decision, Effective, Person, Target, Thing


def decide(
    person: Person,
    action: str,
    thing: Thing | None,
    at: datetime,
    with_thing: Thing | None = None,
    *,
    target: Target = NOBODY,
) -> Decision:
    """Pure."""
    raise NotImplementedError


def actions(person: Person, thing: Thing, at: datetime) -> tuple[str, ...]:
    """All allowed actions of the thing's table, in its order."""
    raise NotImplementedError


def effective(thing: Thing, at: datetime) -> Effective | None:
    """The strongest live holding; None when nothing but invitations (or nothing) is held."""
    raise NotImplementedError
