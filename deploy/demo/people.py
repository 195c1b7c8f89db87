"""Who lives in the demonstration."""

from __future__ import annotations

from typing import Final

PEOPLE: Final = ("ana", "ben", "cleo", "dan", "eve", "root-hub")
HUB_ADMIN: Final = "root-hub"
TEAMS: Final = {"genomics": ["ana", "ben", "cleo"], "imaging": ["cleo", "dan"]}
SERVICE_ACCOUNT: Final = "vmshare-service"


def account_of(person: str) -> str:
    """The Unix account of a person. The prefix keeps it apart from accounts that are there."""
    return f"vmshare-{person}"
