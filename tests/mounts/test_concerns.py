"""Whose sessions an event may concern: the worker looks at these at once."""

from __future__ import annotations

from typing import Any

import pytest

from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.mounts.concerns import concerned

TEAM = {"receiver_kind": "team"}
HEARD = frozenset({"ana", "ben"})
CASES = [
    pytest.param("grant.accepted", {"receiver_kind": "person"}, HEARD, id="a person accepts"),
    pytest.param("grant.accepted", TEAM, HEARD, id="a member accepts, for themself"),
    pytest.param("grant.left", TEAM, HEARD, id="a member leaves, for themself"),
    pytest.param("grant.ended", {**TEAM, "why": "team_left"}, HEARD, id="who left the team"),
    pytest.param("grant.invited", TEAM, None, id="a team is given something"),
    pytest.param("grant.revoked", TEAM, None, id="it is taken away again"),
    pytest.param(
        "grant.ended", {**TEAM, "why": "thing_deleted"}, None, id="a team's thing is gone"
    ),
    pytest.param("hand_over.accepted", {}, HEARD, id="a folder changes hands"),
    pytest.param("team.left", {}, HEARD, id="somebody leaves a team"),
    pytest.param("quota.changed", {}, None, id="an owner's limit is another one"),
    pytest.param("override.set", {}, HEARD, id="a member has a level of their own"),
    pytest.param("project.joined", {"person": "ben"}, frozenset({"ben"}), id="a new member"),
    pytest.param("project.left", {"person": "ben"}, frozenset({"ben"}), id="who left a project"),
    pytest.param(
        "project.member_changed", {"person": "ben"}, frozenset({"ben"}), id="another end date"
    ),
    pytest.param("project.changed", {"changed": ["name"]}, HEARD, id="another name of a project"),
    pytest.param("project.changed", {"changed": ["description"]}, frozenset(), id="another text"),
    pytest.param("project.quota_changed", {}, None, id="a project's limit is another one"),
    pytest.param("files.changed", {}, frozenset(), id="a file changed"),
]


@pytest.mark.parametrize(("kind", "data", "expected"), CASES)
def test_whom_it_concerns(kind: str, data: dict[str, Any], expected: frozenset[str] | None) -> None:
    assert concerned(NewEvent(kind, "ana", HEARD, data=data)) == expected
