"""What lies in a folder, over HTTP: who may do what, how bytes go out, and what stays unharmed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx2
import pytest

from jupyterhub_vmshare.ids import new_id
from tests.fixtures.api import Api, Person

pytestmark = pytest.mark.asyncio


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store, not in the database: one kind is enough here."""
    return sqlite_url


def on_disk(tree: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(tree)): path.read_bytes() if path.is_file() else None
        for path in sorted(tree.rglob("*"))
    }


async def get(person: Person, folder: str, way: str, path: str, **more: Any) -> httpx2.Response:
    return await person.call("GET", f"/folders/{folder}/{way}", params={"path": path}, **more)


CALLS = {
    "list": ("GET", "entries", {}, None),
    "stat": ("GET", "entry", {"path": "hello.txt"}, None),
    "read": ("GET", "file", {"path": "hello.txt"}, None),
    "download": ("GET", "download", {"path": "hello.txt"}, None),
    "upload": ("PUT", "file", {"path": "new.txt"}, b"new"),
    "replace": ("PUT", "file", {"path": "hello.txt", "overwrite": "true"}, b"new"),
    "make a directory": ("POST", "directories", {}, {"path": "d"}),
    "rename": ("POST", "moves", {}, {"source": "other.txt", "target": "renamed.txt"}),
    "delete": ("DELETE", "file", {"path": "hello.txt"}, None),
}
READS = {"list", "stat", "read", "download"}
WRITES = {"upload", "replace", "make a directory"}
REMOVES = {"rename", "delete"}
MAY = {
    "ana": READS | WRITES | REMOVES,
    "cleo": READS | WRITES | REMOVES,
    "dan": READS | WRITES,
    "ben": READS,
    "eve": set(),
    "root-hub": set(),
}
LEVELS = {"ana": "the owner", "cleo": "Edit+Delete", "dan": "Edit", "ben": "View"}
LEVELS |= {"eve": "somebody only invited", "root-hub": "a hub admin"}


@pytest.mark.scenario("F4")
@pytest.mark.parametrize("name", MAY, ids=lambda name: LEVELS[name])
async def test_each_level_does_what_its_column_says(
    api: Api, folder: str, tree: Path, name: str, subtests: pytest.Subtests
) -> None:
    await api("ana").write(folder, "other.txt", b"other")
    for call, (method, way, query, body) in CALLS.items():
        with subtests.test(call):
            before = on_disk(tree)
            sent = {"json": body} if isinstance(body, dict) else {"content": body}
            where = f"/folders/{folder}/{way}"
            answer = await api(name).call(method, where, params=query, **sent)
            if call in MAY[name]:
                assert answer.is_success, answer.text
                assert (on_disk(tree) == before) is (call in READS)
            else:
                refused(answer, 404 if name == "root-hub" else 403)
                assert on_disk(tree) == before


def refused(answer: httpx2.Response, status: int) -> None:
    problem = answer.json()
    assert answer.status_code == status
    if status == 403:
        assert problem["rule"].startswith(("table.", "grant."))
        assert problem["because"]


async def test_a_directory_lists_directories_first_and_pages(api: Api, folder: str) -> None:
    ana = api("ana")
    for name in ("b", "C", "a"):
        await ana.write(folder, name, b"")
    listed = await ana.all(f"/folders/{folder}/entries", limit=2)
    assert [entry["name"] for entry in listed] == ["myfolder", "a", "b", "C", "hello.txt"]
    assert [entry["kind"] for entry in listed][:2] == ["directory", "file"]
    found = await ana.all(f"/folders/{folder}/entries", q="ELL")
    assert [entry["path"] for entry in found] == ["hello.txt"]
    assert found[0]["size"] == 12


@pytest.mark.parametrize(
    ("how", "names"),
    [
        pytest.param({}, "abcd", id="by name"),
        pytest.param({"descending": "true"}, "dcba", id="the last name first"),
        pytest.param({"order": "size"}, "acdb", id="the smallest first"),
        pytest.param({"order": "size", "descending": "true"}, "bcda", id="the largest first"),
        pytest.param({"order": "modified"}, "bcda", id="the oldest first"),
        pytest.param({"order": "modified", "descending": "true"}, "acdb", id="the newest first"),
    ],
)
async def test_a_directory_is_sorted_by_the_service(
    api: Api, folder: str, tree: Path, how: dict[str, str], names: str
) -> None:
    ana = api("ana")
    for name, size, day in (("a", 1, 3), ("b", 3, 1), ("c", 2, 2), ("d", 2, 2)):
        await ana.write(folder, f"myfolder/{name}", b"x" * size)
        os.utime(tree / "myfolder" / name, (0, day * 86_400))
    asked = {"path": "myfolder", **how}
    listed = await ana.all(f"/folders/{folder}/entries", limit=2, **asked)
    assert [entry["name"] for entry in listed] == list(names)


async def test_a_cursor_of_another_order_is_refused_with_a_sentence(api: Api, folder: str) -> None:
    ana = api("ana")
    await ana.write(folder, "another.txt", b"")
    where = f"/folders/{folder}/entries"
    first = (await ana.get(where, limit=1)).json()
    mixed = await ana.get(where, limit=1, order="size", after=first["next"])
    assert mixed.status_code == 422
    assert "order" in mixed.json()["detail"]


TRAVERSALS = {
    "up": "../secret",
    "down and up twice": "myfolder/../../secret",
    "absolute": "/etc/passwd",
    "through a link": "link/secret",
    "a link": "link",
    "a NUL": "a\0b",
    "a name too long": "x" * 300,
    "an empty name": "a//b",
    "percent signs": "%2e%2e/secret",
}


async def test_no_path_leads_out_of_the_folder(
    api: Api, folder: str, tree: Path, subtests: pytest.Subtests
) -> None:
    (tree.parent / "secret").write_text("secret")
    (tree / "link").symlink_to(tree.parent)
    for what, path in TRAVERSALS.items():
        for call, (method, way, query, body) in CALLS.items():
            if path == "link" and call in ("stat", "delete"):
                continue  # of the link itself
            with subtests.test(f"{call}: {what}"):
                query = {**query, "path": path} if method != "POST" else query
                body = {key: path for key in body} if isinstance(body, dict) else body
                sent = {"json": body} if isinstance(body, dict) else {"content": body}
                where = f"/folders/{folder}/{way}"
                answer = await api("ana").call(method, where, params=query, **sent)
                assert answer.status_code in (400, 404, 409, 422), answer.text
                assert "secret" not in answer.text.replace(path, "")
    assert (tree.parent / "secret").read_text() == "secret"
    assert sorted(os.listdir(tree.parent)) == ["account", "files", "secret"]
    assert sorted(os.listdir(tree)) == ["hello.txt", "link", "myfolder"]


async def test_another_folders_id_or_none_is_no_way_in(api: Api, folder: str) -> None:
    await api("eve").make_folder("hers")
    for folder_id in (folder, new_id("fld")):
        answer = await get(api("root-hub"), folder_id, "file", "hello.txt")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not-found"


RANGES = {
    "all of it": (None, 200, b"hello, world", None),
    "the beginning": ("bytes=0-4", 206, b"hello", "bytes 0-4/12"),
    "from the middle": ("bytes=7-", 206, b"world", "bytes 7-11/12"),
    "the end": ("bytes=-5", 206, b"world", "bytes 7-11/12"),
    "two ranges": ("bytes=0-1,4-5", 200, b"hello, world", None),
}


async def test_ranges(api: Api, folder: str, subtests: pytest.Subtests) -> None:
    for what, (header, status, content, content_range) in RANGES.items():
        for way in ("file", "download"):
            with subtests.test(f"{way}: {what}"):
                headers = {} if header is None else {"Range": header}
                answer = await get(api("ben"), folder, way, "hello.txt", headers=headers)
                assert (answer.status_code, answer.content) == (status, content)
                assert answer.headers.get("Content-Range") == content_range
                assert answer.headers["Content-Length"] == str(len(content))
                assert answer.headers["Accept-Ranges"] == "bytes"


async def test_a_range_outside_the_file_says_how_long_it_is(api: Api, folder: str) -> None:
    answer = await get(api("ben"), folder, "file", "hello.txt", headers={"Range": "bytes=12-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range-unsatisfiable")
    assert answer.headers["Content-Range"] == "bytes */12"


async def test_a_part_is_of_the_content_that_was_seen(api: Api, folder: str) -> None:
    ana, ben = api("ana"), api("ben")
    seen = (await get(ben, folder, "download", "hello.txt")).headers["ETag"]
    headers = {"Range": "bytes=0-4", "If-Range": seen}
    assert (await get(ben, folder, "download", "hello.txt", headers=headers)).status_code == 206
    await ana.write(folder, "hello.txt", b"HELLO, WORLD", overwrite="true")
    answer = await get(ben, folder, "download", "hello.txt", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"HELLO, WORLD")


TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
SHOWN = {
    "a page is text": ("page.html", TEXT),
    "a drawing with scripts is bytes": ("a.svg", BYTES),
    "a notebook is text": ("a.ipynb", TEXT),
    "a program is text": ("a.py", TEXT),
    "what nobody knows is bytes": ("a.bin", BYTES),
    "no ending is bytes": ("noname", BYTES),
}


async def test_nothing_is_run_by_a_browser(
    api: Api, folder: str, subtests: pytest.Subtests
) -> None:
    for what, (name, inline) in SHOWN.items():
        await api("ana").write(folder, name, b"<script>alert(1)</script>")
        for way, media, kind in (("file", inline, "inline"), ("download", BYTES, "attachment")):
            with subtests.test(f"{way}: {what}"):
                headers = (await get(api("ben"), folder, way, name)).headers
                assert headers["Content-Type"] == media
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
                assert headers["Content-Disposition"].startswith(f"{kind}; ")


NASTY = {
    "a quote": 'quote".txt',
    "a semicolon": "semi;colon, comma.txt",
    "a backslash": "back\\slash",
    "what URLs are made of": "100%41?#&=+",
    "markup": "<img src=x onerror=alert(1)>",
    "an emoji": "😀 emoji",
    "right to left": "بيانات",
    "SQL": "'; DROP TABLE things; --",
    "templates": "%(name)s {0} $HOME `id`",
    "255 bytes": "x" * 255,
    "a dash before": "-rf",
    "what Windows can't have": "CON.txt:stream",
}


@pytest.mark.scenario("F16")
async def test_a_nasty_name_goes_all_the_way(
    api: Api, folder: str, subtests: pytest.Subtests
) -> None:
    for what, name in NASTY.items():
        with subtests.test(what):
            await there_and_back(api("ana"), api("ben"), folder, name)


async def there_and_back(ana: Person, ben: Person, folder: str, name: str) -> None:
    made = await ana.write(folder, f"myfolder/{name}", b"content")
    assert (made["name"], made["path"]) == (name, f"myfolder/{name}")
    listed = await ben.all(f"/folders/{folder}/entries", path="myfolder")
    assert [entry["name"] for entry in listed] == [name]
    answer = await get(ben, folder, "download", listed[0]["path"])
    assert answer.content == b"content"
    exact = answer.headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(exact) == name
    moved = {"source": f"myfolder/{name}", "target": f"{name[:200]}.2"}
    await ana.ask("POST", f"/folders/{folder}/moves", moved)
    await ana.ask("DELETE", f"/folders/{folder}/file", params={"path": f"{name[:200]}.2"})
    assert await ben.all(f"/folders/{folder}/entries", path="myfolder") == []


FORBIDDEN = ["a\nb", "exe.\u202egpj", ".vmshare-x", " a", "a ", "\u200b", ".."]


async def test_a_new_name_by_the_rules_or_not_at_all(
    api: Api, folder: str, tree: Path, subtests: pytest.Subtests
) -> None:
    before, ana, where = on_disk(tree), api("ana"), f"/folders/{folder}"
    for name in FORBIDDEN:
        with subtests.test(ascii(name)):
            move = {"source": "hello.txt", "target": name}
            answers = [
                await ana.call("PUT", f"{where}/file", params={"path": name}, content=b""),
                await ana.call("POST", f"{where}/directories", json={"path": name}),
                await ana.call("POST", f"{where}/moves", json=move),
            ]
            assert [answer.status_code for answer in answers] == [422] * 3
    assert on_disk(tree) == before


async def test_what_a_program_named_oddly_is_listed_read_and_renamed(
    api: Api, folder: str, tree: Path
) -> None:
    (tree / " odd\n\u202ename").write_text("odd")
    ana = api("ana")
    [entry] = await ana.all(f"/folders/{folder}/entries", q="odd")
    assert (await get(ana, folder, "file", entry["path"])).content == b"odd"
    moved = {"source": entry["path"], "target": "even"}
    assert (await ana.ask("POST", f"/folders/{folder}/moves", moved))["name"] == "even"


async def test_nothing_is_replaced_without_being_asked(api: Api, folder: str, tree: Path) -> None:
    ana = api("ana")
    before = on_disk(tree)
    where = f"/folders/{folder}/file"
    for path in ("hello.txt", "myfolder"):
        answer = await ana.call("PUT", where, params={"path": path}, content=b"new")
        assert (answer.status_code, answer.json()["code"]) == (409, "exists")
    over = {"path": "myfolder", "overwrite": "true"}
    assert (await ana.call("PUT", where, params=over, content=b"new")).status_code == 409
    for target in ("myfolder", "hello.txt"):
        moved = {"source": "hello.txt", "target": target}
        answer = await ana.call("POST", f"/folders/{folder}/moves", json=moved)
        assert (answer.status_code, answer.json()["code"]) == (409, "exists")
    assert on_disk(tree) == before
    first = await ana.call("PUT", where, params={"path": "new"}, content=b"1")
    again = await ana.call("PUT", where, params={"path": "new", "overwrite": "true"}, content=b"2")
    assert (first.status_code, again.status_code) == (201, 200)
    assert (tree / "new").read_bytes() == b"2"


async def test_a_directory_goes_only_when_it_is_empty(api: Api, folder: str) -> None:
    ana, where = api("ana"), f"/folders/{folder}/file"
    await ana.write(folder, "myfolder/a", b"")
    answer = await ana.call("DELETE", where, params={"path": "myfolder"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not-empty")
    await ana.ask("DELETE", where, params={"path": "myfolder/a"})
    await ana.ask("DELETE", where, params={"path": "myfolder"})
    assert (await ana.call("DELETE", where, params={"path": ""})).status_code == 422


async def test_a_file_is_replaced_only_as_it_was_seen(api: Api, folder: str, tree: Path) -> None:
    ana, dan, where = api("ana"), api("dan"), f"/folders/{folder}/file"
    over = {"path": "hello.txt", "overwrite": "true"}
    seen = {"If-Match": (await get(dan, folder, "file", "hello.txt")).headers["ETag"]}
    first = await ana.call("PUT", where, params=over, content=b"ana's", headers=seen)
    assert first.status_code == 200
    second = await dan.call("PUT", where, params=over, content=b"dan's", headers=seen)
    assert (second.status_code, second.json()["code"]) == (412, "changed-meanwhile")
    assert (tree / "hello.txt").read_bytes() == b"ana's"
    now = {"If-Match": first.headers["ETag"]}
    assert now["If-Match"] == (await get(dan, folder, "file", "hello.txt")).headers["ETag"]
    third = await dan.call("PUT", where, params=over, content=b"dan's", headers=now)
    assert (third.status_code, (tree / "hello.txt").read_bytes()) == (200, b"dan's")


@pytest.mark.parametrize("tag", ['"1-2-3"', '"x"', "1-2-3", 'W/"1-2-3"', "*", ""], ids=repr)
@pytest.mark.parametrize("path", ["hello.txt", "not there"])
async def test_no_other_version_is_replaced_or_made(
    api: Api, folder: str, tree: Path, path: str, tag: str
) -> None:
    before, where = on_disk(tree), f"/folders/{folder}/file"
    over = {"path": path, "overwrite": "true"}
    answer = await api("ana").call(
        "PUT", where, params=over, content=b"new", headers={"If-Match": tag}
    )
    assert (answer.status_code, on_disk(tree)) == (412, before)
