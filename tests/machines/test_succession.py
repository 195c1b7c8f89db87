"""A name that the hub gives a second time, on machines."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.api.contract.ways import Locked
from jupyterhub_vmshare.db.tables import machine_accounts
from jupyterhub_vmshare.errors import WrongState
from jupyterhub_vmshare.relay import accounts
from jupyterhub_vmshare.relay.rights import Account, Right
from tests.fixtures.service import RunningService
from tests.machines.conftest import Lab

MAY = Right(frozenset({"connect", "open_terminal"}))


@pytest.mark.asyncio
async def test_the_former_holders_account_is_locked_before_the_new_one_gets_one(
    lab: Lab, service: RunningService
) -> None:
    machine = (await lab.make(by="ben"))["id"]
    db, hub = service.service.db, service.hub
    async with db.write() as tx:
        former = await accounts.opened(tx, "ben", machine, Account("ben", 60_001), MAY)
    service.clock.advance(minutes=1)
    hub.remove_person("ben")
    hub.add_person("ben", created=service.clock())
    new = lab.api.with_token(hub.visitor_token("ben"), "ben")
    assert await new.all("/machines") == []
    assert (await new.get(f"/machines/{machine}")).status_code == 404
    async with db.read() as conn:
        row = (await conn.execute(sa.select(machine_accounts))).one()
    # Under the name by which relays know the links that they are to cut.
    assert (row.person, row.uid, row.is_open) == ("ben", 60_001, False)
    assert row.version == former.version + 1
    with pytest.raises(WrongState):
        async with db.write() as tx:
            await accounts.opened(tx, "ben", machine, Account("ben", 60_002), MAY)
    told = {"person": "ben", "machine_id": machine, "version": row.version}
    cut = {"channels": 1, "processes": 2, "remaining": 0, "because": None}
    async with db.write() as tx:
        await accounts.obeyed(tx, Locked.model_validate({**told, **cut}))
        again = await accounts.opened(tx, "ben", machine, Account("ben", 60_002), MAY)
    assert (again.uid, again.is_open) == (60_002, True)
