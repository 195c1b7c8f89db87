"""An offer to hand a thing over: it waits as an invitation does, and opens nothing before a yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyterhub_vmshare.policy.decide import actions, decide, effective
from jupyterhub_vmshare.policy.model import Holding, Target
from jupyterhub_vmshare.words import GrantState, ThingState
from tests.policy.holdings import ANA, AT, BEN, OWNS, ROOT, give, thing

OFFER = Holding("owner", "hand_over", "owner", giver="ana", state=GrantState.PENDING)
LEFT = thing(owner_gone=True)


def test_it_shows_what_an_invitation_shows_and_nothing_more() -> None:
    assert actions(BEN, thing(OFFER), AT) == ("see_in_list", "accept_or_decline")
    assert decide(BEN, "see_in_list", thing(OFFER), AT).limits == ("as_invitation",)
    assert effective(thing(OFFER), AT) is None


def test_what_the_receiver_has_already_stays_as_it_is() -> None:
    held = set(actions(BEN, thing(give("view")), AT))
    assert set(actions(BEN, thing(give("view"), OFFER), AT)) == held | {"accept_or_decline"}


@pytest.mark.parametrize("action", ["read_file", "rename_folder", "hand_over"])
def test_a_refusal_says_what_it_waits_for(action: str) -> None:
    said = decide(BEN, action, thing(OFFER), AT)
    assert (said.allowed, said.rule) == (False, "grant.pending")
    assert said.because.startswith("You have not answered ana's offer to hand this folder over yet")


def test_in_the_trash_it_waits() -> None:
    trashed = thing(OFFER, state=ThingState.TRASHED)
    assert decide(BEN, "accept", trashed, AT).rule == "gate.state"
    assert decide(BEN, "decline", trashed, AT).allowed


@pytest.mark.parametrize(
    ("who", "where", "to", "allowed"),
    [
        pytest.param(ANA, thing(OWNS), "ben", True, id="its owner"),
        pytest.param(BEN, thing(give("edit_delete")), "dan", False, id="somebody at Edit+Delete"),
        pytest.param(ROOT, thing(), "ben", False, id="a hub admin while the owner is there"),
        pytest.param(ROOT, LEFT, "ben", True, id="a hub admin once the owner is gone"),
        pytest.param(ROOT, LEFT, "root-hub", False, id="a hub admin to themself"),
        pytest.param(replace(ROOT, hub_admin=False), LEFT, "ben", False, id="not on the pages"),
    ],
)
def test_who_may_offer(who: object, where: object, to: str, allowed: bool) -> None:
    said = decide(who, "hand_over", where, AT, target=Target(person=to))  # type: ignore[arg-type]
    assert said.allowed == allowed


def test_a_hub_admin_sees_nothing_of_what_they_hand_over() -> None:
    assert actions(ROOT, LEFT, AT) == ("hand_over",)
