"""The rows of uploads. Each function is one statement or two, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import uploads as table
from jupyterhub_vmshare.uploads.model import Upload, UploadGone, UploadKind, UploadState


async def insert(tx: Transaction, upload: Upload) -> None:
    """A new row."""
    await tx.conn.execute(
        table.insert().values(
            id=upload.id,
            person=upload.person,
            thing_id=upload.folder_id,
            kind=upload.kind,
            state=upload.state,
            path=None if upload.place is None else "/".join(upload.place),
            overwrite=upload.overwrite,
            tag=upload.tag,
            length=upload.length,
            received=upload.received,
            metadata=upload.metadata,
            joined_from=None if upload.joined_from is None else list(upload.joined_from),
            created_at=upload.created_at,
            expires_at=upload.expires_at,
        )
    )


async def find(
    conn: AsyncConnection, person: str, folder_id: str, upload_id: str, at: datetime
) -> Upload:
    """This person's upload. Raises ``UploadGone``."""
    query = table.select().where(
        table.c.id == upload_id,
        table.c.person == person,
        table.c.thing_id == folder_id,
        table.c.expires_at > at,
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise UploadGone
    return Upload.of(row)


async def unfinished(
    conn: AsyncConnection, person: str, folder_id: str, at: datetime, after: str, limit: int
) -> Sequence[Upload]:
    """What this person began in the folder and has not finished, in the order of beginning."""
    query = (
        table.select()
        .where(
            table.c.person == person,
            table.c.thing_id == folder_id,
            table.c.id > after,
            table.c.expires_at > at,
            table.c.kind != UploadKind.PART,
            table.c.state != UploadState.PUBLISHED,
        )
        .order_by(table.c.id)
        .limit(limit)
    )
    return [Upload.of(row) for row in (await conn.execute(query)).all()]


async def count_unfinished(conn: AsyncConnection, person: str) -> int:
    """How many uploads of this person still wait for something."""
    query = sa.select(sa.func.count()).where(
        table.c.person == person, table.c.state != UploadState.PUBLISHED
    )
    return int(await conn.scalar(query) or 0)


async def joined_from(
    conn: AsyncConnection, person: str, folder_id: str, parts: Sequence[str], at: datetime
) -> Upload | None:
    """What was made of these very parts already."""
    query = table.select().where(
        table.c.person == person,
        table.c.thing_id == folder_id,
        table.c.kind == UploadKind.JOINED,
        table.c.joined_from == list(parts),
        table.c.expires_at > at,
    )
    rows = [Upload.of(row) for row in (await conn.execute(query)).all()]
    return max(rows, key=lambda upload: upload.state is UploadState.PUBLISHED, default=None)


async def change(tx: Transaction, upload_id: str, **values: Any) -> Upload:
    """The row after a change. Raises ``UploadGone``."""
    query = table.update().where(table.c.id == upload_id).values(**values)
    row = (await tx.conn.execute(query.returning(*table.columns))).one_or_none()
    if row is None:
        raise UploadGone
    return Upload.of(row)


async def remove(tx: Transaction, upload_ids: Sequence[str]) -> None:
    """No rows any more."""
    await tx.conn.execute(table.delete().where(table.c.id.in_(upload_ids)))


async def expired(conn: AsyncConnection, at: datetime, limit: int) -> Sequence[Upload]:
    """Uploads that are not kept any longer."""
    query = table.select().where(table.c.expires_at <= at).order_by(table.c.id).limit(limit)
    return [Upload.of(row) for row in (await conn.execute(query)).all()]


async def known(conn: AsyncConnection, upload_ids: Sequence[str]) -> set[str]:
    """Which of these have a row."""
    query = sa.select(table.c.id).where(table.c.id.in_(upload_ids))
    return set((await conn.execute(query)).scalars())
