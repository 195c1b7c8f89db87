"""One holder at a time, and a dead one is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Lease, LeaseLost, Leases, new_holder
from jupyterhub_vmshare.db.upgrade import upgrade

NAME = "work"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def database(database_url: str, clock: Clock) -> AsyncIterator[Database]:
    upgrade(database_url)
    found = Database(database_url, clock=clock)
    yield found
    await found.close()


def replica(database: Database, *, alone: bool = False) -> Leases:
    return Leases(database, alone=alone, lasts=timedelta(seconds=10))


async def holds(database: Database, leases: Leases, lease: Lease) -> bool:
    try:
        async with database.write() as transaction:
            await leases.hold(transaction, lease)
    except LeaseLost:
        return False
    return True


async def taken(leases: Leases) -> Lease:
    lease = await leases.take(NAME)
    assert lease is not None
    return lease


@pytest.mark.asyncio
async def test_the_first_who_comes_takes_it(database: Database) -> None:
    one, two = replica(database), replica(database)
    lease = await taken(one)
    assert await two.take(NAME) is None
    assert await holds(database, one, lease)


@pytest.mark.asyncio
async def test_of_many_at_once_one_takes_it(database: Database) -> None:
    replicas = [replica(database) for _ in range(8)]
    found = await asyncio.gather(*(each.take(NAME) for each in replicas))
    assert len([lease for lease in found if lease is not None]) == 1


@pytest.mark.asyncio
async def test_leases_of_other_names_are_apart(database: Database) -> None:
    await taken(replica(database))
    assert await replica(database).take("other work") is not None


@pytest.mark.asyncio
async def test_an_expired_lease_can_be_taken_and_its_holder_has_lost_it(
    database: Database, clock: Clock
) -> None:
    one, two = replica(database), replica(database)
    first = await taken(one)
    clock.pass_by(9.9)
    assert await two.take(NAME) is None
    clock.pass_by(0.1)
    second = await taken(two)
    assert second.term > first.term
    assert not await holds(database, one, first)
    assert await holds(database, two, second)
    with pytest.raises(LeaseLost):
        await one.renew(first)


@pytest.mark.asyncio
async def test_an_expired_lease_that_nobody_took_is_still_held(
    database: Database, clock: Clock
) -> None:
    one = replica(database)
    lease = await taken(one)
    clock.pass_by(3600)
    assert await holds(database, one, lease)


@pytest.mark.asyncio
async def test_renewing_keeps_others_out(database: Database, clock: Clock) -> None:
    one, two = replica(database), replica(database)
    lease = await taken(one)
    for _ in range(5):
        clock.pass_by(8)
        await one.renew(lease)
        assert await two.take(NAME) is None


@pytest.mark.asyncio
async def test_a_released_lease_is_free_at_once(database: Database) -> None:
    one, two = replica(database), replica(database)
    await one.release(await taken(one))
    assert await two.take(NAME) is not None


@pytest.mark.asyncio
async def test_releasing_what_is_lost_takes_nothing_from_its_new_holder(
    database: Database, clock: Clock
) -> None:
    one, two, three = (replica(database) for _ in range(3))
    old = await taken(one)
    clock.pass_by(11)
    await taken(two)
    await one.release(old)
    assert await three.take(NAME) is None


@pytest.mark.asyncio
async def test_alone_on_its_database_it_waits_for_nobody(database: Database) -> None:
    dead = replica(database, alone=True)
    lease = await taken(dead)
    again = replica(database, alone=True)
    assert await again.take(NAME) is not None
    assert not await holds(database, dead, lease)


@pytest.mark.asyncio
async def test_its_row_is_locked_to_the_end_of_the_transaction(
    database: Database, clock: Clock
) -> None:
    one, two = replica(database), replica(database)
    lease = await taken(one)
    clock.pass_by(11)
    async with database.write() as transaction:
        await one.hold(transaction, lease)
        taking = asyncio.ensure_future(two.take(NAME))
        await asyncio.sleep(0.2)
        assert not taking.done()
    assert await taking is not None


def test_holders_have_names_that_never_come_again() -> None:
    assert len({new_holder() for _ in range(100)}) == 100
    assert all(len(new_holder()) <= 64 for _ in range(100))
