"""Quota over HTTP: whose it is, what is refused with which numbers, and who may change it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import accounts, meters, things
from jupyterhub_vmshare.folders import life
from jupyterhub_vmshare.folders.metering import Metering
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.policy.model import Person as Someone
from jupyterhub_vmshare.steps import listening
from tests.crashes.test_crashes import QUOTA_STEPS
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.uploads.speaking import Tus

pytestmark = pytest.mark.asyncio
KIB = 1024


class Killed(BaseException):
    """As if the process had ended there."""


def kill_at(step: str) -> Callable[[str], None]:
    """Ends whoever reaches this step."""

    def kill(reached: str) -> None:
        if reached == step:
            raise Killed

    return kill


async def limit(api: Api, name: str, **limits: int | None) -> dict[str, Any]:
    """A hub admin says what somebody may have."""
    admin = await api.page("root-hub")
    asked = {"bytes": None, "folders": None} | limits
    return await admin.ask("PUT", f"/people/{name}/quota", asked)


async def put(person: Person, folder: str, path: str, size: int, **query: Any) -> httpx2.Response:
    return await person.call(
        "PUT", f"/folders/{folder}/file", params={"path": path, **query}, content=b"x" * size
    )


async def used(person: Person) -> int:
    return int((await person.ask("GET", "/me/quota"))["bytes"]["used"])


async def delete(service: RunningService, person: Person, folder: str) -> None:
    """As the confirm page does it."""
    await person.ask("POST", f"/folders/{folder}/trash")
    async with service.service.db.write() as tx:
        await life.delete_for_ever(tx, Someone(person.name), folder)
    await service.service.folders.removal.catch_up()


@pytest.mark.scenario("F17")
async def test_the_owner_is_charged_for_what_others_write(api: Api) -> None:
    ana, ben = api("ana"), api("ben")
    await limit(api, "ana", bytes=100 * KIB)
    await limit(api, "ben", bytes=10)
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "edit", "ben")
    await ben.accept(grant)
    assert (await put(ben, folder, "a", 60 * KIB)).status_code == 201
    refused = await put(ben, folder, "b", 41 * KIB)
    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "quota-exceeded")
    assert (told["asked"], told["left"]) == (41 * KIB, 40 * KIB)
    assert "41.0 KiB" in told["detail"]
    assert "40.0 KiB" in told["detail"]
    assert [entry["name"] for entry in await ana.all(f"/folders/{folder}/entries")] == ["a"]
    assert (await put(ben, folder, "b", 40 * KIB)).status_code == 201
    assert (await used(ana), await used(ben)) == (100 * KIB, 0)


async def test_a_body_in_chunks_is_refused_on_its_way(api: Api) -> None:
    ana = api("ana")
    await limit(api, "ana", bytes=3 << 20)
    folder = await ana.make_folder("tests")

    async def pieces() -> Any:
        for _ in range(80):
            yield b"x" * 64 * KIB

    answer = await ana.call(
        "PUT", f"/folders/{folder}/file", params={"path": "a"}, content=pieces()
    )
    assert answer.json()["code"] == "quota-exceeded"
    assert await used(ana) == 0


async def test_an_upload_that_found_no_room_goes_on_from_what_is_there(
    api: Api, service: RunningService
) -> None:
    folder = await api("ana").make_folder("tests")
    tus, content = Tus(api("ana"), folder), os.urandom(5 << 20)
    upload = await tus.begin(len(content))
    await limit(api, "ana", bytes=2_500_000)
    refused = await tus.patch(upload, 0, content)
    assert (refused.status_code, refused.json()["code"]) == (409, "quota-exceeded")
    # Bytes of a batch that did not fit as a whole are not told of.
    there = await tus.offset(upload)
    assert 0 < there <= 2_500_000
    await limit(api, "ana", bytes=None)
    assert (await tus.patch(upload, there, content[there:])).status_code == 204
    tree = service.service.settings.store / folder[-2:] / folder / "files"
    assert (tree / "big").read_bytes() == content


async def test_meters_say_what_is_left(api: Api) -> None:
    ana = api("ana")
    fresh = await ana.ask("GET", "/me/quota")
    assert fresh["bytes"] == {"used": 0, "limit": None, "left": None}
    assert (fresh["by_default"], fresh["by_folder"]) == (True, [])
    small, large = await ana.make_folder("small"), await ana.make_folder("large")
    await ana.write(small, "a", b"x" * 10)
    await ana.write(large, "a", b"x" * 90)
    told = await limit(api, "ana", bytes=150, folders=5)
    assert told == await ana.ask("GET", "/me/quota")
    assert told["bytes"] == {"used": 100, "limit": 150, "left": 50}
    assert told["folders"] == {"used": 2, "limit": 5, "left": 3}
    assert told["by_folder"] == [
        {"folder_id": large, "used": 90, "snapshots": 0},
        {"folder_id": small, "used": 10, "snapshots": 0},
    ]


async def test_the_trash_counts_until_it_is_deleted_for_ever(
    api: Api, service: RunningService
) -> None:
    ana = api("ana")
    await limit(api, "ana", bytes=100, folders=1)
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"x" * 100)
    await ana.ask("POST", f"/folders/{folder}/trash")
    one_more = await ana.call("POST", "/folders", json={"name": "more"})
    assert (one_more.json()["code"], one_more.json()["left"]) == ("quota-exceeded", 0)
    await ana.ask("POST", f"/folders/{folder}/restore")
    await delete(service, ana, folder)
    assert await used(ana) == 0
    more = await ana.make_folder("more")
    await ana.write(more, "a", b"x" * 100)


async def test_ten_at_once_make_as_many_folders_as_there_may_be(
    api: Api, service: RunningService
) -> None:
    await limit(api, "ana", folders=3)
    answers = await asyncio.gather(
        *(api("ana").call("POST", "/folders", json={"name": f"f{n}"}) for n in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
    root: Path = service.service.settings.store
    assert len(list(root.glob("??/fld_*"))) == 3


async def test_eight_at_once_upload_as_much_as_there_may_be(api: Api) -> None:
    ana = api("ana")
    await limit(api, "ana", bytes=1000 * KIB)
    folders = [await ana.make_folder(f"f{number}") for number in range(2)]

    async def write(number: int) -> int:
        done = 0
        for turn in range(6):
            name = f"{number}-{turn}"
            answer = await put(ana, folders[number % 2], name, 32 * KIB)
            done += 32 * KIB * (answer.status_code == 201)
        return done

    came = sum(await asyncio.gather(*map(write, range(8))))
    assert came == await used(ana) == 31 * 32 * KIB


async def test_who_is_full_may_still_replace_and_delete(api: Api) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"x" * 100)
    await ana.write(folder, "b", b"x" * 100)
    await limit(api, "ana", bytes=200)
    assert (await put(ana, folder, "a", 100, overwrite="true")).status_code == 200
    assert (await put(ana, folder, "a", 101, overwrite="true")).status_code == 409
    await ana.ask("DELETE", f"/folders/{folder}/file", params={"path": "b"})
    assert (await put(ana, folder, "a", 200, overwrite="true")).status_code == 200


async def test_only_hub_admins_say_what_somebody_may_have(api: Api) -> None:
    asked = {"bytes": 10, "folders": None}
    for person in (api("ana"), api("root-hub"), await api.page("ben")):
        answer = await person.call("PUT", "/people/ana/quota", json=asked)
        assert (answer.status_code, answer.json()["rule"]) == (403, "table.set_quota_of_person")
        assert (await person.get("/people/ana/quota")).status_code == 403
    admin = await api.page("root-hub")
    nobody = await admin.call("PUT", "/people/nobody/quota", json=asked)
    assert nobody.status_code == 404
    for wrong in ({"bytes": -1, "folders": None}, {"bytes": 1}, {"bytes": 1.5, "folders": 1}):
        assert (await admin.call("PUT", "/people/ana/quota", json=wrong)).status_code == 422


async def test_a_change_is_told_to_whom_it_concerns(api: Api) -> None:
    await limit(api, "ana", bytes=10)
    await limit(api, "ana", bytes=10)
    back = await (await api.page("root-hub")).ask("DELETE", "/people/ana/quota")
    assert (back["by_default"], back["bytes"]["limit"]) == (True, None)
    told = await api("ana").events("quota.changed")
    assert [(event["actor"], event["data"]) for event in reversed(told)] == [
        ("root-hub", {"bytes": 10, "folders": None, "by_default": False}),
        ("root-hub", {"bytes": None, "folders": None, "by_default": True}),
    ]
    assert await api("ben").events("quota.changed") == []


async def test_the_sites_limits_hold_for_whom_nobody_has_set_any(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld, api: Api
) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await limit(api, "ben", bytes=5000)
    bens = await api("ben").make_folder("tests")
    limits = Limits(bytes=100, folders=1)
    async with running_service(tmp_path, database_url, hub, small_world, limits=limits):
        # The other service takes requests by the same files: the limit holds for both.
        assert (await put(ana, folder, "a", 101)).status_code == 409
        assert (await put(ana, folder, "a", 100)).status_code == 201
        assert (await put(api("ben"), bens, "a", 5000)).status_code == 201


@pytest.mark.parametrize("step", QUOTA_STEPS[:2])
async def test_a_limit_set_by_a_process_that_is_killed_holds_after_a_restart(
    api: Api, service: RunningService, step: str
) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    quota = service.service.folders.quota
    with listening(kill_at(step)), pytest.raises(Killed):
        await quota.set(Someone("root-hub", hub_admin=True), "ana", Limits(bytes=100))
    again = Metering(service.service.db, service.service.store, Limits())
    await again.catch_up()
    assert (await put(ana, folder, "a", 101)).status_code == 409
    async with service.service.db.read() as conn:
        assert (await conn.execute(sa.select(accounts.c.applied))).scalars().all() == [True]


@pytest.mark.parametrize("step", ["", *QUOTA_STEPS[2:]], ids=["in peace", "killed"])
async def test_folders_of_an_earlier_version_and_of_a_new_owner_are_counted(
    api: Api, service: RunningService, step: str
) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "a", b"x" * 100)
    home = service.service.settings.store / folder[-2:] / folder
    (home / "account").unlink()
    async with service.service.db.write() as tx:
        await tx.conn.execute(meters.delete())
        await tx.conn.execute(things.update().values(owner="ben"))
    again = Metering(service.service.db, service.service.store, Limits())
    if step:
        with listening(kill_at(step)), pytest.raises(Killed):
            await again.catch_up()
    await again.catch_up()
    await again.recount_due()
    assert await used(api("ben")) == 100
    async with service.service.db.read() as conn:
        assert await conn.scalar(sa.select(meters.c.counted_at)) is not None


async def test_the_operator_says_it_at_the_machine(
    api: Api, service: RunningService, database_url: str
) -> None:
    ana = api("ana")
    folder = await ana.make_folder("tests")

    def run(*options: str) -> None:
        command = [sys.executable, "-m", "jupyterhub_vmshare", "quota", "ana"]
        told = subprocess.run(
            [*command, f"--db={database_url}", *options], capture_output=True, timeout=60
        )
        assert told.returncode == 0, told.stderr

    await asyncio.to_thread(run, "--gigabytes=0.5", "--folders=1")
    await service.service.folders.quota.catch_up()
    told = await ana.ask("GET", "/me/quota")
    assert (told["bytes"]["limit"], told["folders"]["limit"]) == (1 << 29, 1)
    assert (await ana.call("POST", "/folders", json={"name": "more"})).status_code == 409
    await asyncio.to_thread(run, "--default")
    await service.service.folders.quota.catch_up()
    assert (await ana.ask("GET", "/me/quota"))["by_default"]
    assert (await put(ana, folder, "a", 10)).status_code == 201
