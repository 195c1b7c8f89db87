"""The catalogue of events: complete, closed, and without places for secrets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from jupyterhub_vmshare.audit.catalogue import EventRefused, catalogue, check
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.ids import new_id

TYPES = {
    "folder.created",
    "folder.renamed",
    "folder.trashed",
    "folder.restored",
    "folder.deleted",
    "folder.alias_chosen",
    "folder.settings_changed",
    "folder.cloned",
    "clone.begun",
    "clone.ended",
    "snapshot.begun",
    "snapshot.ended",
    "snapshot.deleted",
    "snapshot.policy_changed",
    "quota.changed",
    "grant.invited",
    "grant.accepted",
    "grant.declined",
    "grant.changed",
    "grant.cancelled",
    "grant.revoked",
    "grant.left",
    "grant.expired",
    "grant.ended",
    "hand_over.offered",
    "hand_over.accepted",
    "hand_over.declined",
    "hand_over.cancelled",
    "files.changed",
    "session.started",
    "session.ended",
    "session.stopped",
    "mount.chosen",
    "mount.shown",
    "mount.hidden",
    "mount.mounted",
    "mount.changed",
    "mount.unmounted",
    "mount.failed",
    "mount.held",
    "mount.let_go",
    "machine.created",
    *(
        f"{kind}.{verb}"
        for kind in ("folder", "machine", "drive")
        for verb in ("tagged", "untag_confirmed", "untagged")
    ),
    "machine.renamed",
    "machine.asked",
    "machine.changed",
    "machine.idle_policy_changed",
    "machine.idle_warned",
    "machine.kept_on",
    "machine.link_opened",
    "machine.link_closed",
    "machine.link_cut",
    "machine.deleted",
    "machine.gone",
    "drive.created",
    "drive.opened",
    "drive.closed",
    "drive.renamed",
    "drive.asked",
    "drive.changed",
    "drive.attach_asked",
    "drive.attached",
    "drive.attach_failed",
    "drive.detach_asked",
    "drive.detached",
    "drive.deleted",
    "drive.gone",
    "machine_snapshot.begun",
    "machine_snapshot.opened",
    "machine_snapshot.closed",
    "machine_snapshot.ended",
    "machine_snapshot.deleted",
    "machine_snapshot.gone",
    "name.given_again",
    "project.requested",
    "project.created",
    "project.declined",
    "project.cancelled",
    "project.changed",
    "project.quota_changed",
    "project.link_made",
    "project.link_revoked",
    "project.asked",
    "project.ask_declined",
    "project.ask_cancelled",
    "project.joined",
    "project.left",
    "project.removed",
    "project.member_ended",
    "project.member_changed",
    "override.set",
    "override.removed",
    "team.joined",
    "team.left",
    "admin.asked_why",
    "admin.saw_holdings",
    "admin.read_audit",
    "admin.exported_audit",
}
SECRET_WORDS = ("token", "secret", "password", "cookie", "key", "credential", "authorization")
PLACE_WORDS = ("path", "root", "directory", "location", "url", "host", "address", "email")
GRANT = {"grant_id": new_id("gnt"), "level": "view", "receiver": "ben", "giver": "ana"}


def event(type: str, **data: object) -> NewEvent:
    return NewEvent(type=type, actor="ana", audience=frozenset({"ana"}), data=data)


def subschemas(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from subschemas(inner)


def test_there_is_exactly_the_agreed_set_of_types() -> None:
    assert set(catalogue()) == TYPES


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_object_schema_is_closed(name: str) -> None:
    for schema in subschemas(catalogue()[name].schema):
        if schema.get("type") == "object":
            assert schema.get("additionalProperties") is False


@pytest.mark.parametrize("name", sorted(TYPES))
def test_no_schema_has_a_place_for_a_secret_or_a_path_outside_the_thing(name: str) -> None:
    keys = catalogue()[name].schema["properties"]
    allowed = {"path"} if name == "files.changed" else set()
    for key, word in itertools.product(set(keys) - allowed, SECRET_WORDS + PLACE_WORDS):
        assert word not in key


@pytest.mark.parametrize("name", sorted(TYPES))
@pytest.mark.parametrize("key", ["token", "secret", "Authorization", "cookie", "abs_path"])
def test_a_secret_is_refused_and_not_repeated(name: str, key: str) -> None:
    with pytest.raises(EventRefused) as refused:
        check(event(name, **{key: "s3cr3t-value"}))
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize("name", sorted(name for name in TYPES if name.startswith("grant.")))
def test_every_grant_event_says_which_grant_level_receiver_and_giver(name: str) -> None:
    assert set(GRANT) <= set(catalogue()[name].schema["required"])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("folder.created", {}, id="a folder was made"),
        pytest.param("folder.renamed", {"from": "a", "to": "b"}, id="a rename names both"),
        pytest.param("folder.restored", {}, id="restored as it was"),
        pytest.param("folder.restored", {"from": "a", "to": "b"}, id="restored under a new name"),
        pytest.param("folder.alias_chosen", {"alias": None}, id="an alias given up"),
        pytest.param("grant.invited", {**GRANT, "ends_at": None}, id="an invitation for ever"),
        pytest.param(
            "grant.changed",
            {**GRANT, "from": "edit", "to": "view", "ends_at": "2026-11-27T18:00:00.000Z"},
            id="a change of level and end",
        ),
        pytest.param("grant.ended", {**GRANT, "why": "team_left"}, id="ended by leaving a team"),
        pytest.param("files.changed", {"path": ""}, id="anything in the folder"),
        pytest.param("files.changed", {"path": "data/..hidden/a b.csv"}, id="dots inside a name"),
    ],
)
def test_accepts(name: str, data: dict[str, object]) -> None:
    check(event(name, **data))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("folder.vanished", {}, id="an unknown type"),
        pytest.param("folder.renamed", {"to": "b"}, id="a rename without the old name"),
        pytest.param("folder.restored", {"to": "b"}, id="half a restore under a new name"),
        pytest.param("grant.invited", {"level": "view"}, id="a grant event without its grant"),
        pytest.param("grant.invited", {**GRANT, "grant_id": "fld_1"}, id="another thing's id"),
        pytest.param("grant.invited", {**GRANT, "ends_at": "Friday"}, id="an end that is no time"),
        pytest.param("grant.ended", {**GRANT, "why": "revoked"}, id="a reason with its own event"),
        pytest.param("files.changed", {"path": "/srv/store"}, id="an absolute path"),
        pytest.param("files.changed", {"path": "a/../../b"}, id="a path that climbs out"),
        pytest.param("files.changed", {"path": "a\n/../b"}, id="climbing out behind a newline"),
        pytest.param("files.changed", {"path": ".."}, id="the parent itself"),
        pytest.param("files.changed", {"path": "a//b"}, id="an empty part"),
    ],
)
def test_refuses(name: str, data: dict[str, object]) -> None:
    with pytest.raises(EventRefused):
        check(event(name, **data))
