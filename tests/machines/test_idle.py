"""Machines that nobody uses stop by themselves."""

from __future__ import annotations

import asyncio

import pytest

from jupyterhub_vmshare.machines import idle
from jupyterhub_vmshare.machines.uids import UidRange, uid_of
from tests.fixtures.service import RunningService
from tests.machines.conftest import Lab, is_

pytestmark = pytest.mark.asyncio


async def used(service: RunningService, machine: str, *, active: bool) -> None:
    """What the relay will tell."""
    async with service.service.db.write() as tx:
        await idle.heard(tx, machine, active=active)


async def looked(service: RunningService) -> None:
    await idle.look(service.service.db)


@pytest.mark.scenario("V10")
async def test_it_warns_and_then_stops(lab: Lab, service: RunningService) -> None:
    box = await lab.make()
    path, ana = f"/machines/{box['id']}", lab("ana")
    await ana.ask("PUT", f"{path}/idle-policy", {"minutes": 60})
    await used(service, box["id"], active=True)
    service.clock.advance(minutes=52)
    await looked(service)
    assert await ana.events("machine.idle_warned") == []  # nothing was heard lately
    await used(service, box["id"], active=False)
    await looked(service)
    await looked(service)
    assert [e["data"]["minutes"] for e in await ana.events("machine.idle_warned")] == [8]
    await ana.ask("POST", f"{path}/keep-on", {"hours": 2})
    service.clock.advance(minutes=60)
    await used(service, box["id"], active=False)
    await looked(service)
    assert (await ana.ask("GET", path))["desired"] == "running"
    service.clock.advance(minutes=60)
    await used(service, box["id"], active=False)
    await looked(service)
    await lab.until(path, is_(state="stopped"))
    assert [e["data"] for e in await ana.events("machine.asked")] == [
        {"what": "stop", "why": "idle"}
    ]


@pytest.mark.scenario("V10")
async def test_activity_counts(lab: Lab, service: RunningService) -> None:
    box = await lab.make()
    path = f"/machines/{box['id']}"
    await lab("ana").ask("PUT", f"{path}/idle-policy", {"minutes": 30})
    for _ in range(4):
        await used(service, box["id"], active=True)
        service.clock.advance(minutes=15)
        await looked(service)
    assert (await lab("ana").ask("GET", path))["desired"] == "running"
    told = await lab("ana").ask("PUT", f"{path}/idle-policy", {"minutes": None})
    assert (told["idle_minutes"], told["stops_at"]) == (None, None)


async def test_a_persons_uid_is_theirs_for_ever(service: RunningService) -> None:
    db, among = service.service.db, UidRange(20_000, 20_002)

    async def given(name: str) -> int:
        async with db.write() as tx:
            return await uid_of(tx, name, among)

    first = await asyncio.gather(*(given(name) for name in ("ana", "ben", "cleo", "ana")))
    assert sorted(set(first)) == [20_000, 20_001, 20_002]
    assert first[0] == first[3] == await given("ana")
    with pytest.raises(Exception, match="All uids up to 20002 are given"):
        await given("dan")
