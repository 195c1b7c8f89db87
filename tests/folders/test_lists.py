"""Lists of folders: what stands in them, in which order, and that they are what decisions say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import answers, grants, metadata, things
from jupyterhub_vmshare.folders import listing
from jupyterhub_vmshare.folders.audience import everyone_with_access
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import load
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingState
from tests.fixtures.api import Api

NOW = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    db = Database(sqlite_url, clock=lambda: NOW)
    async with db.write() as tx:
        await tx.conn.run_sync(metadata.create_all)
    yield db
    await db.close()


@pytest.mark.asyncio
@pytest.mark.scenario("F1")
async def test_a_new_folder_stands_in_its_owners_list_alone(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    mine = (await api("ana").folders())["tests"]
    assert (mine["id"], mine["relation"], mine["level"]) == (folder, "mine", "owner")
    assert (mine["shared_with"], mine["state"]) == (0, "live")
    for name in ("ben", "eve", "root-hub"):
        assert await api(name).folders() == {}
        assert (await api(name).get(f"/folders/{folder}")).status_code == 404


@pytest.mark.asyncio
async def test_a_shared_folder_is_listed_once_it_is_accepted(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "edit", "ben", ends_at="2026-11-27T18:00:00Z")
    assert await ben.folders() == {}
    offered = await ben.ask("GET", f"/folders/{folder}")
    assert (offered["level"], offered["shared_with"]) == ("edit", None)
    assert offered["actions"] == ["see_in_list", "accept_or_decline"]
    await ben.accept(grant)
    shared = (await ben.folders())["tests"]
    assert (shared["relation"], shared["level"], shared["owner"]) == (
        "shared_with_me",
        "edit",
        "ana",
    )
    assert shared["ends_at"] == "2026-11-27T18:00:00.000Z"
    assert shared["shared_with"] == 1
    api.running.clock.advance(hours=9)
    assert await ben.folders() == {}


@pytest.mark.asyncio
async def test_pages_filters_and_order(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    for name in ("beta", "Alpha", "alpha", "100%", "under_score", "émile"):
        await ana.make_folder(name)
    theirs = await ben.make_folder("Bens")
    [grant] = await ben.invite(theirs, "view", "ana")
    await ana.accept(grant)
    order = ["100%", "Alpha", "alpha", "Bens", "beta", "under_score", "émile"]
    for limit in (1, 2, 3, 7, 8):
        assert list(await ana.folders(limit=limit)) in (
            order,
            ["100%", "alpha", "Alpha", *order[3:]],
        )
    assert list(await ana.folders(q="B")) == ["Bens", "beta"]
    assert list(await ana.folders(q="%")) == ["100%"]
    assert list(await ana.folders(q="_")) == ["under_score"]
    assert list(await ana.folders(relation="shared_with_me")) == ["Bens"]
    assert "Bens" not in await ana.folders(relation="mine")
    assert await ana.folders(state="trashed") == {}


@pytest.mark.asyncio
@pytest.mark.parametrize("query", ["after=x", "after=W10", "after=WzEsMl0=", "limit=0", "limit=201",
                                   "state=deleting", "relation=x", "nonsense=1"])  # fmt: skip
async def test_a_list_asked_for_wrongly(api: Api, query: str) -> None:
    assert (await api("ana").get(f"/folders?{query}")).status_code == 422


PEOPLE = ("ana", "ben", "cleo")
TEAMS = {"ana": frozenset({"genomics"}), "ben": frozenset({"genomics", "imaging"})}
FOLDER = st.fixed_dictionaries(
    {"owner": st.sampled_from(PEOPLE), "state": st.sampled_from(list(ThingState))}
)
GRANT = st.fixed_dictionaries(
    {
        "thing": st.integers(0, 3),
        "receiver": st.sampled_from(
            [(ReceiverKind.PERSON, name) for name in PEOPLE]
            + [(ReceiverKind.TEAM, name) for name in ("genomics", "imaging")]
        ),
        "level": st.sampled_from(["view", "edit", "edit_delete"]),
        "state": st.sampled_from(list(GrantState)),
        "ends_at": st.sampled_from([None, NOW - HOUR, NOW, NOW + HOUR]),
        "answers": st.dictionaries(
            st.sampled_from(PEOPLE), st.sampled_from(["accepted", "declined"])
        ),
    }
)


@pytest.mark.asyncio
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(folders=st.lists(FOLDER, min_size=4, max_size=4), given_=st.lists(GRANT, max_size=8))
async def test_a_list_is_what_decisions_say(
    db: Database, folders: list[dict[str, Any]], given_: list[dict[str, Any]]
) -> None:
    ids = await _world(db, folders, given_)
    async with db.read() as conn:
        for name in PEOPLE:
            person = Person(name, teams=TEAMS.get(name, frozenset()))
            facts = await load(conn, person, ids, ended=True)
            assert await _listed(conn, person) == {
                thing.id
                for thing in facts.values()
                if thing.state is ThingState.LIVE
                and (said := decide(person, "see_in_list", thing, NOW)).allowed
                and "as_invitation" not in said.limits
            }


async def _listed(conn: AsyncConnection, person: Person) -> set[str]:
    """The whole list in pages; nothing comes twice."""
    listed: list[str] = []
    after = None
    while True:
        page = await listing.page(conn, person, NOW, after=after, limit=2)
        listed += [folder.id for folder in page.items]
        after = page.next
        if after is None:
            assert len(listed) == len(set(listed))
            return set(listed)


async def _world(
    db: Database, folders: list[dict[str, Any]], given_: list[dict[str, Any]]
) -> list[str]:
    ids = [new_id("fld") for _ in folders]
    async with db.write() as tx:
        for table in (answers, grants, things):
            await tx.conn.execute(table.delete())
        for number, (thing_id, folder) in enumerate(zip(ids, folders, strict=True)):
            row = {"id": thing_id, "kind": "folder", "name": f"f{number}", "created_at": NOW}
            await tx.conn.execute(things.insert().values(**row, **folder))
        for one in given_:
            await _give(tx, ids[one["thing"]], one)
    return ids


async def _give(tx: Transaction, thing_id: str, one: dict[str, Any]) -> None:
    kind, receiver = one["receiver"]
    grant_id = new_id("gnt")
    row = {key: one[key] for key in ("level", "state", "ends_at")}
    row |= {"receiver_kind": kind, "receiver": receiver, "giver": grant_id, "created_at": NOW}
    row |= {"ended_why": "revoked" if one["state"] is GrantState.ENDED else None}
    await tx.conn.execute(grants.insert().values(id=grant_id, thing_id=thing_id, **row))
    for person, answer in one["answers"].items() if kind is ReceiverKind.TEAM else ():
        row = {"person": person, "answer": answer, "answered_at": NOW}
        await tx.conn.execute(answers.insert().values(grant_id=grant_id, **row))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        pytest.param({}, True, id="not answered: listed at once"),
        pytest.param({"ben": "accepted"}, True, id="accepted"),
        pytest.param({"ben": "declined"}, False, id="declined by oneself"),
        pytest.param({"ana": "declined"}, True, id="declined by a team-mate"),
    ],
)
async def test_each_member_of_a_team_answers_for_their_own_list(
    db: Database, answer: dict[str, str], stands: bool
) -> None:
    grant = {"thing": 0, "receiver": (ReceiverKind.TEAM, "genomics"), "level": "view"}
    grant |= {"state": GrantState.ACTIVE, "ends_at": None, "answers": answer}
    ids = await _world(db, [{"owner": "cleo", "state": ThingState.LIVE}], [grant])
    async with db.read() as conn:
        listed = await _listed(conn, Person("ben", teams=frozenset({"genomics"})))
        assert await _listed(conn, Person("dan", teams=frozenset({"imaging"}))) == set()
    assert listed == (set(ids) if stands else set())


@pytest.mark.asyncio
async def test_a_page_takes_as_many_queries_however_long_it_is(db: Database) -> None:
    row = {"kind": "folder", "owner": "ana", "state": "live", "created_at": NOW}
    async with db.write() as tx:
        for number in range(50):
            await tx.conn.execute(things.insert().values(id=new_id("fld"), name=str(number), **row))
    assert await _queries(db, 1) == await _queries(db, 50)


async def _queries(db: Database, limit: int) -> int:
    asked: list[str] = []
    async with db.read() as conn:
        sa.event.listen(
            conn.sync_connection, "before_cursor_execute", lambda *about: asked.append(about[2])
        )
        page = await listing.page(conn, Person("ana"), NOW, limit=limit)
    assert len(page.items) == limit
    return len(asked)


@pytest.mark.asyncio
async def test_who_hears_of_a_change_is_who_has_access(api: Api) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    ids = await ana.invite(folder, "view", "ben", "dan", "cleo", "eve")
    for name, grant in zip(("ben", "dan", "cleo"), ids, strict=False):
        await api(name).accept(grant)
    await ana.ask("DELETE", f"/grants/{ids[1]}")
    db = api.running.service.db
    async with db.read() as conn:
        heard = await everyone_with_access(conn, folder, "ana", db.clock())
    assert heard == {"ana", "ben", "cleo"}
