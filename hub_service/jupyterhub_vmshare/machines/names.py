"""What machines, drives and snapshots may be called, and what a machine calls itself."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.errors import NameTaken
from jupyterhub_vmshare.folders.names import checked as checked
from jupyterhub_vmshare.folders.names import free_name
from jupyterhub_vmshare.words import ThingKind, ThingState

_LONGEST = 40


async def demand_free(
    tx: Transaction, kind: ThingKind, owner: str, name: str, *, besides: str | None = None
) -> None:
    """Raise ``NameTaken`` where the owner has another one of that name.

    Of two that ask at once the second fails at the unique index; this is for the sentence.
    """
    taken = await names_of(tx, kind, owner, besides=besides)
    if name in taken:
        free = free_name(name, taken)
        raise NameTaken(
            f"You have a {kind.value} called {name} already. Take another name, such as {free}.",
            suggestion=free,
        )


async def names_of(
    tx: Transaction, kind: ThingKind, owner: str, *, besides: str | None = None
) -> set[str]:
    """What the owner's machines or drives are called."""
    # One at a time: the names are looked at before they are taken.
    if tx.conn.dialect.name == "postgresql":
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
        await tx.conn.execute(lock, {"what": f"vmshare {kind.value}s {owner}"})
    query = sa.select(things.c.name).where(
        things.c.kind == kind, things.c.owner == owner, things.c.state == ThingState.LIVE
    )
    if besides is not None:
        query = query.where(things.c.id != besides)
    return set((await tx.conn.execute(query)).scalars())


async def name_for_drive(tx: Transaction, owner: str, machine: str) -> str:
    """A free name for the drive that comes with a machine."""
    taken = await names_of(tx, ThingKind.DRIVE, owner)
    wanted = checked(f"{machine.encode()[:200].decode(errors='ignore').rstrip()} drive")
    return wanted if wanted not in taken else free_name(wanted, taken)


def hostname(name: str, machine_id: str) -> str:
    """What the machine calls itself: of its name what needs no quoting anywhere."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    kept = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")
    return kept or f"machine-{machine_id[-6:]}"
