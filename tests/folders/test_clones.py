"""Copies of folders: whose they are, what is in them, and that nobody ever sees half of one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import clones, things
from jupyterhub_vmshare.folders import cloning
from jupyterhub_vmshare.folders.copying import Cloner
from jupyterhub_vmshare.steps import listening
from tests.crashes.test_crashes import CLONE_STEPS
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService
from tests.folders.test_quota import limit, used

pytestmark = pytest.mark.asyncio


async def ended(person: Person, clone: str) -> dict[str, Any]:
    """How a clone ended; waits for it."""
    async with asyncio.timeout(60):
        while True:
            told = await person.ask("GET", f"/clones/{clone}")
            if told["state"] != "copying":
                return told
            await asyncio.sleep(0.02)


async def clone(person: Person, folder: str, name: str = "mine") -> dict[str, Any]:
    """Asks for a copy, and waits until it is there."""
    asked = await person.ask("POST", f"/folders/{folder}/clones", {"name": name})
    assert asked["state"] == "copying"
    return await ended(person, asked["id"])


def home(service: RunningService, folder: str) -> Path:
    return service.service.settings.store / folder[-2:] / folder


def trees(service: RunningService) -> set[str]:
    return {path.name for path in service.service.settings.store.glob("??/fld_*")}


@pytest_asyncio.fixture
async def source(api: Api, service: RunningService) -> str:
    """ana's folder with all kinds of things in it, which ben may view."""
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"x" * 1000)
    await ana.write(folder, "empty", b"")
    await ana.ask("POST", f"/folders/{folder}/directories", {"path": "d"})
    await ana.write(folder, "d/b", b"y" * 500)
    files = home(service, folder) / "files"
    (files / "link").symlink_to("/etc/passwd")
    os.mkfifo(files / "pipe")
    (files / "a").chmod(0o755)
    os.utime(files / "a", ns=(10**18, 10**18))
    [grant] = await ana.invite(folder, "view", "ben")
    await api("ben").accept(grant)
    return folder


async def let(api: Api, folder: str, cloneable: bool = True) -> None:
    """ana lets others copy it."""
    asked = {"cloneable": cloneable}
    told = await api("ana").ask("PATCH", f"/folders/{folder}/settings", asked)
    assert told["cloneable"] is cloneable


async def test_a_copy_is_the_asker_s_own(api: Api, service: RunningService, source: str) -> None:
    ana, ben = api("ana"), api("ben")
    await let(api, source)
    told = await clone(ben, source)
    assert (told["state"], told["files"], told["bytes"]) == ("done", 3, 1500)
    mine = (await ben.folders())["mine"]
    assert (mine["id"], mine["level"], mine["owner"]) == (told["folder_id"], "owner", "ben")
    assert mine["cloneable"] is False
    assert await ana.folders() == {"tests": (await ana.folders())["tests"]}
    files = home(service, mine["id"]) / "files"
    assert (files / "a").read_bytes() == b"x" * 1000
    assert (files / "d" / "b").read_bytes() == b"y" * 500
    assert (files / "a").stat().st_mode & 0o777 == 0o755
    assert (files / "a").stat().st_mtime_ns == 10**18
    assert os.readlink(files / "link") == "/etc/passwd"
    assert not (files / "pipe").exists()
    await ben.write(mine["id"], "a", b"mine", overwrite="true")
    assert (home(service, source) / "files" / "a").read_bytes() == b"x" * 1000
    assert (await used(ana), await used(ben)) == (1500, 504)
    seen = await ana.events("folder.cloned")
    assert [(e["actor"], e["thing_name"]) for e in seen] == [("ben", "tests")]


async def test_whether_others_may_is_the_owner_s_to_say(api: Api, source: str) -> None:
    ana, ben, dan = api("ana"), api("ben"), api("dan")
    asked = {"name": "mine"}
    refused = await ben.call("POST", f"/folders/{source}/clones", json=asked)
    assert (refused.status_code, refused.json()["rule"]) == (403, "if.cloneable")
    assert "clone" not in (await ben.folders())["tests"]["actions"]
    assert (await clone(ana, source, "again"))["state"] == "done"
    change = await ben.call("PATCH", f"/folders/{source}/settings", json={"cloneable": True})
    assert change.status_code == 403
    await let(api, source)
    assert "clone" in (await ben.folders())["tests"]["actions"]
    hidden = await dan.call("POST", f"/folders/{source}/clones", json=asked)
    assert hidden.status_code == 404
    await let(api, source, False)
    assert (await ben.call("POST", f"/folders/{source}/clones", json=asked)).status_code == 403
    told = [e["data"] for e in await ben.events("folder.settings_changed")]
    assert told == [{"cloneable": False}, {"cloneable": True}]


async def test_a_copy_without_room_leaves_nothing(
    api: Api, service: RunningService, source: str
) -> None:
    ben = api("ben")
    await let(api, source)
    await limit(api, "ben", bytes=1200)
    told = await clone(ben, source)
    assert told["state"] == "failed"
    assert "left" in told["because"]
    assert await used(ben) == 0
    assert trees(service) == {source}
    await limit(api, "ben", folders=0)
    asked = {"name": "mine"}
    refused = await ben.call("POST", f"/folders/{source}/clones", json=asked)
    assert (refused.json()["code"], refused.json()["left"]) == ("quota-exceeded", 0)
    [ended_event] = await ben.events("clone.ended")
    assert ended_event["data"]["because"] == told["because"]


async def test_others_clones_are_not_there(api: Api, source: str) -> None:
    told = await clone(api("ana"), source)
    for person in (api("ben"), api("dan")):
        for method in ("GET", "DELETE"):
            answer = await person.call(method, f"/clones/{told['id']}")
            assert answer.status_code == 404
    assert [one["id"] for one in await api("ana").all("/clones")] == [told["id"]]
    assert await api("ben").all("/clones") == []
    assert (await api("ana").call("DELETE", f"/clones/{told['id']}")).status_code == 204
    assert await api("ana").all("/clones") == []
    assert "mine" in await api("ana").folders()


@pytest_asyncio.fixture
async def still(service: RunningService) -> AsyncIterator[RunningService]:
    """A service in which nobody makes clones: as if it had just been killed."""
    await service.service.folders.cloner.stop()
    yield service


class Killed(BaseException):
    """The process ends here."""


def killing(at: str) -> Callable[[str], None]:
    def kill(step: str) -> None:
        if step == at:
            raise Killed

    return kill


async def play(service: RunningService, at: str | None = None) -> None:
    """The worker's next life, which may end at a step."""
    running = service.service
    leases = Leases(running.db)
    cloner = Cloner(running.db, leases, running.store, running.folders.quota)
    async with running.db.read() as conn:
        found = await cloning.under_way(conn)
    for one in found:
        # Its lease was the dead one's.
        async with running.db.write() as tx:
            await tx.conn.execute(sa.text("UPDATE leases SET expires_at = 0"))
        lease = await leases.take(f"clone:{one.id}")
        assert lease is not None
        if at is None:
            await cloner.make(one, lease)
            continue
        with listening(killing(at)), pytest.raises(Killed):
            await cloner.make(one, lease)


@pytest.mark.parametrize("step", CLONE_STEPS)
async def test_a_service_that_is_killed_shows_no_half_and_makes_one(
    api: Api, still: RunningService, source: str, step: str
) -> None:
    ana, fails = api("ana"), step == "folders.clone.given_up"
    if fails:
        await limit(api, "ana", bytes=2000)
    told = await ana.ask("POST", f"/folders/{source}/clones", {"name": "mine"})
    for _ in range(2):
        await play(still, step)
        assert set(await ana.folders()) == {"tests"}
        assert (await ana.get(f"/folders/{told['folder_id']}")).status_code == 404
    await play(still)
    told = await ana.ask("GET", f"/clones/{told['id']}")
    assert told["state"] == ("failed" if fails else "done")
    assert await used(ana) == (1500 if fails else 3000)
    assert trees(still) == ({source} if fails else {source, told["folder_id"]})
    assert set(await ana.folders()) == ({"tests"} if fails else {"tests", "mine"})


async def test_who_may_no_longer_gets_nothing(api: Api, still: RunningService, source: str) -> None:
    ben = api("ben")
    await let(api, source)
    told = await ben.ask("POST", f"/folders/{source}/clones", {"name": "mine"})
    await api("ana").ask("DELETE", f"/folders/{source}/grants")
    await play(still)
    told = await ben.ask("GET", f"/clones/{told['id']}")
    assert told["state"] == "failed"
    assert (await ben.folders(), await used(ben)) == ({}, 0)
    assert trees(still) == {source}


async def test_a_name_that_was_taken_meanwhile_gets_a_number(
    api: Api, still: RunningService, source: str
) -> None:
    ana = api("ana")
    await ana.ask("POST", f"/folders/{source}/clones", {"name": "mine"})
    await ana.make_folder("mine")
    await play(still)
    assert set(await ana.folders()) == {"tests", "mine", "mine 2"}
    taken = await ana.call("POST", f"/folders/{source}/clones", json={"name": "mine"})
    assert taken.json()["code"] == "name-taken"


async def test_what_is_given_up_leaves_nothing(
    api: Api, still: RunningService, source: str
) -> None:
    ana = api("ana")
    told = await ana.ask("POST", f"/folders/{source}/clones", {"name": "mine"})
    assert (await ana.call("DELETE", f"/clones/{told['id']}")).status_code == 204
    await play(still)
    assert (await ana.ask("GET", f"/clones/{told['id']}"))["state"] == "cancelled"
    assert (trees(still), await used(ana)) == ({source}, 1500)


async def test_trees_under_way_are_not_swept(
    api: Api, still: RunningService, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = await api("ana").ask("POST", f"/folders/{source}/clones", {"name": "mine"})
    await play(still, "folders.clone.copied")
    os.utime(home(still, told["folder_id"]), (0, 0))
    await still.service.folders.removal.sweep()
    assert "not in the database" not in caplog.text
    async with still.service.db.read() as conn:
        assert (await conn.execute(sa.select(clones.c.state))).scalars().all() == ["copying"]
        found = (await conn.execute(sa.select(things.c.id))).scalars().all()
    assert list(found) == [source]
