"""Sharing at a glance: what the caller shares, what is shared with them, and changes of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jupyter_vmshare.client.call import Call, Paged, get, reads, send
from jupyterhub_vmshare.api.contract.glance import (
    ManyChanges,
    ManyResults,
    ManyRevokes,
    SharesPage,
    ShareView,
)


def shares_given() -> Paged[ShareView]:
    """Every pending or live grant on things of the caller's, newest first."""
    return Paged(
        lambda after: get("shares/given", SharesPage, after=after), lambda page: list(page.items)
    )


def shares_received() -> Paged[ShareView]:
    """Every pending or live grant to the caller or a team of theirs, newest first."""
    return Paged(
        lambda after: get("shares/received", SharesPage, after=after), lambda page: list(page.items)
    )


def change_grants(
    versions: Mapping[str, int], *, level: str | None = None, ends_at: datetime | str | None = ""
) -> Call[ManyResults]:
    """Change many grants in the same way; each has a result of its own.

    Args:
        versions: By id, the version seen; somebody else's change in between is refused.
        level: The new level; None leaves it.
        ends_at: The new end; None takes it away; an empty string leaves it.
    """
    seen = [{"id": grant_id, "version": version} for grant_id, version in versions.items()]
    given: dict[str, Any] = {"grants": seen} | ({} if level is None else {"level": level})
    if ends_at != "":
        given["ends_at"] = ends_at
    asked = ManyChanges.model_validate(given)
    return send("POST", "grants/change", reads(ManyResults), asked)


def revoke_grants(grant_ids: Iterable[str]) -> Call[ManyResults]:
    """End many grants; pending ones are cancelled. Each has a result of its own."""
    asked = ManyRevokes(grants=list(grant_ids))
    return send("POST", "grants/revoke", reads(ManyResults), asked, repeatable=True)
