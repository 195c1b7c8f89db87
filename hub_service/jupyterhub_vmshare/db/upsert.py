"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells per dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(conn: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a row of that key is there already; says whether it was inserted.

    On PostgreSQL this waits for another transaction that is inserting the same key.
    """
    build = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    insert = build(table).values(**values).on_conflict_do_nothing()
    # Not by rowcount: SQLAlchemy does not ask PostgreSQL's driver for that of an INSERT.
    inserted = await conn.execute(insert.returning(*table.primary_key))
    return inserted.first() is not None


async def insert_or_replace(
    conn: AsyncConnection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Insert, or set ``values`` on the row that has ``key``."""
    build = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    await conn.execute(
        build(table)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=dict(values))
    )
