"""A machine is given on in the instant in which its giver, or a team, loses it."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines.things import insert_thing
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.words import ThingKind
from tests.races.conftest import Replicas

pytestmark = pytest.mark.asyncio

ROUNDS = 8
"""A race is lost now and then only: each is run this often."""


async def machine(replicas: Replicas, name: str) -> str:
    """A machine of ana's, as far as sharing knows of it."""
    machine_id = new_id("mch")
    async with replicas.first.service.db.write() as tx:
        await insert_thing(tx, machine_id, ThingKind.MACHINE, "ana", name)
    return machine_id


async def use(replicas: Replicas, machine_id: str, by: str, to: str, number: int = 0) -> str | None:
    """Invites somebody; the grant, or None where that was refused."""
    asked = {"json": {"grants": [{"receiver": to}]}}
    answer = await replicas(by, number).call("POST", f"/machines/{machine_id}/users", **asked)
    if answer.status_code != 201:
        assert answer.status_code in (403, 404), answer.text
        return None
    [result] = answer.json()["results"]
    return None if result["grant"] is None else str(result["grant"]["id"])


async def test_giving_on_against_losing_it(replicas: Replicas) -> None:
    for round_ in range(ROUNDS):
        box = await machine(replicas, f"lost {round_}")
        grant = await use(replicas, box, "ana", "ben")
        await replicas("ben").accept(grant)
        _, cut = await asyncio.gather(
            use(replicas, box, "ben", "cleo", 0),
            replicas("ana", 1).call("DELETE", f"/grants/{grant}"),
        )
        assert cut.status_code == 200
        assert await replicas.live(box) == []
    assert await replicas.chain_is_whole()


async def test_giving_against_leaving_the_team(replicas: Replicas) -> None:
    """Whoever was first: no grant is left that hangs on a team that its receiver is not in."""
    running = replicas.first
    other = replicas.apis[-1].running.service.membership
    for round_ in range(ROUNDS):
        box = await machine(replicas, f"left {round_}")
        running.hub.leave("ben", "genomics")
        await asyncio.gather(use(replicas, box, "ana", "ben"), other.refresh())
        assert await replicas.live(box) == []
        running.hub.join("ben", "genomics")
        await other.refresh()
    assert await replicas.chain_is_whole()


@pytest.mark.postgres
@pytest.mark.postgres_all
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, ids=["on PostgreSQL"])
async def test_nobody_leaves_a_team_while_something_is_given_in_it(replicas: Replicas) -> None:
    """Who leaves before the commit would not see the grant, and it would outlive the team.

    On SQLite there is one writer; here, without the lock, this fails each time.
    """
    box = await machine(replicas, "gpu-box")
    db = replicas.first.service.db
    other = replicas.apis[-1].running.service.membership
    async with db.write() as tx:
        known = {"ben": frozenset({"genomics"})}
        ana = Person("ana", teams=frozenset({"genomics"}))
        [given] = await inviting.invite(tx, ana, box, [inviting.Wanted("ben", "use")], known)
        assert isinstance(given, Grant)
        replicas.first.hub.leave("ben", "genomics")
        leaving = asyncio.create_task(other.refresh())
        while not leaving.done() and not await somebody_waits(db):
            await asyncio.sleep(0.01)
    await leaving
    assert await replicas.live(box) == []


async def somebody_waits(db: Database) -> bool:
    """Whether a transaction waits for another one's lock."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with db.read() as conn:
        return bool(await conn.scalar(query))


async def test_accepting_against_its_givers_loss(replicas: Replicas) -> None:
    """What flows from what is taken away ends, accepted or not; what does not, stays."""
    for round_ in range(ROUNDS):
        box = await machine(replicas, f"handed {round_}")
        first = await use(replicas, box, "ana", "ben")
        cleos = await use(replicas, box, "ana", "cleo")
        await replicas("cleo").accept(cleos)
        second = await use(replicas, box, "cleo", "ben")
        answers = await asyncio.gather(
            replicas("ana", 0).call("DELETE", f"/grants/{cleos}"),
            replicas("ben", 1).call("POST", f"/invitations/{second}/accept"),
            replicas("ben", 0).call("POST", f"/invitations/{first}/accept"),
        )
        assert [a.status_code for a in answers if a.status_code not in (200, 409)] == []
        left = [(row.id, row.state) for row in await replicas.live(box)]
        assert left == [(first, "active")]
    assert await replicas.chain_is_whole()
