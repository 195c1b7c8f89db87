"""Many files as one zip archive: what is in it, what is left out, how much memory it takes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import resource
import shutil
import subprocess
import zipfile
from pathlib import Path

import httpx2
import pytest

from jupyterhub_vmshare.api.sending import CHECKED_EVERY
from tests.fixtures.api import Api, Person

pytestmark = pytest.mark.asyncio

needs_unzip = pytest.mark.skipif(
    shutil.which("unzip") is None,
    reason="unzip, which says whether others can read our archives, is not installed",
)
NASTY = [
    " begins and ends ",
    "-rf",
    ".hidden",
    "a'b\"c`d$(e)",
    "back\\slash",
    "colon:star*question?",
    "line\nbreak\ttab",
    "ünïcödé ☃ 🐍",
    "e\u0301 beside \u00e9",
    "percent%2e%2e%2f",
    "<img src=x onerror=alert(1)>",
    "CON",
    "x" * 255,
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store: one kind of database is enough here."""
    return sqlite_url


async def fetch(person: Person, folder: str, *paths: str) -> httpx2.Response:
    return await person.call("POST", f"/folders/{folder}/archive", json={"paths": list(paths)})


async def unpacked(person: Person, folder: str, *paths: str) -> dict[str, bytes | None]:
    """Member names with their bytes; None for a directory."""
    answer = await fetch(person, folder, *paths)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {
            name: None if name.endswith("/") else archive.read(name) for name in archive.namelist()
        }


async def test_a_folder_as_it_is(api: Api, folder: str, tree: Path) -> None:
    (tree / "myfolder" / "deep").mkdir()
    (tree / "myfolder" / "deep" / "a").write_bytes(b"a")
    (tree / "empty").mkdir()
    assert await unpacked(api("ben"), folder, "") == {
        "hello.txt": b"hello, world",
        "empty/": None,
        "myfolder/": None,
        "myfolder/deep/": None,
        "myfolder/deep/a": b"a",
    }


async def test_a_selection_without_the_way_there(api: Api, folder: str, tree: Path) -> None:
    deep = tree / "myfolder" / "deep"
    deep.mkdir()
    for name in ("a", "b", "c"):
        (deep / name).write_bytes(name.encode())
    found = await unpacked(api("ben"), folder, "myfolder/deep/a", "myfolder/deep/b")
    assert found == {"a": b"a", "b": b"b"}
    found = await unpacked(api("ben"), folder, "myfolder/deep", "myfolder/deep/a", "hello.txt")
    assert sorted(found) == [
        "hello.txt",
        "myfolder/deep/",
        "myfolder/deep/a",
        "myfolder/deep/b",
        "myfolder/deep/c",
    ]


@pytest.mark.parametrize(
    ("paths", "name"),
    [(["hello.txt"], "hello.txt.zip"), (["hello.txt", "myfolder"], "tests.zip")],
    ids=["of one", "of several"],
)
async def test_its_name_says_what_is_in_it(
    api: Api, folder: str, paths: list[str], name: str
) -> None:
    answer = await fetch(api("ben"), folder, *paths)
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{name}"')


@needs_unzip
@pytest.mark.scenario("F16")
async def test_names_with_every_nasty_character(
    api: Api, folder: str, tree: Path, tmp_path: Path
) -> None:
    for name in NASTY:
        (tree / name).write_bytes(name.encode())
    found = await unpacked(api("ben"), folder, "")
    assert {name: found[name] for name in NASTY} == {name: name.encode() for name in NASTY}
    there = tmp_path / "all.zip"
    there.write_bytes((await fetch(api("ben"), folder, "")).content)
    subprocess.run(["unzip", "-qq", "-t", there], check=True)


async def test_what_is_left_out_is_said(api: Api, folder: str, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tree / "link").symlink_to(tmp_path / "secret")
    (tree / "way out").symlink_to(tmp_path)
    os.mkfifo(tree / "pipe")
    (tree / "(left out).txt").write_bytes(b"somebody's own")
    with open(os.fsencode(tree) + b"/\xff\xfe", "wb"):
        pass
    found = await unpacked(api("ben"), folder, "")
    assert b"secret" not in b"".join(content or b"" for content in found.values())
    assert found["(left out).txt"] == b"somebody's own"
    note = (found["_(left out).txt"] or b"").decode()
    for name in ("link", "way out", "pipe"):
        assert f"'{name}'" in note
    assert len(note.splitlines()) == 6
    assert set(found) == {"hello.txt", "myfolder/", "(left out).txt", "_(left out).txt"}


@pytest.mark.parametrize("when", [-1e12, -1, 0, 4e9, 1e11], ids=lambda when: f"{when:g}")
async def test_times_that_no_archive_knows(api: Api, folder: str, tree: Path, when: float) -> None:
    try:
        os.utime(tree / "hello.txt", (when, when))
    except OSError:
        pytest.skip("this file system does not know that time either")
    assert await unpacked(api("ben"), folder, "hello.txt") == {"hello.txt": b"hello, world"}


@pytest.mark.parametrize(
    ("paths", "status"),
    [
        (["no such file"], 404),
        (["hello.txt", "no/such/file"], 404),
        (["../x"], 422),
        (["hello.txt/x"], 422),
        ([], 422),
    ],
)
async def test_what_is_not_there_is_refused_at_once(
    api: Api, folder: str, paths: list[str], status: int
) -> None:
    assert (await fetch(api("ben"), folder, *paths)).status_code == status


async def test_a_browser_asks_by_a_form(api: Api, folder: str) -> None:
    where = f"/folders/{folder}/archive"
    asked = json.dumps({"paths": ["hello.txt"]})
    answer = await api("ben").call("POST", where, data={"asked": asked})
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["hello.txt"]
    for wrong in ({}, {"asked": "x"}, {"asked": [asked, asked]}, {"paths": "hello.txt"}):
        assert (await api("ben").call("POST", where, data=wrong)).status_code == 400
    assert (await api("eve").call("POST", where, data={"asked": asked})).status_code == 403


async def test_who_loses_access_on_the_way_gets_no_whole_archive(
    api: Api, folder: str, tree: Path
) -> None:
    for number in range(40):
        with (tree / f"{number:02}").open("wb") as file:
            file.truncate(4 << 20)
    with pytest.raises(httpx2.RemoteProtocolError):
        async with api("ben").client.stream(
            "POST", f"/folders/{folder}/archive", json={"paths": [""]}
        ) as answer:
            first = True
            async for _ in answer.aiter_raw():
                if first:
                    first = False
                    await api("ana").ask("DELETE", f"/folders/{folder}/grants")
                    await asyncio.sleep(CHECKED_EVERY + 0.2)


async def measured(person: Person, folder: str, to: Path) -> int:
    """Saves the whole folder's archive; by how many kilobytes the service and the test grew."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with to.open("wb") as file:
        async with person.client.stream(
            "POST", f"/folders/{folder}/archive", json={"paths": [""]}, timeout=600
        ) as answer:
            async for piece in answer.aiter_raw():
                file.write(piece)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@needs_unzip
async def test_2000_files_and_200_mb_in_constant_memory(
    api: Api, folder: str, tree: Path, tmp_path: Path
) -> None:
    make_many(tree, 2_000, 200 << 20)
    assert await measured(api("ben"), folder, tmp_path / "all.zip") < 60_000
    check(tmp_path / "all.zip", 2_000 + 1 + 3)


@needs_unzip
@pytest.mark.slow
@pytest.mark.scenario("F16")
@pytest.mark.timeout(900)
async def test_20000_files_and_5_gib_in_constant_memory(
    api: Api, folder: str, tree: Path, tmp_path: Path
) -> None:
    make_many(tree, 20_000, 5 << 30)
    grown = await measured(api("ben"), folder, tmp_path / "all.zip")
    print(f"grew by {grown} kB")
    assert grown < 100_000
    check(tmp_path / "all.zip", 20_000 + 1 + 3)


def make_many(tree: Path, count: int, size: int) -> None:
    (tree / "many").mkdir()
    for number in range(count):
        (tree / "many" / f"{number}.txt").write_bytes(b"%d" % number)
    with (tree / "sparse").open("wb") as file:
        file.truncate(size)


def check(archive: Path, members: int) -> None:
    told = subprocess.run(
        ["unzip", "-t", archive], check=True, capture_output=True, text=True
    ).stdout
    assert told.rstrip().splitlines()[-1].startswith("No errors detected")
    assert told.count(" OK\n") == members
