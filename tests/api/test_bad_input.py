"""Bodies, names, ids and queries that make no sense: a clear 4xx, nothing changed, no secret told.

``scene`` is one service for the whole file; ``untouched`` compares database and store.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from jupyterhub_vmshare.api.openapi import stored
from tests.api.conftest import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("untouched")]

PATHS = stored()["paths"]
OPERATIONS = [(m.upper(), path) for path, methods in PATHS.items() for m in methods]
WITH_JSON = [
    (method, path)
    for method, path in OPERATIONS
    if "application/json" in PATHS[path][method.lower()].get("requestBody", {}).get("content", {})
]
JSON = {"Content-Type": "application/json"}
SEEN = {"If-Match": '"1"'}


def refused(answer: httpx2.Response, *expected: tuple[int, str]) -> dict[str, Any]:
    told = dict(answer.json())
    assert (answer.status_code, told["code"]) in expected, told
    assert told["detail"], told
    return told


OF_ADMINS = ("/approve", "{project_id}/decline")


async def by_whom(scene: Scene, path: str) -> Any:
    """Somebody who may do it, so that the input alone is what is wrong."""
    if path.startswith("/hub/"):
        return scene.api.hub_hook
    if path.endswith("/quota") or (path.startswith("/projects/") and path.endswith(OF_ADMINS)):
        return await scene.api.page("root-hub")
    return scene.api("cleo" if path.startswith("/invitations") else "ana")


# --- bodies ---

MALFORMED, INVALID, BAD = (400, "malformed"), (422, "invalid-fields"), (422, "bad-input")
BODIES: list[Any] = [
    pytest.param(b'{"name": "x"', JSON, MALFORMED, id="half an object"),
    pytest.param(b"name=x", JSON, MALFORMED, id="no JSON"),
    pytest.param(b'{"name": "\xff\xfe"}', JSON, MALFORMED, id="bytes that are no UTF-8"),
    pytest.param(b'{"name": NaN}', JSON, INVALID, id="not a number"),
    pytest.param(b'{"name": "\\ud800"}', JSON, MALFORMED, id="half a surrogate pair"),
    pytest.param(b"\xef\xbb\xbf{}", JSON, MALFORMED, id="a byte order mark"),
    pytest.param(b"\x00", JSON, MALFORMED, id="a NUL"),
    pytest.param(b"[" * 100_000, JSON, MALFORMED, id="100,000 open brackets"),
    pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, JSON, MALFORMED, id="5,000 levels deep"),
    pytest.param(b"[]", JSON, INVALID, id="a list"),
    pytest.param(b"3", JSON, INVALID, id="a number"),
    pytest.param(b"null", JSON, INVALID, id="nothing at all"),
    pytest.param(b'"x"', JSON, INVALID, id="a string"),
    pytest.param(b'{"surprise": 1}', JSON, INVALID, id="an unknown field"),
    pytest.param(b'{"name": "x"}', {"Content-Type": "text/plain"}, MALFORMED, id="plain text"),
    pytest.param(
        b"name=x", {"Content-Type": "application/x-www-form-urlencoded"}, MALFORMED, id="a form"
    ),
    pytest.param(b'{"name": "x"}', {}, MALFORMED, id="no content type"),
    pytest.param(b" " * (10 << 20), JSON, (413, "too-large"), id="10 MB of blanks"),
    pytest.param(
        json.dumps({"name": "x" * (10 << 20)}).encode(), JSON, (413, "too-large"), id="a 10 MB name"
    ),
]


@pytest.mark.parametrize(("body", "headers", "expected"), BODIES)
async def test_a_body_that_is(
    scene: Scene, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    for method, path in WITH_JSON:
        person = await by_whom(scene, path)
        more = {"content": body, "headers": {**SEEN, **headers}}
        refused(await person.call(method, scene.path(path), **more), expected)


async def test_a_body_in_endless_chunks_is_cut_off(scene: Scene) -> None:
    async def chunks() -> Any:
        for _ in range(160):
            yield b" " * 65536

    answer = await scene.api("ana").call("POST", "/folders", content=chunks(), headers=JSON)
    refused(answer, (413, "too-large"))


FIELDS: list[Any] = [
    ("POST", "/folders", {"name": "x"}),
    ("PATCH", "/folders/{folder_id}", {"name": "x"}),
    ("PUT", "/folders/{folder_id}/alias", {"alias": "x"}),
    ("POST", "/folders/{folder_id}/clones", {"name": "x"}),
    ("POST", "/folders/{folder_id}/directories", {"path": "x"}),
    ("POST", "/folders/{folder_id}/moves", {"source": "notes.txt", "target": "x"}),
    ("PATCH", "/grants/{grant_id}", {"level": "view"}),
    ("PATCH", "/grants/{grant_id}", {"ends_at": "2027-01-01T00:00:00Z"}),
    ("POST", "/invitations/{grant_id}/accept", {"alias": "x"}),
    ("POST", "/hand-overs/{hand_over_id}/accept", {"name": "x"}),
    ("PATCH", "/machines/{machine_id}", {"name": "x"}),
    ("PUT", "/machines/{machine_id}/size", {"size": "small"}),
    ("POST", "/machines/{machine_id}/rebuild", {"image": "debian"}),
    ("POST", "/machines/{machine_id}/snapshots", {"name": "x"}),
    ("POST", "/drives/{drive_id}/clones", {"name": "x"}),
    ("PATCH", "/projects/{project_id}", {"name": "x"}),
    ("POST", "/projects/{project_id}/decline", {"because": "x"}),
    ("PATCH", "/projects/{project_id}/members/{person}", {"role": "member"}),
    ("POST", "/projects/{project_id}/links", {"note": "x"}),
    ("POST", "/projects/{project_id}/folders", {"name": "x", "level": "view"}),
    ("POST", "/projects/{project_id}/machines", {"name": "x", "size": "small", "image": "debian"}),
    ("PUT", "/folders/{folder_id}/overrides/{person}", {"level": "view"}),
    ("POST", "/hub/sessions", {"person": "ana"}),
    ("DELETE", "/hub/sessions", {"person": "ana"}),
]
ONE_GRANT = {"receiver": "dan", "level": "view"}
WRONG: list[Any] = [3, True, 1.5, [], ["x"], {}, {"x": "y"}]


@pytest.mark.parametrize("wrong", WRONG, ids=[json.dumps(w) for w in WRONG])
async def test_a_field_that_is(scene: Scene, wrong: Any) -> None:
    for method, path, body in FIELDS:
        person = await by_whom(scene, path)
        for name in body:
            more = {"json": {**body, name: wrong}, "headers": SEEN}
            told = refused(await person.call(method, scene.path(path), **more), INVALID)
            assert told["errors"][0]["where"].startswith(name)


GRANTS: list[Any] = [
    pytest.param({"grants": []}, id="nobody"),
    pytest.param({"grants": [ONE_GRANT] * 201}, id="201 at once"),
    pytest.param({"grants": ONE_GRANT}, id="not a list"),
    pytest.param({"grants": [{"receiver": "dan"}]}, id="without a level"),
    pytest.param({"grants": [{**ONE_GRANT, "receiver": 3}]}, id="to a number"),
    pytest.param({"grants": [{**ONE_GRANT, "receiver_kind": "group"}]}, id="to an unknown kind"),
    pytest.param({"grants": [{**ONE_GRANT, "level": "x" * 33}]}, id="at a level without end"),
    pytest.param({"grants": [{**ONE_GRANT, "giver": "ben"}]}, id="in somebody else's name"),
    pytest.param({"grants": [{**ONE_GRANT, "ends_at": "tomorrow"}]}, id="until tomorrow"),
    pytest.param({"grants": [{**ONE_GRANT, "ends_at": "2027-01-01"}]}, id="until a day"),
    pytest.param(
        {"grants": [{**ONE_GRANT, "ends_at": "2027-01-01T00:00:00"}]}, id="until an hour nowhere"
    ),
    pytest.param(
        {"grants": [{**ONE_GRANT, "ends_at": "9999-12-31T23:59:59-14:00"}]},
        id="until after the last year",
    ),
    pytest.param(
        {"grants": [{**ONE_GRANT, "ends_at": "0001-01-01T00:00:00+14:00"}]},
        id="until before the first year",
    ),
    pytest.param({"grants": [{**ONE_GRANT, "ends_at": 10**400}]}, id="until a number without end"),
]


@pytest.mark.parametrize("body", GRANTS)
async def test_a_batch_of_invitations(scene: Scene, body: dict[str, Any]) -> None:
    path = scene.path("/folders/{folder_id}/grants")
    refused(await scene.api("ana").call("POST", path, json=body), INVALID)


ALONE: list[Any] = [
    pytest.param({"level": "owner"}, id="a level that nobody can give"),
    pytest.param({"level": "VIEW"}, id="a level in capitals"),
    pytest.param({"level": "co_own"}, id="a machine's level"),
    pytest.param({"ends_at": "2020-01-01T00:00:00Z"}, id="an end in the past"),
    pytest.param({"receiver": "nobody-here"}, id="somebody who is not there"),
    pytest.param({"receiver": ""}, id="nobody"),
    pytest.param({"receiver": "da\0n"}, id="a name with a NUL"),
    pytest.param({"receiver": "../dan"}, id="a name that climbs"),
    pytest.param({"receiver": "dan?admin=true"}, id="a name with a query"),
    pytest.param({"receiver": "x" * 1000}, id="a name without end"),
    pytest.param({"receiver": "\u202edan"}, id="a name turned around"),
    pytest.param({"receiver": "ana"}, id="the owner"),
    pytest.param({"receiver": "ben"}, id="somebody who has it"),
    pytest.param({"receiver": "cleo"}, id="somebody who is invited"),
    pytest.param({"receiver": "imaging", "receiver_kind": "team"}, id="a team of others"),
]


@pytest.mark.parametrize("wrong", ALONE)
async def test_one_wrong_invitation_in_a_batch(scene: Scene, wrong: dict[str, Any]) -> None:
    path = scene.path("/folders/{folder_id}/grants")
    body = {"grants": [{**ONE_GRANT, **wrong}]}
    told = await scene.api("ana").ask("POST", path, body)
    (result,) = told["results"]
    assert result["grant"] is None
    assert 400 <= result["problem"]["status"] < 500, result


# --- names ---

NAMES: list[Any] = [
    pytest.param("", id="empty"),
    pytest.param("   ", id="blanks"),
    pytest.param(" x", id="a blank before"),
    pytest.param("x ", id="a blank after"),
    pytest.param("x\n", id="a line's end after"),
    pytest.param(".", id="a dot"),
    pytest.param("..", id="two dots"),
    pytest.param("a\0b", id="a NUL"),
    pytest.param("a\nb", id="two lines"),
    pytest.param("a\x1bb", id="an escape"),
    pytest.param("a\x7fb", id="a delete"),
    pytest.param("a\u2028b", id="a line separator"),
    pytest.param("exe\u202egpj", id="an RTL override"),
    pytest.param("a\u2066b", id="an isolate"),
    pytest.param("\u200b\u200d", id="nothing to be seen"),
    pytest.param(".vmshare", id="the service's own"),
    pytest.param(".vmshare-trash", id="like the service's own"),
    pytest.param("x" * 256, id="256 bytes"),
    pytest.param("é" * 128, id="128 letters of two bytes"),
    pytest.param("x" * 1001, id="1,001 letters"),
]
PLACES: list[Any] = [
    ("POST", "/folders", "name"),
    ("PATCH", "/folders/{folder_id}", "name"),
    ("PUT", "/folders/{folder_id}/alias", "alias"),
    ("POST", "/invitations/{grant_id}/accept", "alias"),
    ("POST", "/folders/{folder_id}/directories", "path"),
    ("POST", "/folders/{folder_id}/moves", "target"),
    ("PUT", "/folders/{folder_id}/file", None),
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_that_is(scene: Scene, name: str) -> None:
    for method, path, where in PLACES:
        await _refuse_name(scene, method, path, where, name)


@pytest.mark.parametrize("name", ["a/b", "/a", "a/", "/", "../a"])
async def test_a_name_with_a_slash(scene: Scene, name: str) -> None:
    for method, path, where in PLACES[:4]:
        await _refuse_name(scene, method, path, where, name)


async def _refuse_name(scene: Scene, method: str, path: str, where: str | None, name: str) -> None:
    person = await by_whom(scene, path)
    if where is None:
        more: dict[str, Any] = {"params": {"path": name}, "content": b"x"}
    else:
        source = {"source": "notes.txt"} if where == "target" else {}
        more = {"json": {**source, where: name}, "headers": SEEN}
    refused(await person.call(method, scene.path(path), **more), BAD, INVALID, MALFORMED)


# --- ids ---

ODD_IDS: list[Any] = [
    pytest.param("x", id="short"),
    pytest.param("fld_", id="a prefix alone"),
    pytest.param("fld_" + "0" * 25, id="one too short"),
    pytest.param("fld_" + "0" * 27, id="one too long"),
    pytest.param("fld_" + "0" * 26, id="of nothing"),
    pytest.param("gnt_" + "0" * 26, id="of no grant"),
    pytest.param("prj_" + "0" * 26, id="of a project"),
    pytest.param("FLD_" + "0" * 26, id="in capitals"),
    pytest.param("fld_" + "u" * 26, id="with letters that ids lack"),
    pytest.param("fld_" + "%00" * 26, id="of NULs"),
    pytest.param("fld_" + "0" * 26 + "%0a", id="with a line's end"),
    pytest.param("%2e%2e", id="that climbs"),
    pytest.param("%2e%2e%2ffolders", id="that climbs and comes back"),
    pytest.param("..%5c..", id="with backslashes"),
    pytest.param("*", id="a star"),
    pytest.param("fld_%25", id="a percent sign"),
    pytest.param("f" * 5000, id="without end"),
    pytest.param("1%20OR%201=1", id="of SQL"),
]
BY_ID = [(method, path) for method, path in OPERATIONS if "_id}" in path]
ONE, MOVES = {"paths": ["notes.txt"]}, {"moves": [{"source": "notes.txt", "target": "x"}]}
BY_PATH = ("/file", "/download", "/entry")


@pytest.mark.parametrize("odd", ODD_IDS)
async def test_an_id_that_is(scene: Scene, odd: str) -> None:
    bodies = {(method, path): body for method, path, body in FIELDS}
    bodies["POST", "/folders/{folder_id}/grants"] = {"grants": [ONE_GRANT]}
    for what, body in (("archive", ONE), ("deletions", ONE), ("relocations", MOVES)):
        bodies["POST", f"/folders/{{folder_id}}/{what}"] = body
    bodies["PATCH", "/folders/{folder_id}/settings"] = {"cloneable": True}
    bodies["PUT", "/folders/{folder_id}/fast"] = {"fast": True}
    bodies["POST", "/folders/{folder_id}/holders/stop"] = {"sessions": ["ses_1"]}
    bodies["PUT", "/folders/{folder_id}/snapshot-policy"] = {"every_hours": 1}
    bodies["POST", "/folders/{folder_id}/snapshots/{snapshot_id}/restore"] = {"path": "x"}
    bodies["PUT", "/projects/{project_id}/quota"] = {"machines": 1}
    bodies["POST", "/projects/{project_id}/drives"] = {"name": "x", "size_gib": 1}
    for method, path in BY_ID:
        more: dict[str, Any] = {"headers": SEEN}
        if (method, path) in bodies:
            more["json"] = bodies[method, path]
        if path.endswith(BY_PATH):
            more["params"] = {"path": "notes.txt"}
        asked = re.sub(r"{\w+_id}", lambda _: odd, path)
        answer = await (await by_whom(scene, path)).call(method, asked, **more)
        if method == "HEAD":
            assert answer.status_code == 404
        else:
            refused(answer, (404, "not-found"))


# --- queries ---

WITH_LIMIT = [
    path
    for path, methods in PATHS.items()
    if "limit" in [p["name"] for p in methods.get("get", {}).get("parameters", [])]
]


LIMITS = ["0", "-1", "1001", "1e9", "99999999999999999999", "ten", "1.5", ""]


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_of(scene: Scene, limit: str) -> None:
    for path in WITH_LIMIT:
        answer = await scene.api("ana").get(scene.path(path), limit=limit, **needed(path))
        assert refused(answer, INVALID)["errors"][0]["where"] == "limit"


def needed(path: str) -> dict[str, str]:
    """What a list can't be asked for without."""
    return {"q": "be"} if path == "/people" else {}


CURSORS: list[Any] = [
    pytest.param("!", id="a mark"),
    pytest.param("-1", id="a minus"),
    pytest.param("99999999999999999999999", id="a large number"),
    pytest.param("' or 1=1 --", id="SQL"),
    pytest.param("\0", id="a NUL"),
    pytest.param("é", id="a letter with an accent"),
    pytest.param("W10=", id="an empty list in base64"),
    pytest.param("eyJhIjogMX0", id="an object in base64"),
    pytest.param("x" * 1001, id="more than a thousand letters"),
]


BY_NAME = ("/people", "/projects/{project_id}/members")


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_is(scene: Scene, cursor: str) -> None:
    for path in WITH_LIMIT:
        if path in BY_NAME and 0 < len(cursor) < 256 and "\0" not in cursor:
            continue  # a name, and any name can be gone on from
        name = "before" if path == "/events" else "after"
        answer = await scene.api("ana").get(scene.path(path), **{name: cursor}, **needed(path))
        refused(answer, BAD, INVALID, MALFORMED)


QUERIES: list[Any] = [
    pytest.param("/folders?limit=1&limit=2", MALFORMED, id="a name twice"),
    pytest.param("/folders?q=%ff", MALFORMED, id="no UTF-8"),
    pytest.param("/folders?q=%00", MALFORMED, id="a filter with a NUL"),
    pytest.param("/people?q=%00", MALFORMED, id="a name with a NUL"),
    pytest.param("/folders?surprise=1", INVALID, id="an unknown name"),
    pytest.param("/folders?relation=theirs", INVALID, id="an unknown relation"),
    pytest.param("/folders?state=deleting", INVALID, id="a state that is not listed"),
    pytest.param("/folders?q=" + "x" * 256, INVALID, id="a filter without end"),
    pytest.param("/events?before=0", INVALID, id="before the beginning"),
    pytest.param("/events/stream?after=-1", INVALID, id="a stream from before the beginning"),
    pytest.param("/events/stream?after=1&after=2", MALFORMED, id="a stream from two places"),
    pytest.param("/why", INVALID, id="why nothing"),
    pytest.param("/why?action=fly", BAD, id="why an action that is none"),
    pytest.param("/why?action=folder.invite&thing=x", INVALID, id="why a thing that is none"),
    pytest.param("/why?action=folder.invite&thing=fld_" + "0" * 26, (404, "not-found"),
                 id="why a thing that is not there"),
    pytest.param("/people/nobody-here/why?action=folder.invite&thing=fld_" + "0" * 26,
                 (404, "not-found"), id="why about nobody"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), QUERIES)
async def test_a_query(scene: Scene, asked: str, expected: tuple[int, str]) -> None:
    refused(await scene.api("ana").call("GET", asked), expected)


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 17, "１", "0x10"])
async def test_a_last_event_id(scene: Scene, last: str) -> None:
    headers = {b"Last-Event-ID": last.encode()}
    refused(await scene.api("ana").call("GET", "/events/stream", headers=headers), MALFORMED)
