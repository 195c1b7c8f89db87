"""Alembic's entry: runs the migrations on the connection that ``db.upgrade`` hands in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from jupyterhub_vmshare.db.tables import metadata


def _plain_type(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    # A migration must keep meaning the same when our column types change: write what they become.
    if kind == "type" and isinstance(thing, TypeDecorator):
        return f"sa.{type(thing.impl_instance).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_plain_type,
    # SQLite can't alter a column in place; alembic then copies the table.
    render_as_batch=context.config.attributes.get("batch", True),
)
with context.begin_transaction():
    context.run_migrations()
