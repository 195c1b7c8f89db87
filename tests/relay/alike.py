"""Scenarios that are played alike on every kind of machine, on one of ana's with a drive."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.model import Grant
from tests.fixtures.sandboxes import IMAGE, KeeperProcess
from tests.fixtures.waiting import within
from tests.relay.entrance import gone
from tests.relay.live import Live


async def lets_a_team_mate_in(way: Live) -> None:
    """V3: a user with the tick, and nobody of another team."""
    await way.give("ben", ticks=["terminal", "invite"])
    path = f"/machines/{way.id}/users"
    told = await way.api("ben").ask("POST", path, {"grants": [{"receiver": "cleo"}]})
    [result] = told["results"]
    await way.api("cleo").accept(result["grant"]["id"])
    assert await way.says("whoami", by="cleo") == "cleo"
    told = await way.api("ben").ask("POST", path, {"grants": [{"receiver": "dan"}]})
    [refused] = told["results"]
    assert (refused["grant"], refused["problem"]["rule"]) == (None, "if.same_team")
    status, _ = await way.ask_for_certificate("dan", way.id)
    assert status == 404


async def a_manager_is_not_near_the_drive(way: Live) -> None:
    """V4: she adds people, and is a user like others on it."""
    drive = await drive_of(way)
    await way.give("cleo", "managers")
    cleo = way.api("cleo")
    told = await cleo.ask("POST", f"/machines/{way.id}/users", {"grants": [{"receiver": "ben"}]})
    await way.api("ben").accept(told["results"][0]["grant"]["id"])
    assert await way.says("whoami", by="ben") == "ben"
    # On it she is a user like others: the drive is a place, and no device.
    held = "sudo -n true 2>/dev/null || echo held"
    reads = "cat /dev/loop* /dev/sd* 2>/dev/null | head -c1 | wc -c"
    assert (await way.says(f"{held}; {reads}", by="cleo")).split() == ["held", "0"]
    for method, asked in (
        ("GET", f"/drives/{drive}"),
        ("DELETE", f"/drives/{drive}/machines/{way.id}"),
        ("PUT", f"/drives/{drive}/size"),
        ("POST", f"/drives/{drive}/clones"),
        ("DELETE", f"/machines/{way.id}/drives/{drive}"),
    ):
        body = {"PUT": {"size_gib": 9}, "POST": {"name": "copy"}}.get(method)
        more = {} if body is None else {"json": body}
        answer = await cleo.call(method, asked, **more)
        assert answer.status_code in (403, 404), (method, asked)
    assert await way.says("mountpoint -q /srv/shared && echo there") == "there"


async def a_co_owner_takes_the_drive(way: Live) -> None:
    """V5: she is root there, and has the drive on a machine of her own for a while."""
    drive, anas = await drive_of(way), way.id
    await way.says("echo kept > /srv/shared/kept")
    await co_owns(way, "cleo")
    assert await way.says("sudo -n whoami", by="cleo") == "root"
    cleos = await way.make("cleos-box", by="cleo")
    path = f"/machines/{anas}/drives/{drive}/move"
    await way.api("cleo").ask("POST", path, {"machine_id": cleos})
    place = f"/srv/drives/{drive[-12:]}"
    way.id = cleos
    async with within(way.patience, "The drive, on cleo's machine"):
        while await way.says(f"sudo -n cat {place}/shared/kept", by="cleo") != "kept":
            await asyncio.sleep(0.1)
    way.id = anas
    assert (await way.seen(anas))["drives"] == []
    await way.api("ana").ask("DELETE", f"/drives/{drive}/machines/{cleos}")
    await way.until_told(f"/drives/{drive}", machines=[])
    await way.delete(cleos, by="cleo")


async def ben_leaves(way: Live) -> None:
    """V8: his link and his programs end, and the machine goes on."""
    await way.give("ben")
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.run("setsid sleep 1201 >/dev/null 2>&1 &", stdin=asyncssh.DEVNULL)
    await way.until_there(uid, "1201")
    await way.api("ben").ask("POST", f"/machines/{way.id}/leave")
    await gone(conn)
    await way.nothing_of(uid)
    assert await way.api("ben").all("/machines") == []
    assert (await way.seen(way.id))["state"] == "running"


async def drive_of(way: Live) -> str:
    """The drive that came with the machine."""
    [one] = (await way.seen(way.id))["drives"]
    return str(one["drive_id"])


async def co_owns(way: Live, person: str) -> None:
    """As the page of the service gives it, and the yes."""
    service = way.running.service
    teams = {name: await service.membership.teams_of(name) for name in ("ana", person)}
    wanted = [inviting.Wanted(person, "co_own", confirmed=True)]
    async with service.db.write() as tx:
        giver = Person("ana", teams=teams["ana"])
        [made] = await inviting.invite(tx, giver, way.id, wanted, {person: teams[person]})
    assert isinstance(made, Grant), made
    await way.api(person).accept(made.id)


async def stops_while_it_is_shared(way: Live) -> None:
    """V11: its users see it, and start it; its drive is there again."""
    await way.give("ben")
    os.kill(way.keeper.pid((await way.row(way.id)).cloud_id), signal.SIGKILL)
    await way.state_is("stopped", by="ben")
    assert "start" in (await way.seen(way.id, by="ben"))["actions"]
    await way.api("ben").ask("POST", f"/machines/{way.id}/start")
    await way.state_is("running", by="ben")
    async with within(way.patience, "The way in, again"):
        while (await way.ask_for_certificate("ben", way.id))[0] != 201:
            await asyncio.sleep(0.1)
    assert await way.says("whoami", by="ben") == "ben"
    await way.until_it_says("mountpoint -q /srv/shared && echo there", "there")


async def can_not_be_made(way: Live) -> None:
    """V14: it says why, leaves nothing behind, and is deleted, or tried again."""
    ana, before = way.api("ana"), left(way.keeper)
    asked = {"size": "small", "image": "debian", "drive_gib": 0}
    with an_empty_image(way.keeper):
        one = str((await ana.ask("POST", "/machines", {"name": "broken", **asked}))["id"])
        other = str((await ana.ask("POST", "/machines", {"name": "wrong", **asked}))["id"])
        for each in (one, other):
            await way.state_is("failed", machine=each)
            because = (await way.seen(each))["because"]
            assert "did not start" in because, because
        await nothing_but(way, before)
        await way.delete(other)
    await ana.ask("POST", f"/machines/{one}/start")
    await way.state_is("running", machine=one)
    assert (await way.seen(one))["because"] is None
    await way.delete(one)
    await nothing_but(way, before)


@contextmanager
def an_empty_image(keeper: KeeperProcess) -> Iterator[None]:
    """What new machines begin with is listed, and holds nothing."""
    images = keeper.state / "images"
    kept = images.readlink()
    newest = max((kept / IMAGE).iterdir())
    images.unlink()
    empty = images / IMAGE / "99990101T000000"
    empty.mkdir(parents=True)
    for part in newest.iterdir():
        if part.name == "image.json":
            shutil.copy(part, empty)
        elif part.is_dir():
            (empty / part.name).mkdir()
        else:
            (empty / part.name).touch()
    try:
        yield
    finally:
        shutil.rmtree(images)
        images.symlink_to(kept)


def left(keeper: KeeperProcess) -> dict[str, object]:
    """All that a keeper has on its host: files, disks in use, processes and their namespaces."""
    assert keeper.process is not None
    processes = _beside_and_of_machines(keeper.process.pid)
    names = (_namespace(pid, kind) for pid in processes for kind in ("net", "pid", "user", "mnt"))
    return {
        "machines": {path.name for path in (keeper.state / "machines").iterdir()},
        "removed": list((keeper.state / "removed").iterdir()),
        "run": {path for path in keeper.run.rglob("*")},
        "mounts": Counter(_mounts(keeper)),
        "loops": Counter(keeper.loops()),
        "processes": processes,
        "namespaces": {name for name in names if name},
    }


async def nothing_but(way: Live, before: dict[str, object]) -> None:
    """Wait until its host has no more of a keeper than it had before."""
    try:
        async with asyncio.timeout(way.patience):
            while left(way.keeper) != before:
                await asyncio.sleep(0.1)
    except TimeoutError:
        assert left(way.keeper) == before  # it says what differs


def _beside_and_of_machines(keeper: int) -> set[int]:
    """The processes beside machines, and their first ones; what goes on within is theirs."""
    found: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in b"ZX":
            found.setdefault(int(fields[1]), []).append(int(path.parent.name))
    beside = found.get(keeper, [])
    return {*beside, *(first for each in beside for first in found.get(each, []))}


def _namespace(pid: int, kind: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


def _mounts(keeper: KeeperProcess) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(keeper.where) in line or str(keeper.run) in line]
