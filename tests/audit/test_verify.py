"""Every way to tamper with the log, and what the walk says about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.audit import verify as verify_module
from jupyterhub_vmshare.audit.sequencer import Sequencer
from jupyterhub_vmshare.audit.verify import Head, verify
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import chain_head, event_audience, events

from .conftest import Record

LAST = 12
WHERE = events.c.position


async def sequence_all(database: Database) -> None:
    sequencer = Sequencer(database, Leases(database), lambda batch: None)
    await sequencer.turn()
    await sequencer.give_up()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "BATCH", 5)


async def history(database: Database, record: Record) -> Head:
    await record(*range(LAST))
    await sequence_all(database)
    verdict = await verify(database)
    assert verdict.whole
    return verdict.head


async def tamper(database: Database, *statements: sa.Executable) -> None:
    async with database.write() as transaction:
        for statement in statements:
            await transaction.conn.execute(statement)


def change(place: int, **values: object) -> sa.Executable:
    return events.update().where(WHERE.in_([place])).values(**values)


def remove(*positions: int) -> sa.Executable:
    return events.delete().where(WHERE.in_(positions))


def move(position: int, to: int) -> sa.Executable:
    return change(position, position=to)


def head(**values: object) -> sa.Executable:
    return chain_head.update().values(**values)


# Rows of the audience point at events; whoever removes events removes those as well.
FORGET = event_audience.delete()

TAMPERING = [
    pytest.param([change(3, data={"path": "x"})], (3, "changed"), id="another detail"),
    pytest.param([change(3, actor="eve")], (3, "changed"), id="another actor"),
    pytest.param([change(3, thing_name="x")], (3, "changed"), id="another name"),
    pytest.param([change(3, audience=["ana", "eve"])], (3, "changed"), id="one more who sees it"),
    pytest.param([change(3, audience=[])], (3, "changed"), id="hidden from everybody"),
    pytest.param([change(3, type="folder.deleted")], (3, "changed"), id="another type"),
    pytest.param(
        [change(3, at=datetime(2020, 1, 1, tzinfo=UTC))], (3, "changed"), id="another moment"
    ),
    pytest.param([change(3, hash="0" * 64)], (3, "changed"), id="another hash"),
    pytest.param([change(3, hash=None)], (3, "changed"), id="no hash"),
    pytest.param([change(1, actor="eve")], (1, "changed"), id="the very first"),
    pytest.param([change(LAST, actor="eve")], (LAST, "changed"), id="the very last"),
    pytest.param(
        [sa.text("update events set data = 'not json' where position = 8")],
        (8, "changed"),
        id="details that can't be read",
    ),
    pytest.param([FORGET, remove(4)], (4, "missing"), id="one removed"),
    pytest.param([FORGET, remove(1)], (1, "missing"), id="the first removed"),
    pytest.param([FORGET, remove(4, 5, 6, 7, 8, 9, 10)], (4, "missing"), id="many removed"),
    pytest.param([change(4, position=None)], (4, "missing"), id="one without its position"),
    pytest.param([move(4, 99), move(9, 4), move(99, 9)], (4, "reordered"), id="two swapped"),
    pytest.param([move(2, 99), move(3, 2), move(99, 3)], (2, "reordered"), id="neighbours swapped"),
    pytest.param([FORGET, remove(LAST)], (LAST, "cut_off"), id="the last removed"),
    pytest.param([FORGET, remove(10, 11, 12)], (10, "cut_off"), id="the end removed"),
    pytest.param([FORGET, remove(*range(1, LAST + 1))], (1, "cut_off"), id="all removed"),
    pytest.param([head(position=LAST - 2)], (LAST - 2, "head"), id="a head moved back"),
    pytest.param([head(position=LAST + 3)], (LAST + 1, "cut_off"), id="a head moved on"),
    pytest.param([head(hash="0" * 64)], (LAST, "head"), id="another hash in the head"),
    pytest.param([chain_head.delete()], (1, "head"), id="no head"),
    pytest.param([move(LAST, LAST + 5)], (LAST, "cut_off"), id="the last moved beyond the head"),
    pytest.param(
        [events.insert().values(id="evt_x", position=LAST + 1, hash="0" * 64, type="x",
                                at=datetime(2026, 1, 1, tzinfo=UTC), audience=[], data={})],
        (LAST + 1, "added"),
        id="one added at the end",
    ),
    pytest.param(
        [events.insert().values(id="evt_x", position=0, hash="0" * 64, type="x",
                                at=datetime(2026, 1, 1, tzinfo=UTC), audience=[], data={})],
        (0, "added"),
        id="one added before the first",
    ),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("statements", "expected"), TAMPERING)
async def test_says_where_and_why(
    database: Database,
    record: Record,
    statements: list[sa.Executable],
    expected: tuple[int, str],
) -> None:
    await history(database, record)
    await tamper(database, *statements)
    broken = (await verify(database)).broken
    assert broken is not None
    assert (broken.position, broken.why) == expected
    assert broken.sentence.endswith(".")


@pytest.mark.asyncio
async def test_an_empty_log_is_whole(database: Database) -> None:
    assert (await verify(database)).whole


@pytest.mark.asyncio
async def test_a_noted_head_shows_a_log_cut_off_together_with_its_head(
    database: Database, record: Record
) -> None:
    noted = await history(database, record)
    async with database.read() as conn:
        before = await conn.scalar(sa.select(events.c.hash).where(WHERE == 9))
    await tamper(database, FORGET, remove(10, 11, 12), head(position=9, hash=before))
    assert (await verify(database)).whole
    broken = (await verify(database, noted)).broken
    assert broken is not None
    assert (broken.position, broken.why) == (10, "cut_off")


@pytest.mark.asyncio
async def test_a_noted_head_shows_a_log_that_was_written_anew(
    database: Database, record: Record
) -> None:
    noted = await history(database, record)
    await tamper(
        database, change(3, actor="eve"), chain_head.delete(), events.update().values(position=None)
    )
    await sequence_all(database)
    assert (await verify(database)).whole
    broken = (await verify(database, noted)).broken
    assert broken is not None
    assert broken.why == "head"


@pytest.mark.asyncio
async def test_a_noted_head_still_fits_when_the_log_has_grown(
    database: Database, record: Record
) -> None:
    noted = await history(database, record)
    await record(*range(LAST, LAST + 7))
    await sequence_all(database)
    verdict = await verify(database, noted)
    assert verdict.whole
    assert verdict.head.position == LAST + 7


@pytest.mark.asyncio
async def test_what_is_written_during_the_walk_is_no_forgery(
    database: Database, record: Record
) -> None:
    await history(database, record)
    sequencer = Sequencer(database, Leases(database), lambda batch: None, poll=0.01)
    run = asyncio.create_task(sequencer.run())
    database.committed.append(sequencer.wake)
    writing = asyncio.ensure_future(record(*range(100, 140)))
    while not writing.done():
        assert (await verify(database)).whole
    sequencer.stop()
    await run
    assert (await verify(database)).head.position == LAST + 40
