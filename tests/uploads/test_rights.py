"""Who may upload: asked at the beginning, at each request, while bytes come, and at the end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_vmshare.uploads import receipt
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.uploads.speaking import BYTES, VERSION, Tus, metadata

pytestmark = pytest.mark.asyncio


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store; what rows do on PostgreSQL, ``test_protocol.py`` shows."""
    return sqlite_url


@pytest.mark.parametrize(("name", "status"), [("ben", 403), ("eve", 404)])
async def test_who_may_not_upload_begins_nothing(
    api: Api, folder: str, parts: Path, name: str, status: int
) -> None:
    tus = Tus(api(name), folder)
    answers = [
        await tus.create(5),
        await tus.create(5, headers=BYTES, content=b"hello"),
        await tus.person.call("OPTIONS", tus.where),
        await tus.person.get(tus.where),
    ]
    assert {answer.status_code for answer in answers} == {status}
    if status == 403:
        assert answers[0].json()["rule"] == "grant.level"
    assert os.listdir(parts) == []


@pytest.mark.parametrize("other", ["ana", "ben", "eve"])
async def test_an_upload_is_its_beginners_alone(api: Api, tus: Tus, other: str) -> None:
    upload = await tus.begin(10)
    await tus.patch(upload, 0, b"hello")
    theirs = Tus(api(other), tus.folder)
    expected = 403 if other == "ben" else 404
    for answer in (
        await theirs.head(upload),
        await theirs.call("GET", upload),
        await theirs.patch(upload, 5, b"taken"),
        await theirs.delete(upload),
    ):
        assert answer.status_code == expected, answer.request.method
    if other == "ana":
        assert await theirs.unfinished() == []
    assert await tus.offset(upload) == 5


async def test_an_upload_is_known_in_its_own_folder_alone(api: Api, tus: Tus) -> None:
    upload = await tus.begin(5)
    elsewhere = Tus(api("dan"), await api("dan").make_folder("other"))
    assert (await elsewhere.head(upload)).status_code == 404
    assert (await elsewhere.patch(upload, 0, b"hello")).status_code == 404


async def lower(api: Api, folder: str, what: str) -> None:
    people = (await api("ana").ask("GET", f"/folders/{folder}/people"))["grants"]
    [grant] = [one for one in people if one["receiver"]["name"] == "dan"]
    if what == "revoked":
        await api("ana").ask("DELETE", f"/grants/{grant['id']}")
    elif what == "trashed":
        await api("ana").ask("POST", f"/folders/{folder}/trash")
    else:
        headers = {"If-Match": f'"{grant["version"]}"'}
        await api("ana").ask("PATCH", f"/grants/{grant['id']}", {"level": "view"}, headers=headers)


LOST = [("revoked", 404), ("lowered", 403), ("trashed", 404)]


@pytest.mark.parametrize(("what", "status"), LOST)
async def test_who_lost_the_right_goes_on_with_nothing(
    api: Api, tus: Tus, tree: Path, what: str, status: int
) -> None:
    upload = await tus.begin(10)
    part = await tus.part(b"a")
    await tus.patch(upload, 0, b"hello")
    await lower(api, tus.folder, what)
    for answer in (
        await tus.head(upload),
        await tus.patch(upload, 5, b"world"),
        await tus.join([part]),
        await tus.create(5),
    ):
        assert answer.status_code == status, answer.request.method
    if what == "lowered":
        assert (await tus.create(5)).json()["because"]
    assert os.listdir(tree) == []


@pytest.mark.parametrize(("what", "status"), LOST)
async def test_who_loses_the_right_while_bytes_come_is_stopped(
    api: Api, tus: Tus, tree: Path, what: str, status: int
) -> None:
    upload = await tus.begin(4_000_000)

    async def lose() -> None:
        await lower(api, tus.folder, what)

    answer = await tus.patch(upload, 0, in_two_halves(lose))
    assert (answer.status_code, os.listdir(tree)) == (status, [])


async def test_a_long_request_is_stopped_on_its_way(api: Api, tus: Tus, parts: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"1" * 1_000_000
        await lower(api, tus.folder, "lowered")
        # What is sent after the refusal is read and dropped, so this ends by itself.
        for _ in range(20):
            await asyncio.sleep(receipt.CHECKED_EVERY / 10)
            yield b"2" * 1_000_000

    upload = await tus.begin(21_000_001)
    answer = await tus.patch(upload, 0, endless())
    assert (answer.status_code, answer.json()["rule"]) == (403, "grant.level")
    [part] = parts.iterdir()
    assert part.stat().st_size < 21_000_000


async def test_a_read_only_credential_uploads_nothing(
    service: RunningService, api: Api, tus: Tus
) -> None:
    upload = await tus.begin(5)
    await tus.patch(upload, 0, b"hell")
    service.hub.share("dan", user="eve")
    shared = Tus(api("dan", "kernel"), tus.folder)
    for answer in (
        await shared.create(5),
        await shared.patch(upload, 4, b"o"),
        await shared.delete(upload),
    ):
        assert answer.json()["rule"] == "credential.read_only"
    assert (await shared.head(upload)).status_code == 200


async def test_so_many_may_wait_and_no_more(tus: Tus, service: RunningService) -> None:
    service.service.uploads.most_unfinished = 3
    begun = [await tus.begin(5, f"{n}") for n in range(3)]
    refused = await tus.create(5, "one more")
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-uploads")
    await tus.patch(begun[0], 0, b"hello")
    assert (await tus.create(5, "one more")).status_code == 201


async def test_an_upload_never_leaves_the_folder(tus: Tus, tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "sub").mkdir()
    upload = await tus.begin(5, "sub/new")
    (tree / "sub").rmdir()
    (tree / "sub").symlink_to(outside)
    answer = await tus.patch(upload, 0, b"hello")
    assert (answer.status_code, answer.json()["code"]) == (422, "not-a-directory")
    assert os.listdir(outside) == []
    assert (await tus.create(5, "sub/other")).status_code == 422


async def test_a_new_file_is_told_to_everybody(api: Api, tus: Tus) -> None:
    for how in (_whole, _joined, _with_the_beginning):
        before = await told(api)
        await how(tus)
        async with asyncio.timeout(30):
            while await told(api) == before:
                await asyncio.sleep(0.05)


async def told(api: Api) -> int:
    events = await api("ben").all("/events")
    return sum(event["type"] == "files.changed" for event in events)


async def _whole(tus: Tus) -> None:
    await tus.patch(await tus.begin(5, "whole"), 0, b"hello")


async def _joined(tus: Tus) -> None:
    assert (await tus.join([await tus.part(b"a")], "joined")).status_code == 201


async def _with_the_beginning(tus: Tus) -> None:
    headers = {**VERSION, **BYTES, "Upload-Length": "1", "Upload-Metadata": metadata(path="x")}
    answer = await tus.person.call("POST", tus.where, headers=headers, content=b"1")
    assert answer.status_code == 201


async def in_two_halves(between: Callable[[], Awaitable[Any]]) -> AsyncIterator[bytes]:
    """A body whose second half waits for something to happen."""
    yield b"1" * 2_000_000
    await between()
    yield b"2" * 2_000_000
