"""What tus 1.0 asks of a server, extension by extension."""

from __future__ import annotations

import os
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.uploads.speaking import BYTES, VERSION, Tus, checksum, metadata

pytestmark = pytest.mark.asyncio

HELLO = b"hello, world"


# --- the core ---


async def test_a_file_comes_in_pieces_and_is_there_with_the_last(tus: Tus, tree: Path) -> None:
    upload = await tus.begin(len(HELLO))
    first = await tus.patch(upload, 0, HELLO[:5])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5")
    assert first.headers["Tus-Resumable"] == "1.0.0"
    assert os.listdir(tree) == []
    assert (await tus.patch(upload, 5, HELLO[5:])).headers["Upload-Offset"] == "12"
    assert (tree / "big").read_bytes() == HELLO


async def test_head_tells_where_to_go_on(tus: Tus) -> None:
    upload = await tus.begin(len(HELLO), metadata={"filetype": "text/plain"})
    await tus.patch(upload, 0, HELLO[:5])
    told = (await tus.head(upload)).headers
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("5", "12")
    assert told["Cache-Control"] == "no-store"
    assert told["Upload-Metadata"] == metadata(path="big", filetype="text/plain")


@pytest.mark.parametrize("offset", [0, 4, 6, 12, 13, 10**17])
async def test_another_offset_is_refused(tus: Tus, parts: Path, offset: int) -> None:
    upload = await tus.begin(len(HELLO))
    await tus.patch(upload, 0, HELLO[:5])
    answer = await tus.patch(upload, offset, b"")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-offset")
    assert await tus.offset(upload) == 5
    assert (parts / f"{tus.folder}.{upload}").read_bytes() == HELLO[:5]


REFUSED: list[Any] = [
    pytest.param({"Content-Type": "application/octet-stream"}, 415, id="another content type"),
    pytest.param({"Tus-Resumable": "0.2.2"}, 412, id="another version of tus"),
    pytest.param({"Upload-Offset": "x"}, 400, id="an offset that is no number"),
    pytest.param({"Upload-Offset": "-1"}, 400, id="an offset before the beginning"),
    pytest.param({"Upload-Offset": "٣"}, 400, id="an offset in other digits"),
    pytest.param({"Upload-Checksum": "crc7 AAAA"}, 400, id="a checksum nobody knows"),
    pytest.param({"Upload-Checksum": "sha1 ***"}, 400, id="a checksum that is no Base64"),
]


@pytest.mark.parametrize(("headers", "status"), REFUSED)
async def test_bytes_with_this_are_refused(tus: Tus, headers: Any, status: int) -> None:
    upload = await tus.begin(len(HELLO))
    told = {**VERSION, **BYTES, "Upload-Offset": "0", **headers}
    told = {name: value.encode() for name, value in told.items()}
    answer = await tus.call("PATCH", upload, headers=told, content=HELLO)
    assert answer.status_code == status, answer.text
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert await tus.offset(upload) == 0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_more_bytes_than_the_file_has_are_refused(
    tus: Tus, tree: Path, announced: bool
) -> None:
    upload = await tus.begin(3)

    async def chunks() -> Any:
        yield b"hell"

    answer = await tus.patch(upload, 0, b"hell" if announced else chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert await tus.offset(upload) == 0
    assert os.listdir(tree) == []


async def test_without_the_version_nothing_is_done(tus: Tus, parts: Path) -> None:
    upload = await tus.begin(3)
    headers = {"Upload-Length": "3", "Upload-Metadata": metadata(path="x")}
    for method, path, more in (
        ("POST", tus.where, headers),
        ("HEAD", f"{tus.where}/{upload}", {}),
        ("PATCH", f"{tus.where}/{upload}", {**BYTES, "Upload-Offset": "0"}),
        ("DELETE", f"{tus.where}/{upload}", {}),
    ):
        answer = await tus.person.call(method, path, headers=more)
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0"), method
    assert len(await tus.unfinished()) == 1
    assert os.listdir(parts) == []


async def test_options_tells_what_is_spoken(tus: Tus) -> None:
    told = await tus.person.call("OPTIONS", tus.where)
    assert told.status_code == 204
    extensions = "creation,creation-with-upload,expiration,checksum,termination,concatenation"
    assert told.headers["Tus-Extension"] == extensions
    assert "sha1" in told.headers["Tus-Checksum-Algorithm"].split(",")


async def test_another_method_may_stand_for_patch_and_delete(tus: Tus, tree: Path) -> None:
    upload, other = await tus.begin(5), await tus.begin(5, "other")
    override = "X-HTTP-Method-Override"
    headers = {**VERSION, **BYTES, "Upload-Offset": "0", override: "PATCH"}
    told = await tus.call("POST", upload, headers=headers, content=b"hello")
    assert (told.status_code, told.headers["Upload-Offset"]) == (204, "5")
    assert (tree / "big").read_bytes() == b"hello"
    gone = await tus.call("POST", other, headers={**VERSION, override: "DELETE"})
    assert gone.status_code == 204
    assert (await tus.head(other)).status_code == 404
    assert (await tus.call("POST", upload, headers=VERSION)).status_code == 400


# --- creation, with and without bytes ---


async def test_bytes_may_come_with_the_beginning(tus: Tus, tree: Path) -> None:
    answer = await tus.create(len(HELLO), headers=BYTES, content=HELLO[:7])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "7")
    await tus.patch(answer.json()["id"], 7, HELLO[7:])
    assert (tree / "big").read_bytes() == HELLO


async def test_all_bytes_may_come_with_the_beginning(tus: Tus, tree: Path) -> None:
    answer = await tus.create(len(HELLO), headers=BYTES, content=HELLO)
    assert answer.json()["state"] == "published"
    assert (tree / "big").read_bytes() == HELLO


async def test_an_empty_file_is_complete_at_once(tus: Tus, tree: Path) -> None:
    upload = await tus.begin(0)
    assert (tree / "big").read_bytes() == b""
    assert await tus.offset(upload) == 0


NOT_BEGUN: list[Any] = [
    pytest.param({"Upload-Length": ""}, 400, id="no length"),
    pytest.param({"Upload-Length": "-5"}, 400, id="less than nothing"),
    pytest.param({"Upload-Length": "1e3"}, 400, id="a length that is no number"),
    pytest.param({"Upload-Metadata": ""}, 400, id="no path"),
    pytest.param({"Upload-Metadata": "path ***"}, 400, id="a path that is no Base64"),
    pytest.param({"Upload-Metadata": "path /w=="}, 400, id="a path that is no UTF-8"),
    pytest.param({"Upload-Metadata": "path YQ==,path Yg=="}, 400, id="two paths"),
    pytest.param({"Upload-Metadata": metadata(path="../a")}, 422, id="a path that climbs"),
    pytest.param({"Upload-Metadata": metadata(path="/etc/passwd")}, 422, id="an absolute path"),
    pytest.param({"Upload-Metadata": metadata(path="a\0b")}, 422, id="a NUL"),
    pytest.param({"Upload-Metadata": metadata(path="a\nb")}, 422, id="a line break"),
    pytest.param({"Upload-Metadata": metadata(path="no/such/file")}, 404, id="a missing directory"),
    pytest.param({"Upload-Metadata": "x" * 20_000}, 400, id="metadata without end"),
    pytest.param({"Upload-Concat": "both"}, 400, id="a way to join nobody knows"),
    pytest.param({"Upload-Concat": "final;"}, 400, id="a file of no parts"),
]


@pytest.mark.parametrize(("headers", "status"), NOT_BEGUN)
async def test_nothing_begins_with(tus: Tus, parts: Path, headers: Any, status: int) -> None:
    answer = await tus.create(3, headers=headers)
    assert answer.status_code == status, answer.text
    assert await tus.unfinished() == []
    assert os.listdir(parts) == []


async def test_a_clients_own_name_for_the_file_will_do(tus: Tus, tree: Path) -> None:
    headers = {**VERSION, "Upload-Length": "1", "Upload-Metadata": metadata(filename="a b.txt")}
    answer = await tus.person.call("POST", tus.where, headers={**headers, **BYTES}, content=b"1")
    assert answer.status_code == 201
    assert os.listdir(tree) == ["a b.txt"]


async def test_what_is_there_is_not_replaced_unless_asked(tus: Tus, api: Api, tree: Path) -> None:
    await api("ana").write(tus.folder, "big", b"first")
    refused = await tus.create(5)
    assert (refused.status_code, refused.json()["code"]) == (409, "exists")
    upload = await tus.begin(5, metadata={"overwrite": "true"})
    assert (tree / "big").read_bytes() == b"first"
    await tus.patch(upload, 0, b"again")
    assert (tree / "big").read_bytes() == b"again"


async def test_only_the_version_that_was_seen_is_replaced(tus: Tus, api: Api, tree: Path) -> None:
    await api("ana").write(tus.folder, "big", b"seen")
    where = f"/folders/{tus.folder}/file"
    seen = (await tus.person.get(where, path="big")).headers["ETag"]
    asked: dict[str, Any] = {"metadata": {"overwrite": "true"}, "headers": {"If-Match": seen}}
    early = await tus.begin(5, **asked)
    await api("ana").write(tus.folder, "big", b"newer", overwrite="true")
    assert (await tus.create(5, **asked)).status_code == 412
    late = await tus.patch(early, 0, b"again")
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert (tree / "big").read_bytes() == b"newer"


async def test_what_came_meanwhile_is_not_replaced_and_the_bytes_wait(
    tus: Tus, api: Api, tree: Path
) -> None:
    upload = await tus.begin(5)
    await api("ana").write(tus.folder, "big", b"first")
    refused = await tus.patch(upload, 0, b"hello")
    assert (refused.status_code, refused.json()["code"]) == (409, "exists")
    assert (tree / "big").read_bytes() == b"first"
    assert (await tus.head(upload)).status_code == 409
    [waiting] = await tus.unfinished()
    assert (waiting["state"], waiting["offset"]) == ("whole", 5)
    await api("ana").ask(
        "POST", f"/folders/{tus.folder}/moves", {"source": "big", "target": "older"}
    )
    assert await tus.offset(upload) == 5
    assert (tree / "big").read_bytes() == b"hello"
    assert await tus.unfinished() == []


# --- checksum ---


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_bytes_that_are_right_are_kept(tus: Tus, tree: Path, algorithm: str) -> None:
    upload = await tus.begin(len(HELLO))
    told = await tus.patch(upload, 0, HELLO, checksum(HELLO, algorithm))
    assert told.status_code == 204
    assert (tree / "big").read_bytes() == HELLO


async def test_bytes_that_changed_on_the_way_are_thrown_away(tus: Tus, tree: Path) -> None:
    upload = await tus.begin(len(HELLO))
    await tus.patch(upload, 0, HELLO[:5])
    told = await tus.patch(upload, 5, b"X" * 7, checksum(HELLO[5:]))
    assert (told.status_code, told.json()["code"]) == (460, "checksum-mismatch")
    assert await tus.offset(upload) == 5
    assert os.listdir(tree) == []
    assert (await tus.patch(upload, 5, HELLO[5:], checksum(HELLO[5:]))).status_code == 204
    assert (tree / "big").read_bytes() == HELLO


# --- termination and expiration ---


async def test_what_is_given_up_is_gone(tus: Tus, parts: Path) -> None:
    upload = await tus.begin(len(HELLO))
    await tus.patch(upload, 0, HELLO[:5])
    assert (await tus.delete(upload)).status_code == 204
    assert os.listdir(parts) == []
    for answer in (
        await tus.head(upload),
        await tus.patch(upload, 5, HELLO[5:]),
        await tus.delete(upload),
    ):
        assert answer.status_code == 404
        assert "Upload-Offset" not in answer.headers


async def test_giving_up_what_is_finished_leaves_the_file(tus: Tus, tree: Path) -> None:
    upload = await tus.begin(0)
    assert (await tus.delete(upload)).status_code == 204
    assert os.listdir(tree) == ["big"]


async def test_each_byte_gives_another_day(tus: Tus, service: RunningService) -> None:
    answer = await tus.create(len(HELLO))
    upload, clock = answer.json()["id"], service.clock
    assert _expires(answer) == clock.now.replace(microsecond=0).astimezone() + _DAY
    clock.advance(hours=23)
    later = await tus.patch(upload, 0, HELLO[:5])
    assert _expires(later) == clock.now.replace(microsecond=0).astimezone() + _DAY
    clock.advance(hours=23)
    assert await tus.offset(upload) == 5
    clock.advance(hours=2)
    assert (await tus.head(upload)).status_code == 404
    assert (await tus.patch(upload, 5, HELLO[5:])).status_code == 404
    assert await tus.unfinished() == []


async def test_what_expired_is_swept(
    tus: Tus, service: RunningService, parts: Path, tree: Path
) -> None:
    old = await tus.begin(len(HELLO), "old")
    await tus.patch(old, 0, HELLO[:5])
    done = await tus.begin(5, "done")
    await tus.patch(done, 0, b"hello")
    service.clock.advance(hours=20)
    young = await tus.begin(len(HELLO), "young")
    await tus.patch(young, 0, HELLO[:5])
    service.clock.advance(hours=5)
    await service.service.uploads.sweep()
    assert os.listdir(parts) == [f"{tus.folder}.{young}"]
    assert os.listdir(tree) == ["done"]
    assert await tus.offset(young) == 5


async def test_bytes_that_nobody_knows_any_more_are_swept(
    tus: Tus, service: RunningService, parts: Path
) -> None:
    upload = await tus.begin(len(HELLO))
    await tus.patch(upload, 0, HELLO[:5])
    stray = parts / f"{tus.folder}.upl_{'0' * 26}"
    for path in (stray, parts / "no part of ours"):
        path.write_bytes(b"stray")
        os.utime(path, (0, 0))
    await service.service.uploads.sweep()
    assert sorted(os.listdir(parts)) == [f"{tus.folder}.{upload}", "no part of ours"]


_DAY = datetime(2026, 1, 2) - datetime(2026, 1, 1)


def _expires(answer: Any) -> datetime:
    return parsedate_to_datetime(answer.headers["Upload-Expires"]).astimezone()


# --- concatenation ---


async def test_parts_are_joined_in_the_order_that_is_told(
    tus: Tus, tree: Path, parts: Path
) -> None:
    pieces = [os.urandom(n) for n in (3_000_000, 1, 0, 70_000)]
    ids = [await tus.part(piece) for piece in reversed(pieces)]
    answer = await tus.join(ids[::-1])
    assert answer.status_code == 201, answer.text
    assert (tree / "big").read_bytes() == b"".join(pieces)
    assert os.listdir(parts) == []
    told = (await tus.head(answer.json()["id"])).headers
    assert told["Upload-Length"] == told["Upload-Offset"] == str(3_070_001)
    assert told["Upload-Concat"].startswith("final;/services/vmshare/api/folders/")
    assert [one.rpartition("/")[2] for one in told["Upload-Concat"].split()] == ids[::-1]


async def test_a_part_says_that_it_is_one(tus: Tus, tree: Path) -> None:
    part = await tus.part(HELLO)
    told = (await tus.head(part)).headers
    assert (told["Upload-Concat"], told["Upload-Offset"]) == ("partial", "12")
    assert os.listdir(tree) == []


async def test_joining_again_is_joining_once(tus: Tus, tree: Path) -> None:
    ids = [await tus.part(b"a"), await tus.part(b"b")]
    first, again = await tus.join(ids), await tus.join(ids)
    assert first.headers["Location"] == again.headers["Location"]
    assert (tree / "big").read_bytes() == b"ab"


async def test_what_can_not_be_joined_is_not(tus: Tus, api: Api, tree: Path) -> None:
    whole, file = await tus.part(b"a"), await tus.begin(1, "file")
    headers = {**VERSION, "Upload-Length": "9", "Upload-Concat": "partial"}
    half = (await tus.person.call("POST", tus.where, headers=headers)).json()["id"]
    anas = await Tus(api("ana"), tus.folder).part(b"a")
    for parts in ([whole, half], [whole, file], [whole, anas], [whole, f"upl_{'0' * 26}"]):
        answer = await tus.join(parts)
        assert (answer.status_code, answer.json()["code"]) == (422, "not-joinable")
    assert (await tus.join([whole, whole])).status_code == 400
    assert os.listdir(tree) == []
    assert await tus.offset(whole) == 1


async def test_joining_does_not_replace_unless_asked(tus: Tus, api: Api, tree: Path) -> None:
    await api("ana").write(tus.folder, "big", b"first")
    ids = [await tus.part(b"a"), await tus.part(b"b")]
    assert (await tus.join(ids)).status_code == 409
    assert (await tus.join(ids, metadata={"overwrite": "true"})).status_code == 201
    assert (tree / "big").read_bytes() == b"ab"


async def test_what_is_joined_takes_no_bytes(tus: Tus) -> None:
    joined = (await tus.join([await tus.part(b"a")])).json()["id"]
    answer = await tus.patch(joined, 1, b"")
    assert (answer.status_code, answer.json()["code"]) == (403, "joined-only")
