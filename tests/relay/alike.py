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

from tests.fixtures.sandboxes import IMAGE, KeeperProcess
from tests.fixtures.waiting import within
from tests.relay.live import Live


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
