"""The rules that a cell `if:<rule>` names: pure functions of a source and the circumstances.

A rule may hold by narrowing: the answer is yes, and whoever asked owes that narrowing. That is
so for lists (`team_mates`), and for what is not known yet (an invitation without its receiver).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from jupyterhub_vmshare.policy.circumstances import Circumstances, Source
from jupyterhub_vmshare.policy.model import Fact


class Verdict(Enum):
    """What a rule says."""

    FAILS = 0
    NARROWS = 1
    HOLDS = 2


Rule = Callable[[Source, Circumstances], Verdict]
RULES: Final[dict[str, Rule]] = {}
TICKS: Final = ("invite", "power", "terminal", "files", "upload", "download", "apps")


def _rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def _holds(condition: bool) -> Verdict:
    return Verdict.HOLDS if condition else Verdict.FAILS


def _tick(name: str) -> Rule:
    return lambda source, _: _holds(name in source.ticks)


def _fact(fact: Fact) -> Rule:
    return lambda _, now: _holds(fact in now.facts)


@_rule
def personal(_: Source, now: Circumstances) -> Verdict:
    """The thing is personal: a project's is left by leaving the project."""
    return _holds(now.personal)


@_rule
def cloneable(_: Source, now: Circumstances) -> Verdict:
    """The owner lets it be cloned."""
    return _holds(now.cloneable)


@_rule
def as_invitation(_: Source, now: Circumstances) -> Verdict:
    """Shown among invitations: name, owner, level and end date alone."""
    return Verdict.NARROWS


@_rule
def leaver(_: Source, now: Circumstances) -> Verdict:
    """The owner's account is gone, and somebody else than this admin receives."""
    if not now.owner_gone or now.receiver_is_asker:
        return Verdict.FAILS
    return Verdict.HOLDS if now.receiver_known else Verdict.NARROWS


@_rule
def same_team(_: Source, now: Circumstances) -> Verdict:
    """Receiver, giver and owner share one team."""
    if not now.team_shared:
        return Verdict.FAILS
    return Verdict.HOLDS if now.receiver_known else Verdict.NARROWS


@_rule
def own_grant(_: Source, now: Circumstances) -> Verdict:
    """This person gave the grant, or it flows from one that they gave."""
    return _holds(now.grant_is_own) if now.grant_known else Verdict.NARROWS


@_rule
def not_last_owner(_: Source, now: Circumstances) -> Verdict:
    """A co-owner remains."""
    return _holds("co_owner_remains" in now.facts)


@_rule
def not_last_administrator(_: Source, now: Circumstances) -> Verdict:
    """Another administrator remains."""
    return _holds("administrator_remains" in now.facts)


@_rule
def team_mates(_: Source, now: Circumstances) -> Verdict:
    """Lists people who share a team with the asker; anybody else by exact name."""
    return Verdict.NARROWS


@_rule
def self(_: Source, now: Circumstances) -> Verdict:
    """About oneself."""
    return _holds(now.receiver_is_asker) if now.receiver_known else Verdict.NARROWS


@_rule
def administers(_: Source, now: Circumstances) -> Verdict:
    """About things of a project that the person administers."""
    if not now.administers or now.thing_known:
        return _holds(now.administers)
    # A question about one person has to name a thing of the project.
    return Verdict.FAILS if now.receiver_known else Verdict.NARROWS


@_rule
def holds(_: Source, now: Circumstances) -> Verdict:
    """About a thing on which the person may see the people."""
    return _holds(now.sees_people)


@_rule
def allowed(_: Source, now: Circumstances) -> Verdict:
    """The site lets everybody, or the person's hub role says so."""
    return _holds(now.organizer)


@_rule
def owned(source: Source, now: Circumstances) -> Verdict:
    """The source is ownership (of the gates alone)."""
    return _holds(source.column == "owner")


@_rule
def owned_or_invited(source: Source, now: Circumstances) -> Verdict:
    """The source is ownership or an open invitation (of the gates alone)."""
    return _holds(source.column in ("owner", "invited"))


RULES.update({name: _tick(name) for name in TICKS})

_FACTS: Final[tuple[Fact, ...]] = (
    "workshop_admin",
    "members_may_create",
    "granted",
    "volume_owner",
    "machine_granted",
    "may_view_workshops",
    "opened",
    "members_see_each_other",
    "both_confirm",
)
RULES.update({fact: _fact(fact) for fact in _FACTS})


def weigh(rules: tuple[str, ...], source: Source, now: Circumstances) -> dict[str, Verdict]:
    """What each rule of a cell says."""
    return {name: RULES[name](source, now) for name in rules}
