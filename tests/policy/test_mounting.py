"""As what folders are mounted: every kind of source, and never more than ``decide`` allows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.policy.mounting import mount_right
from jupyterhub_vmshare.words import EndedWhy, ThingState
from tests.policy.holdings import (
    AT,
    BEN,
    FOLDER,
    LEADS,
    OWNS,
    give,
    invite,
    over,
    project_folder,
    thing,
)
from tests.policy.test_properties import PEOPLE, things

FRIDAY, SUNDAY = AT + timedelta(days=1), AT + timedelta(days=3)
TEAM: dict[str, Any] = {"via": "team_grant", "grant_id": "gnt_team"}

CASES: list[Any] = [
    pytest.param(thing(OWNS), ("edit_delete", None, None), id="an owner may do it all"),
    pytest.param(thing(give("view")), ("view", "gnt_1", None), id="a grant of View"),
    pytest.param(thing(give("edit")), ("edit", "gnt_1", None), id="a grant of Edit"),
    pytest.param(
        thing(give("edit_delete")), ("edit_delete", "gnt_1", None), id="a grant of Edit+Delete"
    ),
    pytest.param(thing(invite("edit")), None, id="an invitation gives nothing"),
    pytest.param(thing(), None, id="a stranger has nothing"),
    pytest.param(thing(over("edit", EndedWhy.REVOKED)), None, id="what was revoked is gone"),
    pytest.param(thing(give("edit", ends_at=AT)), None, id="an end date that has come"),
    pytest.param(
        thing(give("edit", ends_at=FRIDAY)), ("edit", "gnt_1", FRIDAY), id="until the end date"
    ),
    pytest.param(
        thing(give("edit", answer="accepted", **TEAM)),
        ("edit", "gnt_team", None),
        id="a team's grant that was accepted",
    ),
    pytest.param(
        thing(give("edit", answer="none", **TEAM)), None, id="a team's grant waits for a yes"
    ),
    pytest.param(
        thing(give("edit", answer="declined", **TEAM)), None, id="a team's grant after a no"
    ),
    pytest.param(
        thing(give("view"), give("edit", answer="none", **TEAM)),
        ("view", "gnt_1", None),
        id="a stronger team's grant that waits does not count",
    ),
    pytest.param(
        thing(give("view"), give("edit", answer="accepted", **TEAM)),
        ("edit", "gnt_team", None),
        id="the stronger of two",
    ),
    pytest.param(
        thing(give("view"), give("edit", ends_at=FRIDAY, answer="accepted", **TEAM)),
        ("edit", "gnt_team", FRIDAY),
        id="the stronger of two, until it ends",
    ),
    pytest.param(
        thing(
            give("view", ends_at=FRIDAY),
            give("edit", ends_at=SUNDAY, answer="accepted", **TEAM),
        ),
        ("edit", "gnt_team", SUNDAY),
        id="the weaker one's end changes nothing",
    ),
    pytest.param(
        thing(
            give("edit", ends_at=FRIDAY),
            give("edit", ends_at=SUNDAY, answer="accepted", **TEAM),
        ),
        ("edit", "gnt_1", SUNDAY),
        id="two of one level, until the later one ends",
    ),
    pytest.param(
        thing(give("edit", ends_at=FRIDAY), give("edit", answer="accepted", **TEAM)),
        ("edit", "gnt_1", None),
        id="two of one level, one without an end",
    ),
    pytest.param(thing(OWNS, state=ThingState.TRASHED), None, id="what is in the trash"),
    pytest.param(thing(OWNS, state=ThingState.DELETING), None, id="what is being deleted"),
    pytest.param(
        project_folder(LEADS), ("edit_delete", None, None), id="a project's administrator"
    ),
    pytest.param(
        project_folder(
            give("edit_delete", via="project_grant", answer="accepted"),
            give("view", via="project_override", answer="accepted", grant_id="gnt_cap"),
        ),
        ("view", "gnt_cap", None),
        id="an override caps a member",
    ),
]


@pytest.mark.parametrize(("what", "expected"), CASES)
def test_mounted_as(what: Thing, expected: tuple[str, str | None, datetime | None] | None) -> None:
    right = mount_right(BEN, what, AT)
    found = None if right is None else (right.level, right.holding.grant_id, right.until)
    assert found == expected


@given(PEOPLE, things())
@settings(max_examples=400, deadline=None)
def test_never_more_and_never_less_than_decide_allows(person: Person, what: Thing) -> None:
    right = mount_right(person, what, AT)
    if what.kind is not FOLDER:
        assert right is None
        return
    assert (right is not None) == decide(person, "mount_read_only", what, AT).allowed
    writes = right is not None and right.level != "view"
    assert writes == decide(person, "mount_read_write", what, AT).allowed


@given(PEOPLE, things(FOLDER))
@settings(max_examples=400, deadline=None)
def test_until_the_level_drops_and_no_moment_longer(person: Person, what: Thing) -> None:
    right = mount_right(person, what, AT)
    if right is None:
        return
    levels = (None, "view", "edit", "edit_delete")

    def strength(moment: datetime) -> int:
        then = mount_right(person, what, moment)
        return levels.index(None if then is None else then.level)

    moments = [AT + timedelta(hours=6 * number) for number in range(20)]
    drops = [moment for moment in moments if strength(moment) < strength(AT)]
    assert right.until == (drops[0] if drops else None)
