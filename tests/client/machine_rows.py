"""What each method of machines and drives sends and reads: rows of ``test_calls``.

Each is the method's name, what it asks, the request, the answer, the body, and the status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

M, D = "mch_01hzzzzzzzzzzzzzzzzzzzzzzz", "drv_01hzzzzzzzzzzzzzzzzzzzzzzz"
S = "msn_01hzzzzzzzzzzzzzzzzzzzzzzz"
AT = "2026-11-27T12:00:00.000Z"
MACHINE = {
    "id": M, "name": "box", "owner": "ana", "level": "owner", "state": "running",
    "desired": "running", "size": "small", "image": "debian", "made_from": "Debian",
    "created_at": AT, "actions": ["stop"], "version": 3,
    "drives": [{"drive_id": D, "drive_name": "data", "read_only": False, "state": "attached"}],
}  # fmt: skip
DRIVE = {
    "id": D, "name": "data", "owner": "ana", "level": "owner", "state": "ready", "size_gib": 5,
    "created_at": AT, "actions": ["extend"], "version": 3, "machines": [],
}  # fmt: skip
SNAPSHOT = {
    "id": S, "name": "tools", "machine_id": M, "machine_name": "box", "owner": "ana",
    "state": "ready", "disk_gib": 2, "created_at": AT,
}  # fmt: skip
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaivS4A1670AipFRTtL25i9+YMUOXVS6Lr/xhqvsvIS"
CERTIFICATE = {
    "certificate": "ssh-ed25519-cert-v01@openssh.com AAAA", "valid_until": AT,
    "user": f"ana@{M}", "host": "relay.example.org", "port": 2222,
    "host_key_alias": "vmshare-relay", "known_hosts": ["@cert-authority vmshare-relay ssh-ed25519"],
}  # fmt: skip
CLOUD = {
    "offered": True, "drive_gib": 10, "can": ["resize"],
    "images": [{"id": "debian", "name": "Debian", "description": "", "disk_gib": 2}],
    "sizes": [{"id": "s", "name": "S", "processors": 1, "memory_mib": 1024, "disk_gib": 5}],
}  # fmt: skip
Told = tuple[str, Callable[[Any], Any], str, Any, Any, int, dict[str, str]]
KEY, VERSION = {"idempotency_key": "?"}, {"if_match": '"3"'}
NONE: dict[str, str] = {}


def page(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "next": None}


MACHINES: list[Told] = [
    ("cloud", lambda c: c.cloud(), "GET /cloud", CLOUD, None, 200, NONE),
    ("machines", lambda c: c.machines(), "GET /machines", page(MACHINE), None, 200, NONE),
    ("machine", lambda c: c.machine(M), f"GET /machines/{M}", MACHINE, None, 200, NONE),
    ("create_machine", lambda c: c.create_machine("box", "small", image="debian"),
     "POST /machines", MACHINE,
     {"name": "box", "size": "small", "image": "debian", "snapshot_id": None,
      "drive_gib": None, "grants": []}, 201, KEY),
    ("create_machine of a snapshot",
     lambda c: c.create_machine("box", "small", snapshot_id=S, drive_gib=0), "POST /machines",
     MACHINE, {"name": "box", "size": "small", "image": None, "snapshot_id": S, "drive_gib": 0,
      "grants": []}, 201, KEY),
    ("rename_machine", lambda c: c.rename_machine(M, "x", 3), f"PATCH /machines/{M}", MACHINE,
     {"name": "x"}, 200, VERSION),
    ("start_machine", lambda c: c.start_machine(M), f"POST /machines/{M}/start", MACHINE, None,
     202, NONE),
    ("stop_machine", lambda c: c.stop_machine(M), f"POST /machines/{M}/stop", MACHINE, None, 202,
     NONE),
    ("reboot_machine", lambda c: c.reboot_machine(M, hard=True), f"POST /machines/{M}/reboot",
     MACHINE, {"hard": True}, 202, KEY),
    ("resize_machine", lambda c: c.resize_machine(M, "large"), f"PUT /machines/{M}/size", MACHINE,
     {"size": "large"}, 202, NONE),
    ("rebuild_machine", lambda c: c.rebuild_machine(M, image="debian"),
     f"POST /machines/{M}/rebuild", MACHINE, {"image": "debian", "snapshot_id": None}, 202, KEY),
    ("console_log", lambda c: c.console_log(M), f"GET /machines/{M}/console", {"text": "up"},
     None, 200, NONE),
    ("machine_certificate", lambda c: c.machine_certificate(M, PUBLIC_KEY),
     f"POST /machines/{M}/certificates", CERTIFICATE, {"public_key": PUBLIC_KEY}, 201, NONE),
    ("keep_machine_on", lambda c: c.keep_machine_on(M, 2), f"POST /machines/{M}/keep-on", MACHINE,
     {"hours": 2}, 200, NONE),
    ("set_idle_policy", lambda c: c.set_idle_policy(M, None), f"PUT /machines/{M}/idle-policy",
     MACHINE, {"minutes": None}, 200, NONE),
    ("detach_from_machine", lambda c: c.detach_from_machine(M, D),
     f"DELETE /machines/{M}/drives/{D}", MACHINE, None, 202, NONE),
    ("take_machine_snapshot", lambda c: c.take_machine_snapshot(M, "tools"),
     f"POST /machines/{M}/snapshots", SNAPSHOT, {"name": "tools"}, 202, KEY),
    ("machine_snapshots", lambda c: c.machine_snapshots(), "GET /machine-snapshots",
     page(SNAPSHOT), None, 200, NONE),
    ("machine_snapshot", lambda c: c.machine_snapshot(S), f"GET /machine-snapshots/{S}", SNAPSHOT,
     None, 200, NONE),
    ("open_machine_snapshot", lambda c: c.open_machine_snapshot(S),
     f"PUT /machine-snapshots/{S}/opened", SNAPSHOT, {"opened": True}, 200, NONE),
    ("delete_machine_snapshot", lambda c: c.delete_machine_snapshot(S),
     f"DELETE /machine-snapshots/{S}", None, None, 204, NONE),
]  # fmt: skip
DRIVES: list[Told] = [
    ("drives", lambda c: c.drives(), "GET /drives", page(DRIVE), None, 200, NONE),
    ("drive", lambda c: c.drive(D), f"GET /drives/{D}", DRIVE, None, 200, NONE),
    ("create_drive", lambda c: c.create_drive("data", 5), "POST /drives", DRIVE,
     {"name": "data", "size_gib": 5}, 201, KEY),
    ("open_drive", lambda c: c.open_drive(D, False), f"PUT /drives/{D}/opened", DRIVE,
     {"opened": False}, 200, NONE),
    ("rename_drive", lambda c: c.rename_drive(D, "x", 3), f"PATCH /drives/{D}", DRIVE,
     {"name": "x"}, 200, VERSION),
    ("extend_drive", lambda c: c.extend_drive(D, 9), f"PUT /drives/{D}/size", DRIVE,
     {"size_gib": 9}, 202, NONE),
    ("clone_drive", lambda c: c.clone_drive(D, "copy"), f"POST /drives/{D}/clones", DRIVE,
     {"name": "copy"}, 201, KEY),
    ("attach_drive", lambda c: c.attach_drive(D, M), f"PUT /drives/{D}/writer/{M}", DRIVE, None,
     202, NONE),
    ("attach_drive to read", lambda c: c.attach_drive(D, M, read_only=True),
     f"PUT /drives/{D}/readers/{M}", DRIVE, None, 202, NONE),
    ("detach_drive", lambda c: c.detach_drive(D, M), f"DELETE /drives/{D}/machines/{M}", DRIVE,
     None, 202, NONE),
]  # fmt: skip
