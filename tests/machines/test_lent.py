"""A drive leaves the machines of people who may attach it no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jupyterhub_vmshare.machines.lent import take_back
from tests.machines.conftest import Lab, is_, on

pytestmark = pytest.mark.asyncio

Act = Callable[[Lab, str, str], Awaitable[Any]]
"""With the drive and the grant."""


async def revoked(lab: Lab, drive: str, grant: str) -> None:
    await lab("ana").ask("DELETE", f"/grants/{grant}")


async def left(lab: Lab, drive: str, grant: str) -> None:
    await lab("ben").ask("POST", f"/drives/{drive}/leave")


async def lowered(lab: Lab, drive: str, grant: str) -> None:
    told = await lab("ana").ask("GET", f"/drives/{drive}/people")
    [version] = [each["version"] for each in told["grants"] if each["id"] == grant]
    match = {"If-Match": f'"{version}"'}
    await lab("ana").ask("PATCH", f"/grants/{grant}", {"level": "attach_read"}, headers=match)


async def run_out(lab: Lab, drive: str, grant: str) -> None:
    running = lab.api.running
    ends = (running.clock() + timedelta(hours=1)).isoformat()
    await lab("ana").ask(
        "PATCH", f"/grants/{grant}", {"ends_at": ends}, headers={"If-Match": '"2"'}
    )
    running.clock.advance(hours=2)
    await take_back(running.service.db)


async def team_left(lab: Lab, drive: str, grant: str) -> None:
    lab.api.running.hub.leave("ben", "genomics")
    await lab.api.running.service.membership.refresh()


ENDS = [
    pytest.param(revoked, id="is revoked"),
    pytest.param(left, id="is left"),
    pytest.param(lowered, id="is lowered to reading"),
    pytest.param(run_out, id="has come to its end date"),
    pytest.param(team_left, id="was for a team that they left"),
]


@pytest.mark.parametrize("ends", ENDS)
async def test_whoever_lost_it_has_it_on_no_machine(lab: Lab, ends: Act) -> None:
    drive, box = await asyncio.gather(lab.make_drive(), lab.make("bens", by="ben"))
    path = f"/drives/{drive['id']}"
    grant = await lab.give(drive["id"], "attach_write", "ben")
    await lab("ben").accept(grant)
    await lab("ben").ask("PUT", f"{path}/writer/{box['id']}")
    await lab.until(path, on(box["id"]))
    await ends(lab, drive["id"], grant)
    await lab.until(path, is_(machines=[]))


async def test_what_is_allowed_yet_stays(lab: Lab) -> None:
    """Reading after a level was lowered to it, and what its owner attached."""
    drive, own, box, mine = await asyncio.gather(
        lab.make_drive(), lab.make_drive("own"), lab.make("bens", by="ben"), lab.make("mine")
    )
    path = f"/drives/{drive['id']}"
    grant = await lab.give(drive["id"], "attach_write", "ben")
    await lab("ben").accept(grant)
    await lab("ben").ask("PUT", f"{path}/readers/{box['id']}")
    await lab("ana").ask("PUT", f"/drives/{own['id']}/writer/{mine['id']}")
    await lab.until(path, on(box["id"]))
    await lab.until(f"/drives/{own['id']}", on(mine["id"]))
    await lowered(lab, drive["id"], grant)
    await take_back(lab.api.running.service.db)
    assert on(box["id"])(await lab("ana").ask("GET", path))
    assert on(mine["id"])(await lab("ana").ask("GET", f"/drives/{own['id']}"))


async def test_what_a_machine_s_co_owner_took_elsewhere_stays(lab: Lab) -> None:
    """Also where they were given the drive once, before."""
    drive, box, mine = await asyncio.gather(
        lab.make_drive(), lab.make(), lab.make("bens", by="ben")
    )
    path = f"/drives/{drive['id']}"
    once = await lab.give(drive["id"], "attach_write", "ben")
    await lab("ben").accept(once)
    await revoked(lab, drive["id"], once)
    lab.api.running.clock.advance(seconds=1)
    await lab("ana").ask("PUT", f"{path}/writer/{box['id']}")
    await lab.until(path, on(box["id"]))
    await lab("ben").accept(await lab.give(box["id"], "co_own", "ben"))
    move = f"/machines/{box['id']}/drives/{drive['id']}/move"
    await lab("ben").ask("POST", move, {"machine_id": mine["id"]})
    await lab.until(path, on(mine["id"]))
    await take_back(lab.api.running.service.db)
    assert on(mine["id"])(await lab("ana").ask("GET", path))
