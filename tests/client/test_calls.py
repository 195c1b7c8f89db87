"""What each method sends and reads, in both colours from one table."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from jupyter_vmshare.client import Client, Received, Sent
from jupyter_vmshare.client.verbs import Verbs
from jupyterhub_vmshare.api.contract.grants import NewGrant, NewUse, Profile
from jupyterhub_vmshare.api.openapi import stored
from tests.client.conftest import Colour
from tests.client.machine_rows import DRIVES, MACHINES
from tests.client.operator_rows import OPERATORS
from tests.client.project_rows import PROJECTS
from tests.fakes.vmshare import FakeVMShare, Scripted

F, G = "fld_01hzzzzzzzzzzzzzzzzzzzzzzz", "gnt_01hzzzzzzzzzzzzzzzzzzzzzzz"
H = "hnd_01hzzzzzzzzzzzzzzzzzzzzzzz"
AT = "2026-11-27T12:00:00.000Z"
FOLDER = {
    "id": F, "name": "tests", "label": "tests", "alias": None, "owner": "ana", "relation": "mine",
    "level": "owner", "state": "live", "created_at": AT, "ends_at": None, "shared_with": 0,
    "actions": ["upload"], "version": 3,
}  # fmt: skip
GRANT = {
    "id": G, "thing_id": F, "thing_kind": "folder", "receiver": {"kind": "person", "name": "ben"},
    "giver": "ana", "level": "view", "state": "pending", "created_at": AT, "version": 2,
}  # fmt: skip
ANSWERED = {**GRANT, "answer": "accepted"}
OFFER = {
    "id": H, "thing_id": F, "thing_kind": "folder", "thing_name": "tests", "owner": "ana",
    "receiver": "ben", "by": "ana", "keep": True, "created_at": AT, "available": True,
}  # fmt: skip
LEFT = {
    "id": F, "kind": "folder", "name": "tests", "owner": "ana", "state": "live", "created_at": AT,
    "offered_to": None,
}  # fmt: skip
HOLDER = {"folder_id": F, "session_id": "ses_1", "person": "ben", "server_name": "", "processes": 1}
CUT = {"ended": [GRANT], "sessions_cut": 0, "cannot_undo": "What was read was read."}
SHARE = {
    **GRANT, "thing_name": "tests", "thing_label": "tests", "thing_state": "live", "owner": "ana",
    "answer": "none", "effective_level": None, "actions": [],
}  # fmt: skip
MANY = {"results": [{"grant_id": G, "grants": [GRANT], "problem": None}], "sessions_cut": 0}
ENTRY = {"name": "a", "path": "a", "kind": "file", "size": 1, "modified_at": AT}
U = "upl_01hzzzzzzzzzzzzzzzzzzzzzzz"
UPLOAD = {
    "id": U, "kind": "file", "state": "open", "path": "a", "length": 5, "offset": 2,
    "overwrite": False, "metadata": {"path": "a"}, "created_at": AT, "expires_at": AT,
}  # fmt: skip
ME = {
    "name": "ana", "hub_admin": False, "teams": ["genomics"], "actions": [],
    "credential": {"kind": "kernel", "server": "ana/"},
}  # fmt: skip
WHY = {
    "person": "ana", "action": "x", "thing_id": F, "allowed": True, "rule": "r", "because": "b",
    "sources": [],
}  # fmt: skip
QUOTA = {
    "person": "ana", "bytes": {"used": 5, "limit": 9, "left": 4},
    "folders": {"used": 1, "limit": None, "left": None}, "by_default": True,
    "by_folder": [{"folder_id": F, "used": 5}],
}  # fmt: skip
C = "cln_01hzzzzzzzzzzzzzzzzzzzzzzz"
CLONE = {
    "id": C, "source_id": F, "source_name": "tests", "folder_id": F, "name": "mine",
    "state": "copying", "files": 0, "bytes": 0, "created_at": AT,
}  # fmt: skip
N = "snp_01hzzzzzzzzzzzzzzzzzzzzzzz"
SNAPSHOT = {
    "id": N, "folder_id": F, "automatic": False, "state": "done", "files": 1, "bytes": 1,
    "created_at": AT,
}  # fmt: skip
POLICY = {"every_hours": 6, "keep": 3, "next_at": AT}
INVITATION = {
    "id": G, "thing_id": F, "thing_kind": "folder", "thing_name": "tests", "owner": "ana",
    "giver": "ana", "level": "view", "receiver": {"kind": "person", "name": "ben"},
    "created_at": AT, "available": True, "version": 1,
}  # fmt: skip
S = "ses_01hzzzzzzzzzzzzzzzzzzzzzzz"
SESSION = {
    "id": S, "server_name": "", "started_at": AT, "mounts_available": True, "because": None,
    "mounts": [{"folder_id": F, "name": "tests", "level": "view", "read_only": True,
                "state": "mounted", "because": None, "until": None}],
}  # fmt: skip
CHOICE = {"folder_id": F, "wanted": True, "sessions": [SESSION]}
SHOWING = {
    "folder_id": F, "folder_name": "tests", "machine_id": "mch_01hzzzzzzzzzzzzzzzzzzzzzzz",
    "machine_name": "gpu-box", "shown": True, "chosen_at": AT, "readers": ["ana"],
    "sentence": "ana is root on gpu-box.",
}  # fmt: skip
FRIDAY = datetime(2026, 11, 27, 18, tzinfo=UTC)
NEW = NewGrant(receiver="ben", level="view")
USE = NewUse(receiver="ben", profile=Profile.FILES)
M = "mch_01hzzzzzzzzzzzzzzzzzzzzzzz"
D = "drv_01hzzzzzzzzzzzzzzzzzzzzzzz"
USES = {"grants": [{"receiver": "ben", "profile": "files"}]}
PEOPLE = {"owner": "ana", "grants": [GRANT]}
GIVEN = {"results": [{"receiver": "ben", "grant": GRANT}]}
OWNED = {
    "name": "box", "owner": "ana", "level": "owner", "created_at": AT, "actions": [], "version": 1,
}  # fmt: skip


def page(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "next": None}


class Row:
    """A method's name, what it asks, and what is to be sent for it."""

    def __init__(
        self,
        name: str,
        act: Callable[[Any], Any],
        request: str,
        told: Any,
        body: Any = None,
        status: int = 200,
        **headers: str,
    ) -> None:
        self.name, self.act, self.told, self.body = name, act, told, body
        self.method, _, target = request.partition(" ")
        self.path, _, self.query = target.partition("?")
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


ROWS = [
    Row("me", lambda c: c.me(), "GET /me", ME),
    Row("people", lambda c: c.people("b"), "GET /people?q=b", page({"name": "ben", "teams": []})),
    Row("teams", lambda c: c.teams(), "GET /teams", {"items": [{"name": "a", "members": 3}]}),
    Row("refresh_teams", lambda c: c.refresh_teams(), "POST /teams/refresh", None, status=204),
    Row("why", lambda c: c.why("upload", F), f"GET /why?action=upload&thing={F}", WHY),
    Row(
        "why of another", lambda c: c.why("upload", F, "ben b/c"),
        f"GET /people/ben%20b%2Fc/why?action=upload&thing={F}", WHY,
    ),
    Row("quota", lambda c: c.quota(), "GET /me/quota", QUOTA),
    Row("quota of another", lambda c: c.quota("ben b/c"), "GET /people/ben%20b%2Fc/quota", QUOTA),
    Row("set_quota", lambda c: c.set_quota("ben b/c", bytes=9, folders=None),
        "PUT /people/ben%20b%2Fc/quota", QUOTA, {"bytes": 9, "folders": None}),
    Row("reset_quota", lambda c: c.reset_quota("ben b/c"), "DELETE /people/ben%20b%2Fc/quota",
        QUOTA),
    Row("folders", lambda c: c.folders("mine", q="t&x"), "GET /folders?relation=mine&q=t%26x",
        page(FOLDER)),
    Row("folder", lambda c: c.folder(F), f"GET /folders/{F}", FOLDER),
    Row("create_folder", lambda c: c.create_folder("tests"), "POST /folders", FOLDER,
        {"name": "tests"}, 201, idempotency_key="?"),
    Row("rename_folder", lambda c: c.rename_folder(F, "new", 3), f"PATCH /folders/{F}", FOLDER,
        {"name": "new"}, if_match='"3"'),
    Row("choose_alias", lambda c: c.choose_alias(F, "mine"), f"PUT /folders/{F}/alias", FOLDER,
        {"alias": "mine"}),
    Row("choose_alias none", lambda c: c.choose_alias(F, None), f"PUT /folders/{F}/alias", FOLDER,
        {"alias": None}),
    Row("trash_folder", lambda c: c.trash_folder(F), f"POST /folders/{F}/trash", FOLDER),
    Row("trash_folder by force", lambda c: c.trash_folder(F, force=True),
        f"POST /folders/{F}/trash", FOLDER, {"force": True}),
    Row("restore_folder", lambda c: c.restore_folder(F), f"POST /folders/{F}/restore", FOLDER),
    Row("restore_folder as", lambda c: c.restore_folder(F, "b"), f"POST /folders/{F}/restore",
        FOLDER, {"name": "b"}),
    Row("leave_folder", lambda c: c.leave_folder(F), f"POST /folders/{F}/leave", CUT),
    Row("clone_folder", lambda c: c.clone_folder(F, "mine"), f"POST /folders/{F}/clones", CLONE,
        {"name": "mine"}, 202, idempotency_key="?"),
    Row("clones", lambda c: c.clones(), "GET /clones", page(CLONE)),
    Row("clone", lambda c: c.clone(C), f"GET /clones/{C}", CLONE),
    Row("give_up_clone", lambda c: c.give_up_clone(C), f"DELETE /clones/{C}", None, status=204),
    Row("change_settings", lambda c: c.change_settings(F, cloneable=True),
        f"PATCH /folders/{F}/settings", FOLDER, {"cloneable": True}),
    Row("choose_fast", lambda c: c.choose_fast(F, 3, fast=True), f"PUT /folders/{F}/fast", FOLDER,
        {"fast": True}, if_match='"3"'),
    Row("holders", lambda c: c.holders(F), f"GET /folders/{F}/holders", page(HOLDER)),
    Row("stop_holders", lambda c: c.stop_holders(F, ["ses_1"]), f"POST /folders/{F}/holders/stop",
        {"results": [{"session_id": "ses_1", "person": "ben", "stopped": True}]},
        {"sessions": ["ses_1"]}),
    Row("snapshots", lambda c: c.snapshots(F), f"GET /folders/{F}/snapshots", page(SNAPSHOT)),
    Row("snapshot", lambda c: c.snapshot(F, N), f"GET /folders/{F}/snapshots/{N}", SNAPSHOT),
    Row("take_snapshot", lambda c: c.take_snapshot(F), f"POST /folders/{F}/snapshots", SNAPSHOT,
        None, 202, idempotency_key="?"),
    Row("delete_snapshot", lambda c: c.delete_snapshot(F, N), f"DELETE /folders/{F}/snapshots/{N}",
        None, status=204),
    Row("snapshot_entries", lambda c: c.snapshot_entries(F, N, "d"),
        f"GET /folders/{F}/snapshots/{N}/entries?path=d", {**page(ENTRY), "path": "d"}),
    Row("snapshot_entries by time", lambda c: c.snapshot_entries(F, N, "d", order="modified"),
        f"GET /folders/{F}/snapshots/{N}/entries?path=d&order=modified&limit=1000",
        {**page(ENTRY), "path": "d"}),
    Row("restore_file", lambda c: c.restore_file(F, N, "a", overwrite=True),
        f"POST /folders/{F}/snapshots/{N}/restore", ENTRY,
        {"path": "a", "target": None, "overwrite": True}),
    Row("snapshot_policy", lambda c: c.snapshot_policy(F), f"GET /folders/{F}/snapshot-policy",
        POLICY),
    Row("set_snapshot_policy", lambda c: c.set_snapshot_policy(F, 6, 3),
        f"PUT /folders/{F}/snapshot-policy", POLICY, {"every_hours": 6, "keep": 3}),
    Row("people_of", lambda c: c.people_of(F), f"GET /folders/{F}/people",
        {"owner": "ana", "grants": [GRANT]}),
    Row("invite", lambda c: c.invite(F, [NEW]), f"POST /folders/{F}/grants",
        {"results": [{"receiver": "ben", "grant": GRANT}]},
        {"grants": [{"receiver": "ben", "level": "view"}]}, 201, idempotency_key="?"),
    Row("people_of a machine", lambda c: c.people_of(M), f"GET /machines/{M}/people", PEOPLE),
    Row("people_of a drive", lambda c: c.people_of(D), f"GET /drives/{D}/people", PEOPLE),
    Row("invite_users", lambda c: c.invite_users(M, [USE]), f"POST /machines/{M}/users", GIVEN,
        USES, 201, idempotency_key="?"),
    Row("invite_managers", lambda c: c.invite_managers(M, [USE]),
        f"POST /machines/{M}/managers", GIVEN, USES, 201, idempotency_key="?"),
    Row("invite to a drive", lambda c: c.invite(D, [NEW]), f"POST /drives/{D}/grants", GIVEN,
        {"grants": [{"receiver": "ben", "level": "view"}]}, 201, idempotency_key="?"),
    Row("stop_sharing a machine", lambda c: c.stop_sharing(M), f"DELETE /machines/{M}/grants",
        CUT),
    Row("stop_sharing a drive", lambda c: c.stop_sharing(D), f"DELETE /drives/{D}/grants", CUT),
    Row("leave a machine", lambda c: c.leave(M), f"POST /machines/{M}/leave", CUT),
    Row("leave a drive", lambda c: c.leave(D), f"POST /drives/{D}/leave", CUT),
    Row("lineage", lambda c: c.lineage(G), f"GET /grants/{G}/lineage", {"grants": [GRANT]}),
    Row("use_drive_elsewhere", lambda c: c.use_drive_elsewhere(M, D, M),
        f"POST /machines/{M}/drives/{D}/move", {**OWNED, "id": M}, {"machine_id": M}, 202),
    Row("change_grant ticks", lambda c: c.change_grant(G, 2, ticks=["files"]),
        f"PATCH /grants/{G}", GRANT, {"ticks": ["files"]}, if_match='"2"'),
    Row("change_grant profile", lambda c: c.change_grant(G, 2, profile="files"),
        f"PATCH /grants/{G}", GRANT, {"profile": "files"}, if_match='"2"'),
    Row("stop_sharing", lambda c: c.stop_sharing(F), f"DELETE /folders/{F}/grants", CUT),
    Row("change_grant level", lambda c: c.change_grant(G, 2, level="edit"), f"PATCH /grants/{G}",
        GRANT, {"level": "edit"}, if_match='"2"'),
    Row("change_grant end", lambda c: c.change_grant(G, 2, ends_at=FRIDAY), f"PATCH /grants/{G}",
        GRANT, {"ends_at": "2026-11-27T18:00:00.000Z"}, if_match='"2"'),
    Row("change_grant never", lambda c: c.change_grant(G, 2, ends_at=None), f"PATCH /grants/{G}",
        GRANT, {"ends_at": None}, if_match='"2"'),
    Row("revoke", lambda c: c.revoke(G), f"DELETE /grants/{G}", CUT),
    Row("invitations", lambda c: c.invitations(), "GET /invitations", page(INVITATION)),
    Row("invitations declined", lambda c: c.invitations(declined=True),
        "GET /invitations?declined=true", page(INVITATION)),
    Row("accept", lambda c: c.accept(G), f"POST /invitations/{G}/accept", ANSWERED),
    Row("accept as", lambda c: c.accept(G, "b"), f"POST /invitations/{G}/accept", ANSWERED,
        {"alias": "b"}),
    Row("decline", lambda c: c.decline(G), f"POST /invitations/{G}/decline", ANSWERED),
    Row("shares_given", lambda c: c.shares_given(), "GET /shares/given", page(SHARE)),
    Row("shares_received", lambda c: c.shares_received(), "GET /shares/received", page(SHARE)),
    Row("change_grants", lambda c: c.change_grants({G: 2}, level="edit", ends_at=None),
        "POST /grants/change", MANY,
        {"grants": [{"id": G, "version": 2}], "level": "edit", "ends_at": None}),
    Row("revoke_grants", lambda c: c.revoke_grants([G]), "POST /grants/revoke", MANY,
        {"grants": [G]}),
    Row("hand_overs", lambda c: c.hand_overs(), "GET /hand-overs", page(OFFER)),
    Row("take_over", lambda c: c.take_over(H), f"POST /hand-overs/{H}/accept", FOLDER),
    Row("take_over as", lambda c: c.take_over(H, "b"), f"POST /hand-overs/{H}/accept", FOLDER,
        {"name": "b"}),
    Row("take_machine_over", lambda c: c.take_machine_over(H), f"POST /hand-overs/{H}/machine",
        {**OWNED, "id": M}),
    Row("take_drive_over", lambda c: c.take_drive_over(H, "b"), f"POST /hand-overs/{H}/drive",
        {**OWNED, "id": D}, {"name": "b"}),
    Row("refuse_hand_over", lambda c: c.refuse_hand_over(H), f"POST /hand-overs/{H}/decline",
        None, status=204),
    Row("cancel_hand_over", lambda c: c.cancel_hand_over(H), f"DELETE /hand-overs/{H}", None,
        status=204),
    Row("leavers_things", lambda c: c.leavers_things(), "GET /leavers/things", page(LEFT)),
    Row("sessions", lambda c: c.sessions(), "GET /sessions", page(SESSION)),
    Row("mount", lambda c: c.mount(F), f"PUT /folders/{F}/mount", CHOICE),
    Row("unmount", lambda c: c.unmount(F), f"DELETE /folders/{F}/mount", CHOICE),
    Row("shown_folders", lambda c: c.shown_folders(), "GET /shown-folders", page(SHOWING)),
    Row("showing", lambda c: c.showing(F, M), f"GET /folders/{F}/machines/{M}", SHOWING),
    Row("show", lambda c: c.show(F, M, acknowledged=True), f"PUT /folders/{F}/machines/{M}",
        SHOWING, {"acknowledged": True}),
    Row("hide", lambda c: c.hide(F, M), f"DELETE /folders/{F}/machines/{M}", None, status=204),
    Row("entries", lambda c: c.entries(F, "a b/c"), f"GET /folders/{F}/entries?path=a%20b%2Fc",
        {**page(ENTRY), "path": "a b/c"}),
    Row("entries by size", lambda c: c.entries(F, order="size", descending=True),
        f"GET /folders/{F}/entries?path=&order=size&limit=1000&descending=true",
        {**page(ENTRY), "path": ""}),
    Row("entry", lambda c: c.entry(F, "a"), f"GET /folders/{F}/entry?path=a", ENTRY),
    Row("make_directory", lambda c: c.make_directory(F, "d"), f"POST /folders/{F}/directories",
        ENTRY, {"path": "d"}, 201, idempotency_key="?"),
    Row("move", lambda c: c.move(F, "a", "b"), f"POST /folders/{F}/moves", ENTRY,
        {"source": "a", "target": "b"}),
    Row("move_many", lambda c: c.move_many(F, {"a": "b"}), f"POST /folders/{F}/relocations",
        {"results": [{"source": "a", "entry": ENTRY, "problem": None}]},
        {"moves": [{"source": "a", "target": "b"}]}),
    Row("delete_many", lambda c: c.delete_many(F, ["a"], recursive=True),
        f"POST /folders/{F}/deletions", {"results": [{"path": "a", "problem": None}]},
        {"paths": ["a"], "recursive": True}),
    Row("uploads", lambda c: c.uploads(F), f"GET /folders/{F}/uploads", page(UPLOAD)),
    Row("give_up_upload", lambda c: c.give_up_upload(F, U), f"DELETE /folders/{F}/uploads/{U}",
        None, status=204, tus_resumable="1.0.0"),
    Row("events_page", lambda c: c.events_page(9, 2, thing=F),
        f"GET /events?before=9&limit=2&thing={F}", {**page(), "position": 9}),
]  # fmt: skip
IN_OTHER_FILES = (*MACHINES, *DRIVES, *PROJECTS, *OPERATORS)
ROWS += [
    Row(name, act, request, told, body, status, **headers)
    for name, act, request, told, body, status, headers in IN_OTHER_FILES
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_what_is_sent_and_read(row: Row, colour: Colour, fake: FakeVMShare) -> None:
    answer = Scripted(204) if row.told is None else Scripted.json(row.told, row.status)
    fake.answer(row.method, row.path, answer)
    result = colour.do(row.act)
    (came,) = fake.requests
    assert came.query.replace("+", "%20") == row.query
    assert (json.loads(came.body) if came.body else None) == row.body
    for name, value in row.headers.items():
        assert came.headers[name] == value or (value == "?" and len(came.headers[name]) > 20)
    # What is read is what was told, as the contract's model.
    told = row.told["items"] if isinstance(row.told, dict) and "items" in row.told else row.told
    told, result = (told, result) if isinstance(told, list) else ([told], [result])
    for one, model in zip(told, result, strict=False):
        if hasattr(model, "model_dump") and "items" not in type(model).model_fields:
            assert model == type(model).model_validate(one)


def test_every_route_of_the_contract_has_a_method() -> None:
    streamed = {"GET /events/stream", "GET /openapi.json", "GET /audit/export"}
    # Shown by a browser, or sent as bytes: tested with the bytes.
    streamed |= {f"{m} /folders/*/file" for m in ("GET", "PUT", "DELETE")}
    streamed |= {"GET /folders/*/download", "POST /folders/*/archive"}
    streamed |= {f"{m} /folders/*/uploads" for m in ("OPTIONS", "POST")}
    streamed |= {f"{m} /folders/*/uploads/*" for m in ("GET", "HEAD", "PATCH", "POST")}
    streamed |= {"GET /folders/*/snapshots/*/download"}
    streamed |= {f"{m} /hub/sessions" for m in ("POST", "DELETE")}  # the hub's own
    paths = stored()["paths"].items()
    wanted = {f"{method.upper()} {_starred(path)}" for path, ms in paths for method in ms}
    have = {f"{row.method} {_starred(row.path)}" for row in ROWS}
    assert wanted - streamed == have


BY_BYTES = {"archive", "download", "upload", "delete_file"}


def test_both_colours_have_the_same_methods() -> None:
    verbs = {name for name in vars(Verbs) if not name.startswith("_")}
    assert len(verbs) > 25
    assert {row.name.split(" ")[0] for row in ROWS} | BY_BYTES | {"snapshot_download"} == verbs


def test_a_list_of_several_pages_is_one_list(colour: Colour, fake: FakeVMShare) -> None:
    folders = [{**FOLDER, "label": f"f{i}"} for i in range(5)]
    fake.answer(
        "GET",
        "/folders",
        Scripted.json({"items": folders[:2], "next": "c/1 &"}),
        Scripted.json({"items": [], "next": "c2"}),
        Scripted.json({"items": folders[2:], "next": None}),
    )
    assert [f.label for f in colour.do(lambda c: c.folders())] == ["f0", "f1", "f2", "f3", "f4"]
    asked = [came.query.replace("+", "%20") for came in fake.requests]
    assert asked == ["", "after=c%2F1%20%26", "after=c2"]


def test_nothing_is_fetched_before_it_is_wanted(fake: FakeVMShare) -> None:
    fake.answer("GET", "/folders", Scripted.json({"items": [FOLDER], "next": "more"}))
    with Client(fake.url, "ana-token") as client:
        folders = client.folders()
        assert fake.requests == []
        next(folders)
        assert len(fake.requests) == 1


@pytest.mark.parametrize("bad", ["", ".", ".."])
def test_no_name_breaks_out_of_its_place(colour: Colour, fake: FakeVMShare, bad: str) -> None:
    with pytest.raises(ValueError, match="address"):
        colour.do(lambda c: c.folder(bad))
    assert fake.requests == []


@pytest.mark.parametrize("name", ["a/b", "../me", "a?b", "a#b", "a%2Fb", "ä ö"])
def test_every_name_stays_one_segment(colour: Colour, fake: FakeVMShare, name: str) -> None:
    fake.answer("GET", f"/people/{quote(name, safe='')}/why", Scripted.json(WHY))
    assert colour.do(lambda c: c.why("x", None, name)).allowed


def test_bytes_go_both_ways(colour: Colour, fake: FakeVMShare) -> None:
    told: list[tuple[int, int | None]] = []
    sent = Sent(b"x" * 700_000, lambda done, size: told.append((done, size)))
    entry = colour.do(lambda c: c.upload(F, "a/b c.bin", sent, overwrite=True))
    assert (entry.path, fake.received) == ("a/b c.bin", 700_000)
    assert told[0] == (0, 700_000)
    assert told[-1] == (700_000, 700_000)
    (came,) = fake.requests
    assert came.headers["content-length"] == "700000"
    assert came.headers["content-type"] == "application/octet-stream"
    assert came.query.replace("+", "%20") == "path=a%2Fb%20c.bin&overwrite=true"

    held = io.BytesIO()
    colour.do(lambda c: c.download(F, "300000", Received(held)))
    assert held.getvalue() == (bytes(range(256)) * 1200)[:300_000]


def _starred(path: str) -> str:
    return re.sub(
        r"\{[^}]*\}|(?:fld|gnt|hnd|upl|cln|snp|mch|drv|msn|prj|lnk|ask)_\w+|ben%20b%2Fc", "*", path
    )
