"""What was given on is never more than what it was given from, also when that is lowered later.

Whoever is no owner passes on what they have at most (``ticks_given``); what they have less of from
now on, the others have less of, too. What was ended needs none of this: see ``ending``.
"""

from __future__ import annotations

from typing import Any

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.ticks import first
from jupyterhub_vmshare.words import LEVELS, ThingKind


async def keep_within(tx: Transaction, thing: SharedThing, changed: Grant, by: str) -> list[Grant]:
    """Lower what flows from a grant to what the grant is now; what that changed.

    Level and ticks. An end date needs nothing: all ends with what it flows from.
    """
    lowered: list[Grant] = []
    above = {changed.id: changed}
    while above:
        below: dict[str, Grant] = {}
        for grant in await store.live_children(tx.conn, list(above)):
            changes = _less(thing.kind, grant, above[grant.parent_id or ""])
            if changes:
                below[grant.id] = await store.update(tx, grant, **changes)
                marks = {"from": grant.level, "to": below[grant.id].level}
                await store.tell(tx, "changed", thing, below[grant.id], by, **marks)
        lowered += below.values()
        above = below
    return lowered


def _less(kind: ThingKind, grant: Grant, above: Grant) -> dict[str, Any]:
    """What of a grant is more than the one that it flows from, as changes of it."""
    order = LEVELS[kind]
    level = min(grant.level, above.level, key=order.index)
    ticks = grant.ticks
    if level != grant.level and ticks in (None, first(kind, grant.level)):
        ticks = first(kind, level)  # as when a level is lowered by hand
    if ticks is not None and above.ticks is not None:
        ticks = tuple(tick for tick in ticks if tick in above.ticks)
    changes = {"level": level, "ticks": ticks}
    return {name: value for name, value in changes.items() if value != getattr(grant, name)}
