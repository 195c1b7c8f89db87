"""What a person's sessions should have, from rows of the database; and what it is called there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import (
    aliases,
    answers,
    grants,
    mount_choices,
    team_members,
    things,
)
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.mounts.desired import DesiredMount, desired
from jupyterhub_vmshare.mounts.names import directory_names

AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
FRIDAY = AT + timedelta(hours=9)


@pytest_asyncio.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    upgrade(database_url)
    found = Database(database_url, clock=lambda: AT, check=check)
    yield found
    await found.close()


class World:
    """Rows, as the rooms of people, folders and sharing would have written them."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def insert(self, table: sa.Table, **values: Any) -> None:
        async with self.db.write() as tx:
            await tx.conn.execute(table.insert().values(values))

    async def folder(self, name: str, owner: str = "ana", **facts: Any) -> str:
        folder = new_id("fld")
        known = {"kind": "folder", "state": "live", "created_at": AT, "name": name} | facts
        await self.insert(things, id=folder, owner=owner, **known)
        return folder

    async def grant(self, folder: str, level: str, **facts: Any) -> str:
        grant = new_id("gnt")
        known: dict[str, Any] = {"receiver_kind": "person", "receiver": "ben", "giver": "ana"}
        known |= {"state": "active", "created_at": AT} | facts
        await self.insert(grants, id=grant, thing_id=folder, level=level, **known)
        return grant

    async def team(self, folder: str, level: str, answer: str | None, **facts: Any) -> str:
        known = {"receiver_kind": "team", "receiver": "genomics"} | facts
        grant = await self.grant(folder, level, **known)
        if answer is not None:
            row = {"person": "ben", "answer": answer, "answered_at": AT}
            await self.insert(answers, grant_id=grant, **row)
        return grant

    async def join(self) -> None:
        await self.insert(team_members, team="genomics", person="ben", since=AT)

    async def wanted(self, held: Mapping[str, str] | None = None) -> dict[str, DesiredMount]:
        async with self.db.read() as conn:
            found = await desired(conn, "ben", AT, held or {})
        return {mount.name: mount for mount in found.values()}

    async def levels(self) -> dict[str, str]:
        return {name: mount.level for name, mount in (await self.wanted()).items()}


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.mark.asyncio
async def test_own_and_shared_folders(world: World) -> None:
    await world.folder("mine", "ben")
    grant = await world.grant(await world.folder("tests"), "edit", ends_at=FRIDAY)
    await world.grant(await world.folder("offered"), "edit", state="pending")
    await world.folder("hers")
    found = await world.wanted()
    assert set(found) == {"mine", "tests"}
    mine, tests = found["mine"], found["tests"]
    assert (mine.level, mine.grant, mine.owner, mine.until) == ("edit_delete", "owner", "ben", None)
    assert (tests.level, tests.grant, tests.owner) == ("edit", grant, "ana")
    assert tests.until == FRIDAY


TEAM_ANSWERS: list[Any] = [
    pytest.param(None, {}, id="no answer yet gives nothing in sessions"),
    pytest.param("accepted", {"tests": "edit"}, id="a yes"),
    pytest.param("declined", {}, id="a no"),
]


@pytest.mark.scenario("F15")
@pytest.mark.parametrize(("answer", "levels"), TEAM_ANSWERS)
@pytest.mark.asyncio
async def test_a_teams_folder(world: World, answer: str | None, levels: dict[str, str]) -> None:
    await world.team(await world.folder("tests"), "edit", answer)
    assert await world.levels() == {}, "ben is not in the team"
    await world.join()
    assert await world.levels() == levels


@pytest.mark.asyncio
async def test_the_strongest_of_several_that_count(world: World) -> None:
    await world.join()
    folder = await world.folder("tests")
    await world.grant(folder, "view")
    await world.team(folder, "edit_delete", None)
    assert await world.levels() == {"tests": "view"}
    strongest = await world.team(folder, "edit", "accepted", giver="cleo", ends_at=FRIDAY)
    (tests,) = (await world.wanted()).values()
    assert (tests.level, tests.grant, tests.until) == ("edit", strongest, FRIDAY)


@pytest.mark.parametrize("state", ["trashed", "deleting"])
@pytest.mark.asyncio
async def test_what_is_in_the_trash_or_going_is_in_no_session(world: World, state: str) -> None:
    await world.grant(await world.folder("tests", state=state), "edit")
    await world.folder("mine", "ben", state=state)
    assert await world.levels() == {}


@pytest.mark.asyncio
async def test_what_is_not_wanted(world: World) -> None:
    refused, chosen = await world.folder("a", "ben"), await world.folder("b", "ben")
    await world.insert(mount_choices, person="ben", thing_id=refused, wanted=False)
    await world.insert(mount_choices, person="ana", thing_id=chosen, wanted=False)
    assert await world.levels() == {"b": "edit_delete"}


@pytest.mark.scenario("F7")
@pytest.mark.asyncio
async def test_an_alias_is_the_name(world: World) -> None:
    folder = await world.folder("tests")
    await world.grant(folder, "view")
    await world.insert(aliases, person="ben", thing_id=folder, kind="folder", alias="hers")
    await world.insert(aliases, person="cleo", thing_id=folder, kind="folder", alias="other")
    assert await world.levels() == {"hers": "view"}


@pytest.mark.asyncio
async def test_two_team_folders_of_one_name_are_two_directories(world: World) -> None:
    await world.join()
    for owner in ("ana", "cleo"):
        folder = await world.folder("tests", owner)
        await world.team(folder, "view", "accepted", giver=owner)
    assert await world.levels() == {"tests": "view", "tests (cleo)": "view"}


@pytest.mark.asyncio
async def test_two_queries_however_many_folders(world: World) -> None:
    counted: list[str] = []
    for number in range(30):
        folder = await world.folder(f"folder {number}")
        await world.grant(folder, "view")
    async with world.db.read() as conn:

        class Counting:
            dialect = conn.dialect

            async def execute(self, statement: Any, told: Any = None) -> Any:
                counted.append(str(statement))
                return await conn.execute(statement, told)

        found = await desired(Counting(), "ben", AT, {})  # type: ignore[arg-type]
    assert (len(found), len(counted)) == (30, 2)


# --- names ---

A, B, C = "fld_a", "fld_b", "fld_c"
NAMES: list[Any] = [
    pytest.param({A: "tests", B: "other"}, {}, {A: "tests", B: "other"}, id="labels that differ"),
    pytest.param(
        {A: "tests", B: "tests"}, {}, {A: "tests", B: "tests (ben)"}, id="the older one is first"
    ),
    pytest.param(
        {A: "tests", B: "tests"},
        {B: "tests"},
        {A: "tests (ana)", B: "tests"},
        id="who has the name keeps it",
    ),
    pytest.param(
        {A: "tests", B: "tests", C: "tests"},
        {A: "tests", C: "tests (cleo)"},
        {A: "tests", B: "tests (ben)", C: "tests (cleo)"},
        id="an alternative stays",
    ),
    pytest.param(
        {B: "tests"}, {B: "tests (ben)"}, {B: "tests"}, id="the label again, once it is free"
    ),
    pytest.param({A: "new"}, {A: "old"}, {A: "new"}, id="a new label is a new name"),
    pytest.param(
        {A: "tests", B: "tests (ana)", C: "tests"},
        {},
        {A: "tests", B: "tests (ana)", C: "tests (cleo)"},
        id="an alternative that somebody is called",
    ),
    pytest.param({A: ".."}, {}, {A: "_"}, id="a label that is no name"),
    pytest.param({A: "a/b\0"}, {}, {A: "a_b_"}, id="a slash and a NUL"),
    pytest.param({A: "é" * 200}, {}, {A: "é" * 127}, id="a label that is too long"),
]


@pytest.mark.parametrize(("labels", "held", "expected"), NAMES)
def test_directories_are_called(
    labels: dict[str, str], held: dict[str, str], expected: dict[str, str]
) -> None:
    owners = {A: "ana", B: "ben", C: "cleo"}
    of = {folder: (label, owners[folder]) for folder, label in labels.items()}
    assert directory_names(of, held) == expected


def test_a_thousand_of_one_name_are_a_thousand() -> None:
    of = {f"fld_{number:04}": ("x" * 255, "ana") for number in range(300)}
    names = directory_names(of, {})
    assert len(set(names.values())) == 300
    assert all(len(name.encode()) <= 255 for name in names.values())
