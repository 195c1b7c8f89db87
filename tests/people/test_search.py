"""Whom one finds: team-mates by the beginning of a name, others by the whole of it (D3)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import HubUnreachable, TooMany
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.limit import RateLimit
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.search import PeopleSearch
from jupyterhub_vmshare.people.succession import Succession
from tests.fakes.hub import FakeHub
from tests.people.conftest import Clock

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def search(db: Database, hub: Hub, clock: Clock) -> AsyncIterator[PeopleSearch]:
    await Membership(db, hub).refresh()
    limit = RateLimit(burst=5, per_minute=60, monotonic=clock.monotonic)
    yield PeopleSearch(db, hub, Succession(db, hub), limit)


async def names(search: PeopleSearch, asker: str, q: str) -> list[str]:
    page = await search.find(asker, q, after=None, limit=50)
    return [found.name for found in page.items]


FINDS = [
    pytest.param("ana", "", ["ben", "cleo"], id="nothing asked: one's team-mates"),
    pytest.param("ana", "b", ["ben"], id="a team-mate by the beginning"),
    pytest.param("ana", "B", ["ben"], id="whatever the case"),
    pytest.param("ana", "ben", ["ben"], id="a team-mate by the whole name"),
    pytest.param("ana", "d", [], id="nobody else by the beginning"),
    pytest.param("ana", "da", [], id="nor by nearly all of it"),
    pytest.param("ana", "dan", ["dan"], id="anybody by the exact name"),
    pytest.param("ana", "zoe", [], id="a name that is not there"),
    pytest.param("ana", "ana", [], id="never oneself"),
    pytest.param("ana", "a", [], id="nor by the beginning"),
    pytest.param("ana", "%", [], id="a wildcard is a letter like others"),
    pytest.param("ana", "_en", [], id="the other wildcard too"),
    pytest.param("eve", "", [], id="no team, no team-mates"),
    pytest.param("eve", "ben", ["ben"], id="no team, but an exact name"),
    pytest.param("ben", "", ["ana", "cleo", "dan"], id="the mates of all one's teams"),
]


@pytest.mark.parametrize(("asker", "q", "expected"), FINDS)
async def test_whom_one_finds(
    search: PeopleSearch, asker: str, q: str, expected: list[str]
) -> None:
    assert await names(search, asker, q) == expected


async def test_only_the_teams_that_one_shares_are_shown(search: PeopleSearch) -> None:
    page = await search.find("ana", "ben", after=None, limit=50)
    assert page.items[0].teams == ("genomics",)
    page = await search.find("ana", "dan", after=None, limit=50)
    assert page.items[0].teams == ()


async def test_an_unknown_name_and_a_strangers_cost_the_same(
    search: PeopleSearch, world: FakeHub
) -> None:
    for q in ("zoe", "da"):
        before = len(world.requests)
        assert await names(search, "ana", q) == []
        assert len(world.requests) == before + 1


async def test_exact_names_are_limited_for_each_asker(search: PeopleSearch, clock: Clock) -> None:
    for guess in range(5):
        await names(search, "ana", f"guess{guess}")
    with pytest.raises(TooMany) as refused:
        await names(search, "ana", "dan")
    assert refused.value.retry_after == 1
    assert await names(search, "eve", "dan") == ["dan"]
    assert await names(search, "ana", "ben") == ["ben"]  # no need to ask the hub for a team-mate
    clock.forward(1)
    assert await names(search, "ana", "dan") == ["dan"]


async def test_pages(search: PeopleSearch) -> None:
    first = await search.find("ben", "", after=None, limit=2)
    assert [found.name for found in first.items] == ["ana", "cleo"]
    assert first.next == "cleo"
    second = await search.find("ben", "", after=first.next, limit=2)
    assert [found.name for found in second.items] == ["dan"]
    assert second.next is None


async def test_an_exact_name_comes_before_those_that_go_on(
    search: PeopleSearch, world: FakeHub, db: Database, hub: Hub
) -> None:
    world.add_person("cle")
    page = await search.find("ana", "cle", after=None, limit=50)
    assert [found.name for found in page.items] == ["cle", "cleo"]


async def test_a_hub_that_is_down_is_said_so(search: PeopleSearch, world: FakeHub) -> None:
    world.fail("/hub/api/users/*", 503)
    with pytest.raises(HubUnreachable):
        await names(search, "ana", "dan")
    assert await names(search, "ana", "") == ["ben", "cleo"]


async def test_the_limiter_forgets_the_oldest_and_fills_up_again() -> None:
    now = [0.0]
    limit = RateLimit(burst=2, per_minute=6, monotonic=lambda: now[0])
    limit.take("ana")
    limit.take("ana")
    with pytest.raises(TooMany) as refused:
        limit.take("ana")
    assert refused.value.retry_after == 10
    now[0] = 9.9
    with pytest.raises(TooMany):
        limit.take("ana")
    now[0] = 10.0
    limit.take("ana")
    for number in range(10_001):
        limit.take(f"person-{number}")
    assert len(limit._left) == 10_000
