"""The same change to many grants, with a result for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import changing, ending
from jupyterhub_vmshare.sharing.model import Grant

AT_ONCE: Final = 100
"""Grants that one transaction changes: other writers get their turn between two of them."""

Results = dict[str, list[Grant] | VMShareError]
"""By grant: what it became (and what ended with it), or why nothing changed."""


async def change_all(
    tx: Transaction,
    person: Person,
    versions: Mapping[str, int],
    *,
    level: str | None,
    ends_at: datetime | object | None,
) -> Results:
    """Change grants that are at these versions: their level, their end date, or both."""

    async def change(grant_id: str) -> list[Grant]:
        version = versions[grant_id]
        return await changing.change(tx, person, grant_id, version, level=level, ends_at=ends_at)

    return await _each(tx, list(versions), change)


async def revoke_all(tx: Transaction, person: Person, grant_ids: Sequence[str]) -> Results:
    """Take grants away; those that nobody answered yet are cancelled."""

    async def revoke(grant_id: str) -> list[Grant]:
        return await ending.revoke(tx, person, grant_id)

    return await _each(tx, grant_ids, revoke)


async def _each(
    tx: Transaction, grant_ids: Sequence[str], act: Callable[[str], Awaitable[list[Grant]]]
) -> Results:
    results: Results = {}
    for grant_id in await _in_order(tx, grant_ids):
        try:
            # What refuses does so before anything is written.
            results[grant_id] = await act(grant_id)
        except VMShareError as error:
            results[grant_id] = error
    return results


async def _in_order(tx: Transaction, grant_ids: Sequence[str]) -> list[str]:
    """By thing: whoever holds several at once takes them in the order of their ids."""
    query = sa.select(grants.c.id, grants.c.thing_id).where(grants.c.id.in_(grant_ids))
    things = {grant_id: thing_id for grant_id, thing_id in await tx.conn.execute(query)}
    return sorted(grant_ids, key=lambda grant_id: (things.get(grant_id, ""), grant_id))
