"""A project as the gate of a thing in it: set by its owner, taken away by two people.

The gate itself is in the policy (``gate.tag``): it holds for everybody, whatever their role or
grant, and never blocks leaving, declining, cancelling or revoking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import permutations

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import grants, things
from jupyterhub_vmshare.errors import Conflict, Forbidden, NotFound
from jupyterhub_vmshare.policy.projects import Whose
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.projects.standing import Asker, locked, member_of, permitted
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import GrantState, ProjectRole, ThingState

BOTH = "An owner of it and an administrator of the project have to confirm, two people."

Check = Callable[[Transaction, SharedThing], Awaitable[None]]
"""What the thing's room says about its tag going away; raises why not."""


async def to_tag(tx: Transaction, asker: Asker, thing_id: str) -> SharedThing:
    """The thing, held after its project, when they may set the tag. Raises why not.

    ``NotFound`` too for what is in no project: there is no tag that it could bear.
    """
    project, held = await _held(tx, thing_id)
    whose: Whose = "own" if _is_own(asker, held) else "others"
    await permitted(tx.conn, asker, "tag.set", project, tx.at, whose=whose)
    if held.state is not ThingState.LIVE:
        raise Conflict(f"This {held.kind} is not in use: it can bear no tag now.")
    return held


async def put(tx: Transaction, asker: Asker, held: SharedThing) -> SharedThing:
    """Let only active members of its project in from now on."""
    changed = await _change(tx, held, tagged=True, untag_owner=None, untag_admin=None)
    await _tell(tx, "tagged", changed, asker.name)
    return changed


async def confirm_removal(tx: Transaction, asker: Asker, thing_id: str, check: Check) -> bool:
    """One of the two says that the tag is to go; whether it is gone with that.

    What somebody confirmed counts as long as they are who they were. Raises ``Forbidden``.
    """
    project, held = await _held(tx, thing_id)
    if not held.tagged:
        return True
    sides = await _sides(tx, project, held, asker.name)
    if not sides:
        raise Forbidden(BOTH, rule="if.both_confirm")
    row = (await tx.conn.execute(things.select().where(things.c.id == thing_id))).one()
    known = {asker.name: sides}
    for name in (row.untag_owner, row.untag_admin):
        if name is not None and name not in known:
            known[name] = await _sides(tx, project, held, name)
    if _are_both(known):
        await check(tx, held)
        changed = await _change(tx, held, tagged=False, untag_owner=None, untag_admin=None)
        await _tell(tx, "untagged", changed, asker.name)
        return True
    column = "untag_owner" if "owner" in sides else "untag_admin"
    if getattr(row, column) != asker.name:
        await _change(tx, held, **{column: asker.name})
        await _tell(tx, "untag_confirmed", held, asker.name)
    return False


def _are_both(known: Mapping[str, frozenset[str]]) -> bool:
    """Whether one of these is an owner and another one an administrator."""
    return any(
        "owner" in one and "admin" in other for one, other in permutations(known.values(), 2)
    )


async def sides_of(tx: Transaction, thing_id: str, person: str) -> frozenset[str]:
    """As what somebody may confirm: ``owner``, ``admin``, or both. Raises ``NotFound``."""
    project, held = await _held(tx, thing_id)
    return await _sides(tx, project, held, person)


async def _sides(
    tx: Transaction, project: Project, held: SharedThing, person: str
) -> frozenset[str]:
    member = await member_of(tx.conn, project.id, person, tx.at)
    if member is None:
        return frozenset()
    administers = member.role is ProjectRole.ADMINISTRATOR
    # A project's folder is kept by its administrators: two of them take its tag away.
    owns = administers if held.project_id is not None else held.owner == person
    if not owns and held.project_id is None:
        mine = sa.select(grants.c.id).where(
            *(grants.c.thing_id == held.id, grants.c.receiver == person),
            *(grants.c.level == "co_own", grants.c.state == GrantState.ACTIVE),
        )
        owns = await tx.conn.scalar(mine) is not None
    found = {"owner": owns, "admin": administers}
    return frozenset(side for side, is_one in found.items() if is_one)


async def _held(tx: Transaction, thing_id: str) -> tuple[Project, SharedThing]:
    known = await store.thing_of(tx.conn, thing_id)
    project_id = known.project_id or known.within_id
    if project_id is None:
        raise NotFound
    project = await locked(tx, project_id)
    return project, await store.lock(tx, thing_id)


def _is_own(asker: Asker, held: SharedThing) -> bool:
    if held.project_id is not None:
        return asker.on_pages  # its administrators', who count there alone
    return held.owner == asker.name


async def _change(tx: Transaction, held: SharedThing, **values: object) -> SharedThing:
    ours = things.update().where(things.c.id == held.id)
    changed = ours.values(version=things.c.version + 1, **values).returning(*things.columns)
    return SharedThing.of((await tx.conn.execute(changed)).one())


async def _tell(tx: Transaction, verb: str, held: SharedThing, actor: str) -> None:
    """To whoever keeps it, and to everybody to whom something of it was given."""
    query = sa.select(grants.c.receiver).where(
        grants.c.thing_id == held.id, grants.c.receiver_kind == "person", store.LIVE
    )
    given = set((await tx.conn.scalars(query)).all())
    audience = frozenset(given | await store.keepers(tx.conn, held, tx.at) | {actor})
    data = {"project": held.project_name or ""}
    await tx.record(NewEvent(f"{held.kind}.{verb}", actor, audience, held.id, held.name, data))
