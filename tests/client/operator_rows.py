"""What the methods of those who answer for others send and read: rows of ``test_calls``."""

from __future__ import annotations

from typing import Any

from tests.client.project_rows import AT, FRIDAY, NONE, F, P, Told, page

HOLDING: dict[str, Any] = {
    "thing_id": F, "kind": "folder", "name": "tests", "owner": "ana", "project_id": None,
    "state": "live", "level": "view", "ends_at": None, "because": "b", "sources": [],
}  # fmt: skip
EVENT: dict[str, Any] = {
    "position": 1, "type": "grant.accepted", "at": AT, "actor": "ben", "id": "e", "audience": [],
    "hash": "h",
}  # fmt: skip
VERDICT = {
    "whole": True, "head": "1:ab", "events": 1, "broken_at": None, "why": None, "sentence": "s",
}  # fmt: skip
SINCE = "since=2026-11-27T18%3A00%3A00%2B00%3A00"

OPERATORS: list[Told] = [
    ("holdings", lambda c: c.holdings("ben b/c", P),
     f"GET /people/ben%20b%2Fc/things?project={P}", page(HOLDING), None, 200, NONE),
    ("audit", lambda c: c.audit("ben", F, "grant.", FRIDAY),
     f"GET /audit?person=ben&thing={F}&verb=grant.&{SINCE}", page(EVENT), None, 200, NONE),
    ("verify_audit", lambda c: c.verify_audit("1:ab"), "GET /audit/verification?head=1%3Aab",
     VERDICT, None, 200, NONE),
]  # fmt: skip
