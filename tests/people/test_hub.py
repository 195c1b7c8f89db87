"""The client of the hub's API, against a scripted hub over real HTTP."""

from __future__ import annotations

import logging

import httpx2
import pytest

from jupyterhub_vmshare.errors import HubUnreachable
from jupyterhub_vmshare.people.hub import Group, Hub
from tests.fakes.hub import FakeHub
from tests.people.conftest import Clock

pytestmark = pytest.mark.asyncio


async def test_who_a_token_belongs_to(world: FakeHub, hub: Hub) -> None:
    known = await hub.who(world.visitor_token("ana"))
    assert known is not None
    assert (known.name, known.kind, known.admin) == ("ana", "user", False)
    assert "custom:vmshare:use!server=ana/" in known.scopes
    assert known.session_id


async def test_a_servers_token_has_no_session(world: FakeHub, hub: Hub) -> None:
    known = await hub.who(world.server_token("root-hub"))
    assert known is not None
    assert (known.session_id, known.admin) == (None, True)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param("f" * 32, id="unknown to the hub"),
        pytest.param("", id="empty"),
        pytest.param("two words", id="two words"),
        pytest.param("a\r\nX-Evil: 1", id="another header"),
        pytest.param("tökén", id="not ASCII"),
        pytest.param("x" * 5000, id="very long"),
    ],
)
async def test_a_forged_token_is_nobodys(hub: Hub, forged: str) -> None:
    assert await hub.who(forged) is None


async def test_the_hub_is_asked_once_in_ten_seconds(world: FakeHub, hub: Hub, clock: Clock) -> None:
    token = world.visitor_token("ana")
    for _ in range(5):
        await hub.who(token)
    assert len(world.asked("/hub/api/user")) == 1
    clock.forward(10.1)
    await hub.who(token)
    assert len(world.asked("/hub/api/user")) == 2


async def test_a_revoked_token_is_known_for_ten_seconds_more_at_most(
    world: FakeHub, hub: Hub, clock: Clock
) -> None:
    token = world.visitor_token("ana")
    await hub.who(token)
    world.revoke(token)
    assert await hub.who(token) is not None
    clock.forward(10.1)
    assert await hub.who(token) is None


async def test_fresh_finds_a_revoked_token_out_at_once(world: FakeHub, hub: Hub) -> None:
    token = world.visitor_token("ana")
    await hub.who(token)
    world.revoke(token)
    assert await hub.who(token, fresh=True) is None
    assert await hub.who(token) is None


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
async def test_a_hub_in_trouble_is_unreachable_and_nobody_is_known(
    world: FakeHub, hub: Hub, status: int
) -> None:
    world.fail("/hub/api/user", status)
    with pytest.raises(HubUnreachable):
        await hub.who(world.visitor_token("ana"))


async def test_a_hub_that_is_gone_is_unreachable(world: FakeHub, hub: Hub) -> None:
    token = world.visitor_token("ana")
    await world.stop()
    with pytest.raises(HubUnreachable):
        await hub.who(token)


async def test_a_hub_that_hangs_is_unreachable_in_time(world: FakeHub, hub: Hub) -> None:
    world.delay("/hub/api/user", 30)
    with pytest.raises(HubUnreachable):
        await hub.who(world.visitor_token("ana"))


async def test_it_knows_again_when_the_hub_is_back(world: FakeHub, hub: Hub) -> None:
    token = world.visitor_token("ana")
    world.fail("/hub/api/user", 503, times=1)
    with pytest.raises(HubUnreachable):
        await hub.who(token)
    assert await hub.who(token) is not None


async def test_a_person_by_the_exact_name(world: FakeHub, hub: Hub) -> None:
    assert await hub.person("eve") == "eve"
    assert await hub.person("ev") is None
    assert await hub.person("zoe") is None
    for name in ("../groups", "../users/eve", "eve?x", "eve#x", "%65ve", "eve/"):
        assert await hub.person(name) is None, name


async def test_all_groups_whatever_the_pages(world: FakeHub, hub: Hub) -> None:
    world.page_max_limit = 2
    for number in range(5):
        world.add_group(f"group-{number}", ["eve"])
    groups = await hub.groups()
    assert len(groups) == 7
    assert groups[0] == Group("genomics", frozenset({"ana", "ben", "cleo"}))


async def test_one_group(hub: Hub) -> None:
    assert await hub.group("imaging") == Group("imaging", frozenset({"ben", "dan"}))
    assert await hub.group("none") is None


async def test_groups_without_members_to_read_are_an_error_not_empty(world: FakeHub) -> None:
    poor = world.token("vmshare", {"list:groups", "read:groups:name"}, service=True)
    client = Hub(world.api_url, poor)
    with pytest.raises(HubUnreachable):
        await client.groups()
    await client.close()


async def test_whether_a_server_is_shared(world: FakeHub, hub: Hub, clock: Clock) -> None:
    world.share("ana", server="gpu", user="ben")
    assert await hub.is_shared("ana/gpu")
    assert not await hub.is_shared("ana/")
    world.share("ana", group="imaging")
    assert not await hub.is_shared("ana/")  # for ten seconds at most
    assert await hub.is_shared("ana/", fresh=True)
    clock.forward(10.1)
    world.unshare("ana")
    assert not await hub.is_shared("ana/")


async def test_a_server_that_is_not_there_is_no_unshared_one(hub: Hub) -> None:
    with pytest.raises(HubUnreachable):
        await hub.is_shared("ana/renamed")


async def test_an_answer_that_is_no_json_is_unreachable() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text="<html>"))
    client = Hub("http://hub/hub/api", "s" * 32)
    client._http = httpx2.AsyncClient(transport=transport)
    with pytest.raises(HubUnreachable):
        await client.who("t" * 32)
    await client.close()


async def test_no_token_ever_reaches_a_log(
    world: FakeHub, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = world.visitor_token("ana")
    await hub.who(token)
    world.fail("*", 500)
    for asking in (hub.who(token, fresh=True), hub.groups(), hub.is_shared("ana/")):
        with pytest.raises(HubUnreachable):
            await asking
    await world.stop()
    with pytest.raises(HubUnreachable):
        await hub.who(token, fresh=True)
    assert "hub.unreachable" in caplog.text
    assert token not in caplog.text
    assert world.service_token not in caplog.text
