"""Snapshots: what they keep, what they cost, and that nobody ever reads half of one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.folders import snapshots
from jupyterhub_vmshare.folders.shelving import Shelver
from jupyterhub_vmshare.steps import listening
from jupyterhub_vmshare.storage.posix import copying
from tests.crashes.test_crashes import SNAPSHOT_STEPS
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService
from tests.folders.test_clones import Killed, home, killing
from tests.folders.test_quota import delete, limit, used

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def folder(api: Api) -> str:
    """ana's folder, which ben may edit and cleo edit and delete."""
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"x" * 1000)
    await ana.ask("POST", f"/folders/{folder}/directories", {"path": "d"})
    await ana.write(folder, "d/b", b"y" * 500)
    for name, level in (("ben", "edit"), ("cleo", "edit_delete")):
        [grant] = await ana.invite(folder, level, name)
        await api(name).accept(grant)
    return folder


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files need not lie still for two seconds before they are known to be the same."""
    monkeypatch.setattr(copying, "_SETTLED_NS", 0)


async def ended(person: Person, folder: str, snapshot: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            told = await person.ask("GET", f"/folders/{folder}/snapshots/{snapshot}")
            if told["state"] != "making":
                return told
            await asyncio.sleep(0.02)


async def taken(person: Person, folder: str) -> dict[str, Any]:
    """A snapshot that is whole."""
    asked = await person.ask("POST", f"/folders/{folder}/snapshots")
    assert asked["state"] == "making"
    return await ended(person, folder, asked["id"])


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.02)


def shelf(service: RunningService, folder: str) -> Path:
    return home(service, folder) / "snapshots"


async def test_what_was_there_can_be_looked_at_and_taken_back(
    api: Api, service: RunningService, folder: str
) -> None:
    ana, cleo = api("ana"), api("cleo")
    told = await taken(ana, folder)
    assert (told["state"], told["files"], told["bytes"]) == ("done", 2, 1500)
    where = f"/folders/{folder}/snapshots/{told['id']}"
    # In place, as programs in a mount do it; and a deletion.
    with (home(service, folder) / "files" / "a").open("r+b") as file:
        file.write(b"changed")
    await cleo.ask("DELETE", f"/folders/{folder}/file", params={"path": "d/b"})
    names = [entry["path"] for entry in await ana.all(f"{where}/entries")]
    assert names == ["d", "a"]
    then = await ana.get(f"{where}/download", path="a")
    assert then.content == b"x" * 1000
    part = await ana.call(
        "GET", f"{where}/download", params={"path": "d/b"}, headers={"Range": "bytes=0-9"}
    )
    assert (part.status_code, part.content) == (206, b"y" * 10)
    back = await ana.ask("POST", f"{where}/restore", {"path": "d/b"})
    assert (back["path"], back["size"]) == ("d/b", 500)
    taken_already = await ana.call("POST", f"{where}/restore", json={"path": "a"})
    assert taken_already.json()["code"] == "exists"
    await ana.ask("POST", f"{where}/restore", {"path": "a", "target": "a as it was"})
    await ana.ask("POST", f"{where}/restore", {"path": "a", "overwrite": True})
    files = home(service, folder) / "files"
    assert (files / "a").read_bytes() == (files / "a as it was").read_bytes() == b"x" * 1000


@pytest.mark.parametrize("name", ["ben", "cleo", "dan"], ids=["edit", "edit_delete", "a stranger"])
async def test_snapshots_are_the_owner_s(api: Api, folder: str, name: str) -> None:
    told = await taken(api("ana"), folder)
    where, person = f"/folders/{folder}/snapshots", api(name)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", where, {}),
        ("POST", where, {}),
        ("GET", f"{where}/{told['id']}", {}),
        ("DELETE", f"{where}/{told['id']}", {}),
        ("GET", f"{where}/{told['id']}/entries", {}),
        ("GET", f"{where}/{told['id']}/download", {"params": {"path": "a"}}),
        ("POST", f"{where}/{told['id']}/restore", {"json": {"path": "a"}}),
        ("GET", f"/folders/{folder}/snapshot-policy", {}),
        ("PUT", f"/folders/{folder}/snapshot-policy", {"json": {"every_hours": 1, "keep": 1}}),
    ]
    for method, path, more in asked:
        answer = await person.call(method, path, **more)
        assert answer.status_code == (404 if name == "dan" else 403), (method, path)


async def test_a_snapshot_of_another_folder_is_not_there(api: Api, folder: str) -> None:
    ana = api("ana")
    other = await ana.make_folder("other")
    told = await taken(ana, folder)
    for path in ("", "/entries", "/download?path=a"):
        answer = await ana.get(f"/folders/{other}/snapshots/{told['id']}{path}")
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["..", "../../files/a", "/etc/passwd", "a/../a", "link/passwd"])
async def test_no_path_leads_out_of_a_snapshot(
    api: Api, service: RunningService, folder: str, path: str
) -> None:
    (home(service, folder) / "files" / "link").symlink_to("/etc")
    told = await taken(api("ana"), folder)
    where = f"/folders/{folder}/snapshots/{told['id']}"
    answer = await api("ana").get(f"{where}/download", path=path)
    assert answer.status_code in (404, 422)


async def test_what_did_not_change_costs_nothing(
    api: Api, service: RunningService, folder: str
) -> None:
    ana = api("ana")
    first = await taken(ana, folder)
    await ana.write(folder, "d/b", b"z" * 500, overwrite="true")
    second = await taken(ana, folder)
    third = await taken(ana, folder)
    assert [told["bytes"] for told in (first, second, third)] == [1500, 500, 0]
    assert await used(ana) == 1500 + 1500 + 500
    told = await ana.ask("GET", "/me/quota")
    assert told["by_folder"] == [{"folder_id": folder, "used": 1500, "snapshots": 2000}]
    await ana.ask("DELETE", f"/folders/{folder}/snapshots/{first['id']}")

    async def given_back() -> bool:
        return await used(ana) == 1500 + 1000 + 500

    await until(given_back)  # what the others have too stays
    for each in (second, third):
        then = await ana.get(f"/folders/{folder}/snapshots/{each['id']}/download", path="a")
        assert then.content == b"x" * 1000
    await service.service.store.recount(folder)
    assert await used(ana) == 1500 + 1500


@pytest.mark.parametrize("before", ["nothing", "directory", "link"])
async def test_what_is_a_file_since_the_last_one_comes_along(
    api: Api, service: RunningService, folder: str, before: str
) -> None:
    ana, new = api("ana"), home(service, folder) / "files" / "d" / "new"
    if before == "directory":
        new.mkdir()
    elif before == "link":
        new.symlink_to("b")
    await taken(ana, folder)
    if before != "nothing":
        await ana.ask("DELETE", f"/folders/{folder}/file", params={"path": "d/new"})
    await ana.write(folder, "d/new", b"z" * 10)
    told = await taken(ana, folder)
    assert (told["state"], told["bytes"]) == ("done", 10), told["because"]
    where = f"/folders/{folder}/snapshots/{told['id']}"
    assert (await ana.get(f"{where}/download", path="d/new")).content == b"z" * 10


async def test_a_change_that_hides_itself_is_seen(
    api: Api, service: RunningService, folder: str
) -> None:
    """Same name, same size, same time of modification: the status change tells."""
    ana = api("ana")
    file = home(service, folder) / "files" / "a"
    await taken(ana, folder)
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"y")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = await taken(ana, folder)
    then = await ana.get(f"/folders/{folder}/snapshots/{second['id']}/download", path="a")
    assert then.content == b"y" + b"x" * 999


async def test_what_changed_a_moment_ago_is_copied_again(
    api: Api, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_SETTLED_NS", 3600 * 10**9)
    ana = api("ana")
    assert [(await taken(ana, folder))["bytes"] for _ in range(2)] == [1500, 1500]


async def test_a_snapshot_without_room_fails_and_leaves_nothing(
    api: Api, service: RunningService, folder: str
) -> None:
    ana = api("ana")
    await limit(api, "ana", bytes=2000)
    told = await taken(ana, folder)
    assert told["state"] == "failed"
    assert "left" in told["because"]
    assert await used(ana) == 1500
    assert list(shelf(service, folder).iterdir()) == []
    unreadable = await ana.get(f"/folders/{folder}/snapshots/{told['id']}/entries")
    assert (unreadable.status_code, unreadable.json()["code"]) == (409, "wrong-state")
    await delete(service, ana, folder)
    assert await used(ana) == 0


async def test_the_first_of_a_policy_comes_at_once(api: Api, folder: str) -> None:
    ana = api("ana")
    await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", {"every_hours": 6, "keep": 2})

    async def is_there() -> bool:
        found = await ana.all(f"/folders/{folder}/snapshots")
        return [one["state"] for one in found] == ["done"]

    # The others are looked for once a minute.
    async with asyncio.timeout(40):
        await until(is_there)


async def test_a_policy_makes_them_and_keeps_the_newest(
    api: Api, service: RunningService, folder: str
) -> None:
    ana, shelver = api("ana"), service.service.folders.shelver
    by_hand = await taken(ana, folder)
    policy = {"every_hours": 6, "keep": 2}
    told = await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", policy)
    assert told["next_at"] == "2026-11-27T09:00:00.000Z"
    made: list[str] = []
    for _ in range(4):
        await shelver.want_due()
        await shelver.want_due()  # another replica, or the same again
        newest = (await ana.all(f"/folders/{folder}/snapshots"))[0]
        assert newest["automatic"]
        shelver.wake()
        made.append((await ended(ana, folder, newest["id"]))["id"])
        service.clock.advance(hours=6)

    async def two_are_kept() -> bool:
        found = [one["id"] for one in await ana.all(f"/folders/{folder}/snapshots")]
        on_disk = {path.name for path in shelf(service, folder).iterdir()}
        return found == [made[3], made[2], by_hand["id"]] and on_disk == set(found)

    await until(two_are_kept)
    await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", {"every_hours": None})
    service.clock.advance(days=30)
    await shelver.want_due()
    assert len(await ana.all(f"/folders/{folder}/snapshots")) == 3


async def test_a_full_shelf_is_in_nobodys_way(
    api: Api, service: RunningService, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand there may be so many; what policies make, of this folder and others, still comes."""
    monkeypatch.setattr(snapshots, "MOST", 2)
    ana, ben = api("ana"), api("ben")
    for _ in range(2):
        await taken(ana, folder)
    refused = await ana.call("POST", f"/folders/{folder}/snapshots")
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-snapshots")
    policy = {"every_hours": 1, "keep": 2}
    for owner, one in ((ana, folder), (ben, await ben.make_folder("bens"))):
        await owner.ask("PUT", f"/folders/{one}/snapshot-policy", policy)
        await service.service.folders.shelver.want_due()
        assert (await owner.all(f"/folders/{one}/snapshots"))[0]["automatic"]


async def test_a_smaller_number_deletes_at_once(
    api: Api, service: RunningService, folder: str
) -> None:
    ana, shelver = api("ana"), service.service.folders.shelver
    where = f"/folders/{folder}/snapshots"
    await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", {"every_hours": 8784, "keep": 3})
    for _ in range(3):
        await shelver.want_due()
        shelver.look_now()
        await ended(ana, folder, (await ana.all(where))[0]["id"])
        service.clock.advance(hours=8784)
    await shelver.stop()  # what happens now is the policy's own doing
    before = [one["id"] for one in await ana.all(where)]
    await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", {"every_hours": 8784, "keep": 1})
    assert [one["id"] for one in await ana.all(where)] == before[:1]


@pytest_asyncio.fixture
async def still(service: RunningService) -> AsyncIterator[RunningService]:
    """A service in which nobody makes snapshots: as if it had just been killed."""
    await service.service.folders.shelver.stop()
    yield service


async def play(service: RunningService, at: str | None = None) -> None:
    """The worker's next life, which may end at a step."""
    running = service.service
    leases = Leases(running.db)
    shelver = Shelver(running.db, leases, running.store)
    async with running.db.read() as conn:
        found = await snapshots.unsettled(conn)
    for one in found:
        # Its lease was the dead one's.
        async with running.db.write() as tx:
            await tx.conn.execute(sa.text("UPDATE leases SET expires_at = 0"))
        lease = await leases.take(f"snapshots:{one.thing_id}")
        assert lease is not None
        if at is None:
            await shelver.make(one, lease)
            continue
        with listening(killing(at)), pytest.raises(Killed):
            await shelver.make(one, lease)


@pytest.mark.parametrize("step", SNAPSHOT_STEPS)
async def test_a_service_that_is_killed_shows_no_half_and_makes_one(
    api: Api, still: RunningService, folder: str, step: str
) -> None:
    ana, deletes = api("ana"), step == "folders.snapshot.dropped"
    made = (await ana.ask("POST", f"/folders/{folder}/snapshots"))["id"]
    if deletes:
        await play(still)
        await ana.ask("DELETE", f"/folders/{folder}/snapshots/{made}")
    where = f"/folders/{folder}/snapshots/{made}"
    for _ in range(2):
        await play(still, step)
        answer = await ana.get(f"{where}/entries")
        assert answer.status_code == (404 if deletes else 409)
    await play(still)
    if deletes:
        assert await ana.all(f"/folders/{folder}/snapshots") == []
        assert list(shelf(still, folder).iterdir()) == []
        assert await used(ana) == 1500
    else:
        assert len(await ana.all(f"{where}/entries")) == 2
        assert await used(ana) == 3000


async def test_deleting_the_folder_takes_its_snapshots(
    api: Api, service: RunningService, folder: str
) -> None:
    ana = api("ana")
    await taken(ana, folder)
    await ana.ask("PUT", f"/folders/{folder}/snapshot-policy", {"every_hours": 1, "keep": 1})
    await delete(service, ana, folder)
    assert await used(ana) == 0
    assert not home(service, folder).exists()
