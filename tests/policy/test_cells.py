"""Every cell of every table, asked of `decide`; the files are read anew, without the loader."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import pytest

from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import NOBODY, Fact, Holding, Person, Target, Thing
from jupyterhub_vmshare.words import ThingKind, ThingState
from tests.policy.holdings import ADMINISTERS, AT, DRIVE, FOLDER, MACHINE, OWNS, give, invite, thing

TABLES = {FOLDER: "folder_levels", MACHINE: "machine_roles", DRIVE: "drive_levels"}
SPOKEN = {
    "owner": "an owner",
    "edit_delete": "an editor who may delete",
    "edit": "an editor",
    "view": "a viewer",
    "co_owner": "a co-owner",
    "manager": "a manager",
    "user": "a user",
    "attach_write": "an attacher who may write",
    "attach_read": "an attacher who may read",
    "invited": "an invited person",
    "project_admin": "a project administrator",
    "hub_admin": "a hub admin",
    "stranger": "a stranger",
    "person": "a person",
}
LEVELS = {
    "user": "use",
    "manager": "manage",
    "co_owner": "co_own",
    **{name: name for name in ("view", "edit", "edit_delete", "attach_read", "attach_write")},
}
IN_TRASH = ("restore_folder", "delete_folder_for_ever")
Asked = tuple[Person, Thing, Target]


def rows(name: str) -> list[dict[str, str]]:
    text = (files("jupyterhub_vmshare.policy") / "tables" / f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def held(kind: ThingKind, column: str, ticks: frozenset[str]) -> tuple[Holding, ...]:
    if column in LEVELS:
        return (give(LEVELS[column], kind, ticks=ticks),)
    found = {"owner": OWNS, "project_admin": ADMINISTERS, "invited": invite("view", kind)}
    return (found[column],) if column in found else ()


def asked(kind: ThingKind, action: str, column: str, rules: tuple[str, ...] = ()) -> Asked:
    """A person who holds that column, where exactly these rules hold."""
    shared = frozenset({"genomics"}) if "same_team" in rules else frozenset({"imaging"})
    person = Person("ben", teams=shared, hub_admin=column == "hub_admin")
    facts: frozenset[Fact] = frozenset()
    if "not_last_owner" in rules:
        facts = frozenset({"co_owner_remains"})
    where = thing(
        *held(kind, column, frozenset(rules)),
        kind=kind,
        state=ThingState.TRASHED if action in IN_TRASH else ThingState.LIVE,
        personal="personal" in rules,
        cloneable="cloneable" in rules,
        owner_gone="leaver" in rules,
        owner_teams=frozenset({"genomics"}),
        facts=facts,
    )
    giver = frozenset({"ben"}) if "own_grant" in rules else frozenset({"ana"})
    return person, where, Target(person="cleo", givers=giver)


def cells(names: dict[ThingKind, str] = TABLES) -> Iterator[tuple[ThingKind, str, str, str]]:
    for kind, name in names.items():
        for row in rows(name):
            action = row.pop("action")
            yield from ((kind, action, column, cell) for column, cell in row.items())


def spoken(kind: ThingKind, action: str, column: str, cell: str) -> str:
    may = {"yes": "may", "no": "cannot"}.get(cell, f"may {cell.replace(':', ' ')}")
    return f"{SPOKEN[column]} {may} {action} a {kind}"


PLAIN = [cell for cell in cells() if not cell[3].startswith("if:")]
CONDITIONAL = [cell for cell in cells() if cell[3].startswith("if:")]


@pytest.mark.parametrize(
    ("kind", "action", "column", "cell"), PLAIN, ids=[spoken(*cell) for cell in PLAIN]
)
def test_plain_cells(kind: ThingKind, action: str, column: str, cell: str) -> None:
    person, where, target = asked(kind, action, column, ("personal",))
    decision = decide(person, action, where, AT, target=target)
    assert decision.allowed == (cell == "yes")
    if cell == "yes":
        assert (decision.status, decision.limits) == (200, ())
        assert decision.rule == f"table.{action}"
    else:
        hidden = column in ("stranger", "hub_admin")
        hidden |= where.state is ThingState.TRASHED and column not in ("owner", "invited")
        assert decision.status == (404 if hidden else 403)
    assert decision.because


@pytest.mark.parametrize(
    ("kind", "action", "column", "cell"), CONDITIONAL, ids=[spoken(*cell) for cell in CONDITIONAL]
)
def test_conditional_cells(kind: ThingKind, action: str, column: str, cell: str) -> None:
    rules = tuple(cell.removeprefix("if:").split("+"))
    person, where, target = asked(kind, action, column, rules)
    decision = decide(person, action, where, AT, target=target)
    assert (decision.allowed, decision.rule) == (True, f"if.{rules[0]}")
    for missing in rules:
        if missing == "as_invitation":
            assert decision.limits == ("as_invitation",)
            continue
        assert decision.limits == ()
        others = tuple(rule for rule in rules if rule != missing)
        person, where, target = asked(kind, action, column, others)
        refused = decide(person, action, where, AT, target=target)
        assert not refused.allowed
        assert refused.rule == (f"if.{missing}" if refused.status == 403 else "not_visible")
        assert refused.because


SERVICE = [
    (row["action"], column, row[column])
    for row in rows("service_actions")
    for column in ("person", "project_admin", "hub_admin")
]


def service_person(column: str, rules: tuple[str, ...]) -> Person:
    reef = frozenset({"reef"}) if column == "project_admin" else frozenset()
    return Person(
        "ben", hub_admin=column == "hub_admin", administers=reef, organizer="allowed" in rules
    )


def about(column: str, rules: tuple[str, ...]) -> tuple[Thing, Target]:
    seen = (give("view"),) if "holds" in rules else ()
    where = thing(*seen, project="reef" if "administers" in rules else "other")
    return where, Target(person="ben" if "self" in rules else "ana")


@pytest.mark.parametrize(
    ("action", "column", "cell"),
    SERVICE,
    ids=[f"{SPOKEN[column]}: {action} is {cell}" for action, column, cell in SERVICE],
)
def test_service_cells(action: str, column: str, cell: str) -> None:
    rules = tuple(cell.removeprefix("if:").split("+")) if cell.startswith("if:") else ()
    where, target = about(column, rules)
    decision = decide(service_person(column, rules), action, where, AT, target=target)
    assert decision.allowed == (cell != "no")
    assert decision.limits == (("team_mates",) if "team_mates" in rules else ())
    if rules and "team_mates" not in rules:
        where, target = about(column, ())
        refused = decide(service_person(column, ()), action, where, AT, target=target)
        assert not refused.allowed
        assert refused.because


def test_a_service_action_without_a_thing_is_narrowed_to_what_the_person_may_know() -> None:
    ben, lead = service_person("person", ()), service_person("project_admin", ())
    assert decide(ben, "read_audit", None, AT).limits == ("self",)
    assert decide(lead, "list_leavers_things", None, AT).limits == ("administers",)
    refused = decide(ben, "list_leavers_things", None, AT)
    assert (refused.allowed, refused.rule) == (False, "table.list_leavers_things")
    everything = decide(replace(ben, hub_admin=True), "read_audit", None, AT)
    assert (everything.allowed, everything.limits) == (True, ())


def test_nobody_asks_why_about_another_without_naming_a_thing() -> None:
    for column in ("person", "project_admin"):
        asker = service_person(column, ())
        refused = decide(asker, "ask_why_about_another", None, AT, target=Target(person="ana"))
        assert (refused.allowed, refused.status) == (False, 403)
    assert decide(service_person("person", ()), "ask_why", None, AT, target=NOBODY).allowed
