"""The list of actions, which is remembered, and the rules that look at other people."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from jupyterhub_vmshare.policy.decide import actions, decide
from jupyterhub_vmshare.policy.model import Person, Target, Thing
from jupyterhub_vmshare.policy.tables import OF_KIND
from jupyterhub_vmshare.policy.weighing import possible
from jupyterhub_vmshare.words import ThingState
from tests.policy.holdings import ADMINISTERS, AT, BEN, MACHINE, OWNS, ROOT, give, invite, thing

POWER = frozenset({"power"})
GENOMICS, IMAGING = frozenset({"genomics"}), frozenset({"imaging"})


def machine(level: str, **facts: Any) -> Thing:
    return thing(give(level, MACHINE, **facts), kind=MACHINE, owner_teams=GENOMICS)


# Neighbours differ in one fact only, which changes what may be done.
DIFFERENT = [
    (BEN, thing(give("view"))),
    (BEN, thing(give("edit"))),
    (BEN, thing(give("view", via="team_grant", answer="none"))),
    (BEN, thing(give("view", via="team_grant", answer="declined"))),
    (BEN, thing(invite("view"))),
    (BEN, thing(give("view"), cloneable=True)),
    (BEN, thing(give("view"), personal=False)),
    (BEN, thing(give("view"), tag="reef")),
    (BEN, thing(give("view"), state=ThingState.TRASHED)),
    (BEN, thing(OWNS, state=ThingState.TRASHED)),
    (BEN, thing(OWNS, state=ThingState.DELETING)),
    (BEN, thing(ADMINISTERS)),
    (ROOT, thing(owner_gone=True)),
    (ROOT, thing()),
    (BEN, machine("use")),
    (BEN, machine("use", ticks=POWER)),
    (BEN, machine("manage")),
    (replace(BEN, teams=GENOMICS), machine("manage")),
    (BEN, machine("co_own")),
    (BEN, thing(OWNS, kind=MACHINE)),
    (BEN, thing(OWNS, kind=MACHINE, facts=frozenset({"co_owner_remains"}))),
    (BEN, thing(OWNS, kind=MACHINE, facts=frozenset({"workshop_over"}))),
]


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_what_is_remembered_for_one_is_not_told_to_another(backwards: bool) -> None:
    possible.cache_clear()
    for person, where in reversed(DIFFERENT) if backwards else DIFFERENT:
        assert where.kind is not None
        one_by_one = [a for a in OF_KIND[where.kind].rows if decide(person, a, where, AT).allowed]
        assert list(actions(person, where, AT)) == one_by_one


def test_neighbours_differ() -> None:
    for (person, one), (other, two) in itertools.pairwise(DIFFERENT):
        assert actions(person, one, AT) != actions(other, two, AT)


def test_what_opens_the_same_is_remembered_whoever_gave_it() -> None:
    possible.cache_clear()
    for number in range(50):
        grant = give("view", grant_id=f"gnt_{number}", giver=f"giver-{number}")
        actions(Person(f"person-{number}"), replace(thing(grant), id=f"fld_{number}"), AT)
    assert possible.cache_info().misses == 1


@pytest.mark.parametrize(
    ("giver", "owner", "receiver", "may"),
    [
        pytest.param(GENOMICS, GENOMICS, GENOMICS, True, id="all three share a team"),
        pytest.param(GENOMICS, GENOMICS, IMAGING, False, id="the receiver is of another team"),
        pytest.param(GENOMICS, IMAGING, GENOMICS, False, id="the owner is of another team"),
        pytest.param(GENOMICS | IMAGING, GENOMICS, IMAGING, False, id="two teams, two by two"),
        pytest.param(GENOMICS, GENOMICS, None, True, id="the receiver is not known yet"),
    ],
)
def test_machines_are_shared_within_one_team(
    giver: frozenset[str], owner: frozenset[str], receiver: frozenset[str] | None, may: bool
) -> None:
    where = replace(machine("manage"), owner_teams=owner)
    known = Target() if receiver is None else Target(person="dan", teams=receiver)
    decision = decide(replace(BEN, teams=giver), "invite_user", where, AT, target=known)
    assert decision.allowed == may
    assert decision.limits == (("same_team",) if may and receiver is None else ())
    if not may:
        assert (decision.rule, decision.status) == ("if.same_team", 403)
        assert "share one team" in decision.because


@pytest.mark.parametrize(
    ("givers", "may"),
    [
        pytest.param(frozenset({"ben"}), True, id="given by this person"),
        pytest.param(frozenset({"cleo", "ben"}), True, id="flows from one that was"),
        pytest.param(frozenset({"ana"}), False, id="given by another"),
    ],
)
def test_managers_end_their_own_grants(givers: frozenset[str], may: bool) -> None:
    decision = decide(BEN, "revoke_grant", machine("manage"), AT, target=Target(givers=givers))
    assert decision.allowed == may
    assert decision.limits == ()
    assert decide(BEN, "revoke_grant", machine("manage"), AT).limits == ("own_grant",)
