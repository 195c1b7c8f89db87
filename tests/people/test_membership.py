"""The mirror of the hub's groups: what it holds, when it changes, whom it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import events, metadata, team_members
from jupyterhub_vmshare.errors import HubUnreachable
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.membership import Change, Member, Membership, TeamChoice
from tests.fakes.hub import FakeHub
from tests.fixtures.postgres import Cluster
from tests.people.conftest import Clock

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def membership(db: Database, hub: Hub) -> AsyncIterator[Membership]:
    yield Membership(db, hub)


async def told(db: Database) -> list[tuple[str, str, str, list[str]]]:
    async with db.read() as conn:
        rows = (await conn.execute(sa.select(events).order_by(events.c.at, events.c.id))).all()
    return [(row.type, row.data["team"], row.data["person"], row.audience) for row in rows]


async def test_it_holds_what_the_hub_says(membership: Membership) -> None:
    assert await membership.age() is None
    change = await membership.refresh()
    assert await membership.teams_of("ben") == {"genomics", "imaging"}
    assert await membership.teams_of("eve") == frozenset()
    assert await membership.members_of("imaging") == {"ben", "dan"}
    assert len(change.joined) == 5


async def test_joining_and_leaving_is_told_to_the_person_alone(
    world: FakeHub, db: Database, membership: Membership
) -> None:
    await membership.refresh()
    before = len(await told(db))
    world.leave("ben", "genomics")
    world.join("eve", "genomics")
    change = await membership.refresh()
    assert change == Change((Member("genomics", "eve"),), (Member("genomics", "ben"),))
    assert (await told(db))[before:] == [
        ("team.left", "genomics", "ben", ["ben"]),
        ("team.joined", "genomics", "eve", ["eve"]),
    ]


async def test_nothing_new_records_and_tells_nothing(db: Database, membership: Membership) -> None:
    await membership.refresh()
    before = await told(db)
    heard: list[Change] = []

    async def listen(tx: Transaction, change: Change) -> None:
        heard.append(change)

    membership.on_change(listen)
    assert await membership.refresh() == Change((), ())
    assert await told(db) == before
    assert heard == []


async def test_listeners_act_in_the_transaction_of_the_change(
    world: FakeHub, db: Database, membership: Membership
) -> None:
    """Whoever ends a team's grants fails or succeeds together with the mirror."""
    await membership.refresh()

    async def fail(tx: Transaction, change: Change) -> None:
        raise RuntimeError("the grants could not be ended")

    membership.on_change(fail)
    world.leave("ben", "genomics")
    with pytest.raises(RuntimeError):
        await membership.refresh()
    assert "genomics" in await membership.teams_of("ben")
    assert "team.left" not in [kind for kind, *_ in await told(db)]


async def test_a_deleted_group_and_a_deleted_person_leave(
    world: FakeHub, membership: Membership
) -> None:
    await membership.refresh()
    del world.groups["imaging"]
    world.remove_person("cleo")
    change = await membership.refresh()
    assert change.left == (
        Member("genomics", "cleo"),
        Member("imaging", "ben"),
        Member("imaging", "dan"),
    )


async def test_a_group_that_the_paging_hides_is_not_left(
    world: FakeHub, membership: Membership
) -> None:
    """The hub pages by offset: a group deleted between two pages shifts another one out."""
    world.page_max_limit = 1
    world.groups = {"a": ["ana"], "b": ["ben"], "c": ["cleo"]}
    await membership.refresh()
    deleting = asyncio.create_task(delete_after_first_page(world))
    world.delay("/hub/api/groups", 0.05)
    change = await membership.refresh()
    await deleting
    assert change.left == ()
    assert await membership.teams_of("ben") == {"b"}
    assert (await membership.refresh()).left == (Member("a", "ana"),)


async def delete_after_first_page(world: FakeHub) -> None:
    before = len(world.asked("/hub/api/groups"))
    while len(world.asked("/hub/api/groups")) < before + 2:
        await asyncio.sleep(0.005)
    world.groups.pop("a", None)


async def test_when_the_hub_is_down_it_stays_and_says_how_old_it_is(
    world: FakeHub, membership: Membership, clock: Clock
) -> None:
    await membership.refresh()
    world.fail("/hub/api/groups*", 503)
    clock.forward(90)
    with pytest.raises(HubUnreachable):
        await membership.refresh()
    assert await membership.teams_of("ana") == {"genomics"}
    assert await membership.age() == timedelta(seconds=90)


async def test_a_failure_half_way_through_the_pages_changes_nothing(
    world: FakeHub, membership: Membership
) -> None:
    await membership.refresh()
    world.page_max_limit = 1
    world.leave("ana", "genomics")
    world.delay("/hub/api/groups", 0, times=1)
    world.fail("/hub/api/groups", 500)
    with pytest.raises(HubUnreachable):
        await membership.refresh()
    assert await membership.teams_of("ana") == {"genomics"}


async def test_which_groups_count(world: FakeHub, db: Database, hub: Hub) -> None:
    world.add_group("course-2026", ["ana", "dan"])
    world.add_group("all-users", ["ana", "ben", "eve"])
    choice = TeamChoice(include=("gen*", "all-*", "course-*"), exclude=("all-*",))
    membership = Membership(db, hub, choice)
    await membership.refresh()
    assert await membership.teams_of("ana") == {"genomics", "course-2026"}
    assert await membership.teams_of("ben") == {"genomics"}


async def test_groups_that_count_no_more_are_left(db: Database, hub: Hub) -> None:
    await Membership(db, hub).refresh()
    change = await Membership(db, hub, TeamChoice(exclude=("imaging",))).refresh()
    assert change.left == (Member("imaging", "ben"), Member("imaging", "dan"))


async def test_too_many_groups_leave_the_youngest_out(
    world: FakeHub, db: Database, hub: Hub
) -> None:
    membership = Membership(db, hub, TeamChoice(at_most=2))
    await membership.refresh()
    world.add_group("young", ["ana"])
    assert await membership.refresh() == Change((), ())


async def test_an_answer_is_never_older_than_the_call(
    world: FakeHub, membership: Membership
) -> None:
    await membership.refresh()
    world.delay("/hub/api/groups", 0.1)
    early = asyncio.create_task(membership.refresh())
    await asyncio.sleep(0.15 - 0.1 + 0.02)
    # The first question is on its way, so a change from now on may not be in its answer.
    late = [asyncio.create_task(membership.refresh()) for _ in range(10)]
    world.leave("ben", "imaging")
    asked = len(world.asked("/hub/api/groups"))
    await asyncio.gather(early, *late)
    assert await membership.teams_of("ben") == {"genomics"}
    assert len(world.asked("/hub/api/groups")) == asked + 1


async def test_an_older_answer_of_another_replica_undoes_nothing(
    world: FakeHub, db: Database, hub: Hub, clock: Clock
) -> None:
    slow, quick = Membership(db, hub), Membership(db, hub)
    await quick.refresh()
    held = asyncio.Event()
    ask = slow._ask

    async def ask_and_wait() -> frozenset[Member]:
        answer = await ask()
        await held.wait()
        return answer

    slow._ask = ask_and_wait  # type: ignore[method-assign]
    late = asyncio.create_task(slow.refresh())
    await asyncio.sleep(0.05)
    clock.forward(1)
    world.leave("ben", "imaging")
    await quick.refresh()
    held.set()
    assert await late == Change((), ())
    assert await quick.teams_of("ben") == {"genomics"}


async def test_it_refreshes_by_itself_whatever_goes_wrong(
    world: FakeHub, db: Database, hub: Hub
) -> None:
    membership = Membership(db, hub, every=0.02)
    world.fail("/hub/api/groups*", 503, times=2)
    task = asyncio.create_task(membership.keep_fresh())
    while "imaging" not in await membership.teams_of("dan"):
        await asyncio.sleep(0.02)
    task.cancel()


@pytest.mark.postgres_all
async def test_two_replicas_on_postgresql_start_at_once(postgres: Cluster, hub: Hub) -> None:
    replicas = [Database(postgres.new_database()) for _ in range(1)]
    replicas.append(Database(replicas[0].url.render_as_string(hide_password=False)))
    async with replicas[0].write() as tx:
        await tx.conn.run_sync(metadata.create_all)
    mirrors = [Membership(db, hub) for db in replicas]
    changes = await asyncio.gather(*(mirror.refresh() for mirror in mirrors))
    assert sorted(len(change.joined) for change in changes) == [0, 5]
    assert await mirrors[1].teams_of("ben") == {"genomics", "imaging"}
    for db in replicas:
        await db.close()


async def test_teams_are_remembered_for_a_moment_and_never_past_a_change(
    world: FakeHub, db: Database, membership: Membership
) -> None:
    await membership.refresh()
    assert await membership.teams_of("ana") == {"genomics"}
    async with db.write() as tx:  # what another replica does
        row = {"team": "imaging", "person": "ana", "since": tx.at}
        await tx.conn.execute(team_members.insert().values(**row))
    assert await membership.teams_of("ana") == {"genomics"}
    assert await membership.teams_of("ana", fresh=True) == {"genomics", "imaging"}
    world.leave("ana", "genomics")
    world.join("ana", "imaging")
    await membership.refresh()
    assert await membership.teams_of("ana") == {"imaging"}
