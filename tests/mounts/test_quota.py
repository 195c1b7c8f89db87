"""Quota from HTTP to a program in a session: the explorer and the mount count together."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.folders.test_quota import limit, put, used
from tests.mounts.test_through_the_guard import (  # noqa: F401 (fixtures)
    Whole,
    node,
    prints,
    says,
    whole,
)

pytestmark = [pytest.mark.mounts, pytest.mark.asyncio]
KIB = 1024


def size_of(disk: Path) -> int:
    return sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())


def tree(whole: Whole, folder: str) -> Path:  # noqa: F811
    return whole.node.store / folder[-2:] / folder / "files"


@pytest.mark.scenario("F17")
async def test_explorer_and_mount_count_together(whole: Whole) -> None:  # noqa: F811
    await limit(whole.api, "ana", bytes=1000 * KIB)
    folder = await whole.folder("ana", "tests")  # with four bytes in it
    await whole.share(folder, "edit", "ben")
    ben, ana = await whole.session("ben"), whole.api("ana")
    write = "head -c {} /dev/zero > /mnt/m/tests/{}"
    await says(ben, "cat /mnt/m/tests/hello.txt", expected="ahoy")
    assert await prints(ben, write.format(600 * KIB, "one")) == ""
    refused = await put(ana, folder, "two", 400 * KIB)
    assert (refused.status_code, refused.json()["left"]) == (409, 400 * KIB - 4)
    assert (await put(ana, folder, "two", 300 * KIB)).status_code == 201
    assert "quota exceeded" in await prints(ben, write.format(200 * KIB, "three"))
    assert await prints(ben, "cmp -n 614400 /mnt/m/tests/one /dev/zero") == ""
    assert await used(ana) == size_of(tree(whole, folder)) <= 1000 * KIB
    # A new limit holds at once in the session that runs, also without the service.
    await limit(whole.api, "ana", bytes=2000 * KIB)
    await whole.stop()
    assert await prints(ben, write.format(200 * KIB, "three")) == ""
    assert "quota exceeded" in await prints(ben, write.format(2000 * KIB, "four"))
    await whole.start()
    assert await used(whole.api("ana")) == size_of(tree(whole, folder)) <= 2000 * KIB


async def fill(session: subprocess.Popen[bytes], name: str) -> None:
    command = f"for i in $(seq 40); do head -c 9000 /dev/zero >> /mnt/m/tests/{name}; done"
    await prints(session, f"{{ {command}; }} 2>/dev/null")


@pytest.mark.scenario("F17")
async def test_eight_writers_in_sessions_and_the_explorer(whole: Whole) -> None:  # noqa: F811
    most = 1000 * KIB
    await limit(whole.api, "ana", bytes=most)
    folder = await whole.folder("ana", "tests")
    for name in ("ben", "dan"):
        await whole.share(folder, "edit", name)
    sessions = [await whole.session(name) for name in ("ana", "ben", "dan")]
    for session in sessions:
        await says(session, "cat /mnt/m/tests/hello.txt", expected="ahoy")
    ana = whole.api("ana")

    async def upload(number: int) -> None:
        for turn in range(12):
            await put(ana, folder, f"up{number}-{turn}", 9000)

    await asyncio.gather(
        *(fill(session, f"s{number}") for number, session in enumerate(sessions)),
        *(upload(number) for number in range(5)),
    )
    on_disk = size_of(tree(whole, folder))
    assert await used(ana) == on_disk <= most
    assert most - on_disk < 9000
