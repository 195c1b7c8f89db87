"""A folder's life over HTTP, and what remains of it in the store and the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import aliases, grants, things
from jupyterhub_vmshare.folders import life
from jupyterhub_vmshare.folders import removal as removal_worker
from jupyterhub_vmshare.folders.removal import Removal
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.model import Person as Someone
from jupyterhub_vmshare.steps import listening
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

pytestmark = pytest.mark.asyncio


def trees(service: RunningService) -> set[str]:
    root = service.service.settings.store
    return {path.name for path in root.glob("??/fld_*")}


async def rows(service: RunningService) -> dict[str, str]:
    async with service.service.db.read() as conn:
        found = await conn.execute(sa.select(things.c.id, things.c.state))
        return {row.id: row.state for row in found}


async def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def test_making_twice_with_one_key_makes_one(api: Api, service: RunningService) -> None:
    ana, headers = api("ana"), {"Idempotency-Key": "k1"}
    first = await ana.ask("POST", "/folders", {"name": "tests"}, headers=headers)
    again = await ana.call("POST", "/folders", json={"name": "tests"}, headers=headers)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    other = await ana.call("POST", "/folders", json={"name": "more"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert trees(service) == set(await rows(service)) == {first["id"]}


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", ".vmshare", "x" * 256, "a\0b", "\u202e"],
                         ids=ascii)  # fmt: skip
async def test_what_can_not_be_made_leaves_no_tree(
    api: Api, service: RunningService, name: str
) -> None:
    assert (await api("ana").call("POST", "/folders", json={"name": name})).status_code == 422
    assert (trees(service), await rows(service)) == (set(), {})


async def test_a_clash_leaves_no_tree(api: Api, service: RunningService) -> None:
    folder = await api("ana").make_folder("tests")
    assert (await api("ana").call("POST", "/folders", json={"name": "tests"})).status_code == 409
    assert trees(service) == {folder}


async def test_ten_at_once_make_one(api: Api, service: RunningService) -> None:
    answers = await asyncio.gather(
        *(api("ana").call("POST", "/folders", json={"name": "tests"}) for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert trees(service) == set(await rows(service))
    assert len(trees(service)) == 1


async def test_two_owners_tabs_rename_at_once(api: Api) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    where = f"/folders/{folder}"
    etag = (await ana.get(where)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            ana.call("PATCH", where, json={"name": name}, headers={"If-Match": etag})
            for name in ("one", "two")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert (await ana.call("PATCH", where, json={"name": "three"})).status_code == 428


async def test_trash_hides_and_restore_brings_back_with_grants(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"a")
    [grant] = await ana.invite(folder, "edit", "ben")
    await ben.accept(grant)
    trashed = await ana.ask("POST", f"/folders/{folder}/trash")
    assert (trashed["state"], await ana.folders()) == ("trashed", {})
    assert list(await ana.folders(state="trashed")) == ["tests"]
    assert "restore_folder" in trashed["actions"]
    assert await ben.folders() == {}
    for answer in (
        await ben.get(f"/folders/{folder}"),
        await ben.get(f"/folders/{folder}/entries"),
    ):
        assert answer.status_code == 404
    mine = await ana.get(f"/folders/{folder}/entries")
    assert (mine.status_code, mine.json()["rule"]) == (409, "gate.state")
    again = await ana.call("POST", f"/folders/{folder}/trash")
    assert (again.status_code, again.json()["code"]) == (409, "wrong-state")
    await ana.ask("POST", f"/folders/{folder}/restore")
    assert (await ben.folders())["tests"]["level"] == "edit"
    assert [entry["name"] for entry in await ben.all(f"/folders/{folder}/entries")] == ["a"]


@pytest.mark.parametrize("way", ["trash", "restore"])
@pytest.mark.parametrize("name", ["ben", "root-hub"], ids=["a receiver", "a hub admin"])
async def test_only_the_owner_trashes_and_restores(api: Api, name: str, way: str) -> None:
    folder = await api("ana").make_folder("tests")
    [grant] = await api("ana").invite(folder, "edit_delete", "ben")
    await api("ben").accept(grant)
    if way == "restore":
        await api("ana").ask("POST", f"/folders/{folder}/trash")
    answer = await api(name).call("POST", f"/folders/{folder}/{way}")
    hidden = name == "root-hub" or way == "restore"
    assert answer.status_code == (404 if hidden else 403)


@pytest.mark.scenario("F13")
async def test_the_trash_is_emptied_as_the_site_says(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> None:
    kept_for = timedelta(days=30)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            running_service(tmp_path, database_url, hub, small_world, trash_for=kept_for)
        )
        api, clock, removal = Api(running, stack), running.clock, running.service.folders.removal
        ana = api("ana")
        old, kept, live = [await ana.make_folder(name) for name in ("old", "kept", "live")]
        [grant] = await ana.invite(old, "view", "ben")
        await api("ben").accept(grant)
        told = await ana.ask("POST", f"/folders/{old}/trash")
        assert told["trashed_at"] == "2026-11-27T09:00:00.000Z"
        assert told["deleted_at"] == "2026-12-27T09:00:00.000Z"
        clock.advance(days=1)
        await ana.ask("POST", f"/folders/{kept}/trash")
        clock.advance(days=28, hours=23)
        await removal.empty_trash()
        assert set((await rows(running)).values()) == {"trashed", "live"}
        clock.advance(hours=1)
        await removal.empty_trash()
        await removal.catch_up()
        assert await rows(running) == {kept: "trashed", live: "live"}
        assert trees(running) == {kept, live}
        [gone] = await api("ben").events("folder.deleted")
        assert (gone["actor"], gone["data"]) == (None, {"why": "trash_emptied"})
        restored = await ana.ask("POST", f"/folders/{kept}/restore")
        assert (restored["trashed_at"], restored["deleted_at"]) == (None, None)
        clock.advance(days=365)
        await removal.empty_trash()
        assert await rows(running) == {kept: "live", live: "live"}


async def test_what_is_restored_in_the_last_moment_stays(api: Api, service: RunningService) -> None:
    folder = await api("ana").make_folder("tests")
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    await api("ana").ask("POST", f"/folders/{folder}/restore")
    async with service.service.db.write() as tx:
        await life.empty_from_trash(tx, folder, tx.at)
    assert await rows(service) == {folder: "live"}
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    async with service.service.db.write() as tx:
        await life.empty_from_trash(tx, folder, tx.at - timedelta(seconds=1))
    assert await rows(service) == {folder: "trashed"}, "and what went there again a moment ago"


async def delete(person: Person, service: RunningService, folder: str) -> None:
    """As the confirm page does it."""
    await person.ask("POST", f"/folders/{folder}/trash")
    async with service.service.db.write() as tx:
        await life.delete_for_ever(tx, Someone(person.name), folder)


async def test_deleting_for_ever_ends_grants_and_takes_tree_and_rows(
    api: Api, service: RunningService
) -> None:
    ana, ben = api("ana"), api("ben")
    kept = await ana.make_folder("kept")
    folder = await ana.make_folder("tests")
    for number in range(20):
        await ana.ask("POST", f"/folders/{folder}/directories", {"path": f"d{number}"})
    [grant, waiting] = await ana.invite(folder, "view", "ben", "eve")
    await ben.accept(grant)
    await ben.ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    await delete(ana, service, folder)
    gone = service.service.settings.store / ".gone"
    await until(lambda: trees(service) == {kept} and not os.listdir(gone))
    await asyncio.sleep(0.3)
    assert await rows(service) == {kept: "live"}
    async with service.service.db.read() as conn:
        for table in (grants, aliases):
            assert (await conn.execute(sa.select(table))).all() == []
    told = [event["data"] for event in await ben.events("grant.ended")]
    assert [data["why"] for data in told] == ["thing_deleted"]
    assert (await ana.get(f"/folders/{folder}")).status_code == 404
    assert (await api("eve").call("POST", f"/invitations/{waiting}/accept")).status_code == 404


@pytest_asyncio.fixture
async def stopped(service: RunningService) -> AsyncIterator[RunningService]:
    """A service whose removal worker is not running: as if it had just been killed."""
    await service.service.folders.removal.stop()
    yield service


@pytest.mark.parametrize("killed_at", ["before anything", "folders.removal.retired"])
async def test_a_restart_takes_up_what_was_being_deleted(
    api: Api, stopped: RunningService, killed_at: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(step: str) -> None:
        if step == killed_at:
            raise Killed

    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"a")
    await delete(ana, stopped, folder)
    removal = Removal(stopped.service.db, stopped.service.store)
    if killed_at != "before anything":
        with listening(kill), pytest.raises(Killed):
            await removal.catch_up()
    assert await rows(stopped) == {folder: "deleting"}
    await removal.catch_up()
    assert (trees(stopped), await rows(stopped)) == (set(), {})
    assert os.listdir(stopped.service.settings.store / ".gone") == []


async def test_half_made_trees_are_swept_and_nothing_else(
    api: Api, stopped: RunningService
) -> None:
    store = stopped.service.store
    root: Path = stopped.service.settings.store
    kept = await api("ana").make_folder("tests")
    half_made, unknown = new_id("fld"), new_id("fld")
    for folder in (half_made, unknown):
        await store.create(folder)
    (root / unknown[-2:] / unknown / "files" / "data").write_text("somebody's")
    removal = Removal(stopped.service.db, store)
    await removal.sweep()
    assert trees(stopped) == {kept, half_made, unknown}, "a tree may be waiting for its row"
    for folder in (kept, half_made, unknown):
        os.utime(root / folder[-2:] / folder, (0, 0))
    await removal.sweep()
    assert trees(stopped) == {kept, unknown}, "what has something in it is left alone"


async def test_what_was_cut_off_is_swept_while_the_service_runs(
    api: Api, service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    root: Path = service.service.settings.store
    half_made = new_id("fld")
    await service.service.store.create(half_made)
    os.utime(root / half_made[-2:] / half_made, (0, 0))
    draft = root / ".incoming" / "left"
    draft.touch()
    os.utime(draft, (0, 0))
    kept = await api("ana").make_folder("tests")
    await asyncio.sleep(0.7)
    assert half_made in trees(service), "once an hour is enough"
    monkeypatch.setattr(removal_worker, "_SWEEP_EVERY", 0)
    await api("ana").ask("POST", f"/folders/{kept}/trash")
    await until(lambda: trees(service) == {kept} and not draft.exists())
