"""Bringing the database to the schema of this version: at every start, under a lock.

Several replicas may start at once; one migrates, the others wait and find it done. Everything
happens in one transaction, so that a process killed in the middle leaves the old schema whole.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number that no other program on the same PostgreSQL would take; "vmshare" in ASCII.
_ADVISORY_LOCK = 0x766D7368617265
# How many seconds one that starts waits for another that migrates.
PATIENCE = 60


class UpgradeFailed(Exception):
    """The database can't be brought to this version; the message tells the operator why."""


def newest() -> str:
    """The schema version that this code was written for."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None  # noqa: S101 (there is always a first migration)
    return head


def current(connection: sa.Connection) -> str | None:
    """The schema version of a database; ``None`` for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: str | sa.URL) -> tuple[str | None, str]:
    """Migrate, and say from which version to which. Does nothing when it is done already.

    Blocks: call it before the event loop runs, or in a thread.
    """
    engine = _engine(sa.make_url(url))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            before = current(connection)
            if before != newest():
                _migrate(connection, before)
            return before, newest()
    finally:
        engine.dispose()


def _migrate(connection: sa.Connection, before: str | None) -> None:
    try:
        command.upgrade(configuration(connection), "head")
    except CommandError as error:
        raise UpgradeFailed(
            f"The database has schema version {before}, which this version of the service does "
            f"not know (it knows up to {newest()}). Was a newer version running here?"
        ) from error


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration for work on ``connection``."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        return sa.create_engine(url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    if url.database and url.database != ":memory:":
        _create_private(Path(url.database))
    engine = sa.create_engine(url.set(drivername="sqlite"), poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        _write_ahead(connection)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Into WAL mode. SQLite's busy timeout does not hold for this step: of two that take it at
    once, one is told at once that the database is locked."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _create_private(path: Path) -> None:
    """The database says who shares what with whom: nobody but the service reads the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file that is there is not opened: closing it would end the locks that SQLite holds on it
    # in this process.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
