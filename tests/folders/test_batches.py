"""Many entries moved and deleted at once, with a result for each."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import Api, Json, Person
from tests.fixtures.service import RunningService

pytestmark = pytest.mark.asyncio


async def move(person: Person, folder: str, *moves: tuple[str, str]) -> list[Json]:
    asked = {"moves": [{"source": source, "target": target} for source, target in moves]}
    told = await person.ask("POST", f"/folders/{folder}/relocations", asked)
    return list(told["results"])


async def delete(person: Person, folder: str, *paths: str, **more: Any) -> list[Json]:
    asked = {"paths": list(paths), **more}
    told = await person.ask("POST", f"/folders/{folder}/deletions", asked)
    return list(told["results"])


def codes(results: list[Json]) -> list[str | None]:
    return [result["problem"] and result["problem"]["code"] for result in results]


async def test_each_is_moved_or_not_by_itself(api: Api, folder: str, tree: Path) -> None:
    (tree / "taken").write_bytes(b"")
    results = await move(
        api("cleo"),
        folder,
        ("hello.txt", "myfolder/hi.txt"),
        ("no such file", "x"),
        ("taken", "myfolder/hi.txt"),
        ("myfolder", "myfolder/inside"),
        ("../x", "y"),
        ("taken", "a\nb"),
        ("myfolder", "yours"),
    )
    refused = ["not-found", "exists", "bad-input", "bad-input", "bad-input"]
    assert codes(results) == [None, *refused, None]
    assert results[0]["entry"]["path"] == "myfolder/hi.txt"
    assert sorted(os.listdir(tree)) == ["taken", "yours"]
    assert (tree / "yours" / "hi.txt").read_bytes() == b"hello, world"


async def test_each_is_deleted_or_not_by_itself(api: Api, folder: str, tree: Path) -> None:
    (tree / "full").mkdir()
    (tree / "full" / "a").write_bytes(b"")
    results = await delete(
        api("cleo"), folder, "full", "no such file", "", "../x", "myfolder", "hello.txt"
    )
    assert codes(results) == ["not-empty", "not-found", "bad-input", "bad-input", None, None]
    assert os.listdir(tree) == ["full"]


async def test_full_directories_go_when_asked(
    api: Api, service: RunningService, folder: str, tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"")
    deep = tree / "full" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c").write_bytes(b"c")
    (tree / "full" / "out").symlink_to(outside)
    (tree / "link").symlink_to(outside)
    results = await delete(api("cleo"), folder, "full", "link", "hello.txt", "full", recursive=True)
    assert codes(results) == [None, None, None, "not-found"]
    assert os.listdir(tree) == ["myfolder"]
    assert os.listdir(outside) == ["kept"]
    gone = service.service.settings.store / ".gone"
    async with asyncio.timeout(30):
        await service.service.folders.removal.catch_up()
        while os.listdir(gone):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("name", "status"), [("ben", 403), ("dan", 403), ("eve", 403)])
async def test_who_may_not_delete_changes_nothing(
    api: Api, folder: str, tree: Path, name: str, status: int
) -> None:
    before = sorted(os.listdir(tree))
    asked = {"paths": ["myfolder", "hello.txt"], "recursive": True}
    answer = await api(name).call("POST", f"/folders/{folder}/deletions", json=asked)
    assert (answer.status_code, bool(answer.json()["because"])) == (status, True)
    asked = {"moves": [{"source": "hello.txt", "target": "x"}]}
    answer = await api(name).call("POST", f"/folders/{folder}/relocations", json=asked)
    assert answer.status_code == status
    assert sorted(os.listdir(tree)) == before


async def test_a_batch_has_an_end(api: Api, folder: str) -> None:
    for what, asked in (
        ("deletions", {"paths": ["x"] * 1001}),
        ("deletions", {"paths": []}),
        ("relocations", {"moves": [{"source": "x", "target": "y"}] * 1001}),
    ):
        answer = await api("ana").call("POST", f"/folders/{folder}/{what}", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")
