"""What the methods of projects send and read: rows of ``test_calls``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub_vmshare.api.contract.projects import ProjectQuota
from tests.client.machine_rows import DRIVE, MACHINE, SNAPSHOT

P, K, A, F = (f"{x}_01hzzzzzzzzzzzzzzzzzzzzzzz" for x in ("prj", "lnk", "ask", "fld"))
AT = "2026-11-27T12:00:00.000Z"
FRIDAY = datetime(2026, 11, 27, 18, tzinfo=UTC)
FRIDAYS = "2026-11-27T18:00:00.000Z"
QUOTA = dict.fromkeys(
    ("machines", "cores", "ram_gib", "drives", "drive_gib", "machine_snapshots", "folder_gib")
)
PROJECT = {
    "id": P, "kind": "research", "name": "genome", "description": "", "state": "active",
    "role": "member", "created_by": "ana", "created_at": AT, "administrators": ["ana"],
    "members": 2, "quota": QUOTA, "members_may_create": True, "members_see_each_other": True,
    "new_things_open": False, "actions": [], "version": 3,
}  # fmt: skip
MEMBER = {"person": "ben", "role": "member", "since": AT, "ends_at": None, "version": 3}
LINK = {
    "id": K, "note": "lab", "made_by": "ana", "made_at": AT, "ends_at": AT, "uses": 5, "used": 1,
    "is_open": True,
}  # fmt: skip
ASK = {"id": A, "project_id": P, "person": "ben", "state": "waiting", "asked_at": AT}
LEADS = {"project_id": P, "name": "genome", "description": "", "administrators": ["ana"]}
FOLDER = {
    "id": F, "name": "reads", "label": "reads", "owner": "genome", "relation": "shared_with_me",
    "level": "edit", "state": "live", "created_at": AT, "actions": [], "project_id": P,
    "version": 1,
}  # fmt: skip
OVERRIDE = {
    "folder_id": F, "person": "ben b/c", "level": "view",
    "sessions_cut": 1, "descriptors_cut": 0, "unconfirmed": 0,
}  # fmt: skip
GONE = {
    "person": "ben b/c", "ended": [], "stays": {"machines": 1, "drives": 0, "snapshots": 0},
    "cannot_undo": "What was read stays.", "links": [],
}  # fmt: skip
METERS = {"meters": [{"name": "cores", "used": 3, "limit": 4, "left": 1}]}
KEY, VERSION, NONE = {"idempotency_key": "?"}, {"if_match": '"3"'}, dict[str, str]()
WANTED = {"name": "genome", "description": "", "quota": {"machines": 3}}
SMALL = ProjectQuota(machines=3)

Told = tuple[str, Callable[[Any], Any], str, Any, Any, int, dict[str, str]]


def page(item: Any) -> dict[str, Any]:
    return {"items": [item], "next": None}


PROJECTS: list[Told] = [
    ("projects", lambda c: c.projects(), "GET /projects", page(PROJECT), None, 200, NONE),
    ("project", lambda c: c.project(P), f"GET /projects/{P}", PROJECT, None, 200, NONE),
    ("request_project", lambda c: c.request_project("genome", quota=SMALL),
     "POST /project-requests", PROJECT, WANTED, 201, KEY),
    ("cancel_project_request", lambda c: c.cancel_project_request(P),
     f"POST /projects/{P}/cancel", None, None, 204, NONE),
    ("create_project", lambda c: c.create_project("genome", quota=SMALL, administrators=["ben"]),
     "POST /projects", PROJECT, {**WANTED, "administrators": ["ben"]}, 201, KEY),
    ("project_requests", lambda c: c.project_requests(), "GET /project-requests", page(PROJECT),
     None, 200, NONE),
    ("approve_project", lambda c: c.approve_project(P), f"POST /projects/{P}/approve", PROJECT,
     {"quota": None}, 200, NONE),
    ("decline_project", lambda c: c.decline_project(P, "no room"), f"POST /projects/{P}/decline",
     PROJECT, {"because": "no room"}, 200, NONE),
    ("set_project_quota", lambda c: c.set_project_quota(P, SMALL), f"PUT /projects/{P}/quota",
     PROJECT, {"machines": 3}, 200, NONE),
    ("change_project", lambda c: c.change_project(P, 3, name="genomes"), f"PATCH /projects/{P}",
     PROJECT, {"name": "genomes"}, 200, VERSION),
    ("members", lambda c: c.members(P), f"GET /projects/{P}/members", page(MEMBER), None, 200,
     NONE),
    ("member", lambda c: c.member(P, "ben b/c"), f"GET /projects/{P}/members/ben%20b%2Fc", MEMBER,
     None, 200, NONE),
    ("change_member", lambda c: c.change_member(P, "ben b/c", 3, role="administrator"),
     f"PATCH /projects/{P}/members/ben%20b%2Fc", MEMBER, {"role": "administrator"}, 200, VERSION),
    ("change_member until", lambda c: c.change_member(P, "ben b/c", 3, ends_at=FRIDAY),
     f"PATCH /projects/{P}/members/ben%20b%2Fc", MEMBER,
     {"role": None, "ends_at": FRIDAYS}, 200, VERSION),
    ("remove_member", lambda c: c.remove_member(P, "ben b/c"),
     f"DELETE /projects/{P}/members/ben%20b%2Fc", GONE, None, 200, NONE),
    ("leave_project", lambda c: c.leave_project(P), f"POST /projects/{P}/leave", GONE, None, 200,
     NONE),
    ("tag", lambda c: c.tag(F), f"PUT /folders/{F}/tag", {"id": F, "tagged": True, "links": []},
     None, 200, NONE),
    ("tag of a machine", lambda c: c.tag(MACHINE["id"]), f"PUT /machines/{MACHINE['id']}/tag",
     {"id": MACHINE["id"], "tagged": True}, None, 200, NONE),
    ("tag of a drive", lambda c: c.tag(DRIVE["id"]), f"PUT /drives/{DRIVE['id']}/tag",
     {"id": DRIVE["id"], "tagged": True}, None, 200, NONE),
    ("project_meters", lambda c: c.project_meters(P), f"GET /projects/{P}/meters", METERS, None,
     200, NONE),
    ("project_machines", lambda c: c.project_machines(P), f"GET /projects/{P}/machines",
     page(MACHINE), None, 200, NONE),
    ("project_drives", lambda c: c.project_drives(P), f"GET /projects/{P}/drives", page(DRIVE),
     None, 200, NONE),
    ("project_machine_snapshots", lambda c: c.project_machine_snapshots(P),
     f"GET /projects/{P}/machine-snapshots", page(SNAPSHOT), None, 200, NONE),
    ("create_machine in a project",
     lambda c: c.create_machine("box", "small", image="debian", project_id=P),
     f"POST /projects/{P}/machines", MACHINE,
     {"name": "box", "size": "small", "image": "debian", "snapshot_id": None,
      "drive_gib": None, "grants": []}, 201, KEY),
    ("create_drive in a project", lambda c: c.create_drive("data", 5, project_id=P),
     f"POST /projects/{P}/drives", DRIVE, {"name": "data", "size_gib": 5}, 201, KEY),
    ("project_folders", lambda c: c.project_folders(P), f"GET /folders?project={P}", page(FOLDER),
     None, 200, NONE),
    ("create_project_folder", lambda c: c.create_project_folder(P, "reads", "edit"),
     f"POST /projects/{P}/folders", FOLDER, {"name": "reads", "level": "edit"}, 201, KEY),
    ("override_level", lambda c: c.override_level(F, "ben b/c", "view"),
     f"PUT /folders/{F}/overrides/ben%20b%2Fc", OVERRIDE, {"level": "view"}, 200, NONE),
    ("remove_override", lambda c: c.remove_override(F, "ben b/c"),
     f"DELETE /folders/{F}/overrides/ben%20b%2Fc", {**OVERRIDE, "level": None}, None, 200, NONE),
    ("project_links", lambda c: c.project_links(P), f"GET /projects/{P}/links", page(LINK), None,
     200, NONE),
    ("make_project_link", lambda c: c.make_project_link(P, "lab", uses=5),
     f"POST /projects/{P}/links", {**LINK, "code": "s3cr3t"},
     {"note": "lab", "uses": 5, "ends_at": None}, 201, NONE),
    ("revoke_project_link", lambda c: c.revoke_project_link(P, K),
     f"DELETE /projects/{P}/links/{K}", None, None, 204, NONE),
    ("project_of_link", lambda c: c.project_of_link("s3cr3t"), "POST /project-links/look", LEADS,
     {"code": "s3cr3t"}, 200, NONE),
    ("ask_to_join", lambda c: c.ask_to_join("s3cr3t"), "POST /project-links/ask", ASK,
     {"code": "s3cr3t"}, 201, NONE),
    ("asks", lambda c: c.asks(P), f"GET /projects/{P}/asks", page(ASK), None, 200, NONE),
    ("let_in", lambda c: c.let_in(P, A, FRIDAY), f"POST /projects/{P}/asks/{A}/accept", ASK,
     {"ends_at": FRIDAYS}, 200, NONE),
    ("turn_away", lambda c: c.turn_away(P, A), f"POST /projects/{P}/asks/{A}/decline", ASK, None,
     200, NONE),
    ("cancel_ask", lambda c: c.cancel_ask(P, A), f"DELETE /projects/{P}/asks/{A}", None, None, 204,
     NONE),
]  # fmt: skip
