"""The certificate authorities in the database: made once, sealed, in generations.

A new generation signs at once and older ones go on being believed, until the operator has them
forgotten: a machine that slept through a rotation is told of the new one with the old one's help.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncssh
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.way_in import authorities
from jupyterhub_vmshare.errors import Conflict, NotFound
from jupyterhub_vmshare.relay.certificates import Issuer, Kind, line_of
from jupyterhub_vmshare.relay.sealing import Sealing

_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Generation:
    """One key of an authority, as far as everybody may know it."""

    kind: Kind
    generation: int
    public_key: str
    made_at: Any
    forgotten_at: Any


class Authorities:
    """All three, for one process.

    Args:
        db: The database.
        sealing: The operator's key.
    """

    def __init__(self, db: Database, sealing: Sealing) -> None:
        self._db, self._sealing = db, sealing
        self._opened: dict[tuple[str, int], asyncssh.SSHKey] = {}

    async def start(self) -> None:
        """Make those that are missing, and see that the operator's key opens those that are not.

        Raises `NotSealed`.
        """
        for kind in Kind:
            if not await self._alive(kind):
                # Another replica may be faster.
                with contextlib.suppress(sa.exc.IntegrityError):
                    await self._make(kind, first=True)
            await self.issuers(kind)

    async def generations(self) -> list[Generation]:
        """Every one that there ever was, oldest first."""
        query = sa.select(authorities).order_by(authorities.c.kind, authorities.c.generation)
        async with self._db.glance() as conn:
            rows = (await conn.execute(query)).all()
        return [
            Generation(
                Kind(row.kind), row.generation, row.public_key, row.made_at, row.forgotten_at
            )
            for row in rows
        ]

    async def believed(self, kind: Kind) -> list[str]:
        """The public keys whose certificates count, the one that signs first."""
        return [row.public_key for row in await self._alive(kind)]

    async def issuers(self, kind: Kind) -> list[Issuer]:
        """To sign with: the newest first, then those that older machines still believe."""
        at = self._db.clock()
        return [Issuer(self._signer(row), at) for row in await self._alive(kind)]

    async def issuer(self, kind: Kind) -> Issuer:
        """The newest."""
        found = await self.issuers(kind)
        if not found:
            raise NotFound
        return found[0]

    async def rotate(self, kind: Kind) -> int:
        """A new generation, which signs from now on. Returns its number."""
        for _ in range(_TRIES):
            try:
                return await self._make(kind)
            except sa.exc.IntegrityError:
                continue  # somebody else rotates
        raise Conflict("The authorities are being changed by somebody else; try again.")

    async def forget(self, kind: Kind, generation: int) -> None:
        """Believe it no more, and destroy its private half."""
        async with self._db.write() as tx:
            alive = (await tx.conn.execute(_alive(kind))).all()
            if generation not in [row.generation for row in alive]:
                raise Conflict(f"The authority {kind} has no generation {generation}.")
            if alive[0].generation == generation:
                raise Conflict(
                    "The newest generation signs, so it can't be forgotten: rotate first."
                )
            await tx.conn.execute(
                authorities.update()
                .where(authorities.c.kind == kind, authorities.c.generation == generation)
                .values(sealed=None, forgotten_at=tx.at)
            )
        self._opened.pop((kind, generation), None)

    async def reseal(self) -> int:
        """Seal everything under the first of the operator's keys. Returns how many there were."""
        async with self._db.write() as tx:
            query = authorities.select().where(authorities.c.sealed.is_not(None))
            rows = (await tx.conn.execute(query)).all()
            for row in rows:
                about = _about(row.kind, row.generation, row.public_key)
                again = self._sealing.seal(self._sealing.open(row.sealed, about), about)
                here = (authorities.c.kind == row.kind, authorities.c.generation == row.generation)
                await tx.conn.execute(authorities.update().where(*here).values(sealed=again))
        return len(rows)

    async def _alive(self, kind: Kind) -> Sequence[sa.Row[Any]]:
        async with self._db.glance() as conn:
            found: Sequence[sa.Row[Any]] = (await conn.execute(_alive(kind))).all()
        return found

    async def _make(self, kind: Kind, *, first: bool = False) -> int:
        async with self._db.write() as tx:
            return await self._insert(tx, kind, first=first)

    async def _insert(self, tx: Transaction, kind: Kind, *, first: bool) -> int:
        newest = sa.select(sa.func.max(authorities.c.generation)).where(authorities.c.kind == kind)
        last = (await tx.conn.execute(newest)).scalar() or 0
        generation = 1 if first else last + 1
        made = asyncssh.generate_private_key("ssh-ed25519")
        public = line_of(made.convert_to_public())
        sealed = self._sealing.seal(
            made.export_private_key("openssh"), _about(kind, generation, public)
        )
        await tx.conn.execute(
            authorities.insert().values(
                kind=kind,
                generation=generation,
                public_key=public,
                sealed=sealed,
                made_at=tx.at,
            )
        )
        return generation

    def _signer(self, row: sa.Row[Any]) -> asyncssh.SSHKey:
        key = (row.kind, row.generation)
        if key not in self._opened:
            about = _about(row.kind, row.generation, row.public_key)
            opened = asyncssh.import_private_key(self._sealing.open(row.sealed, about).decode())
            self._opened[key] = opened
        return self._opened[key]


def _alive(kind: Kind) -> sa.Select[Any]:
    return (
        sa.select(authorities)
        .where(authorities.c.kind == kind, authorities.c.forgotten_at.is_(None))
        .order_by(authorities.c.generation.desc())
    )


def _about(kind: str, generation: int, public_key: str) -> str:
    """What a sealed key is bound to: it can't be put in another's place."""
    return f"authority {kind} {generation} {public_key}"
