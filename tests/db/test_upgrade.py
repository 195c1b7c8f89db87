"""The migrations make what tables.py says, once, whoever starts at the same time."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from jupyterhub_vmshare.db import upgrade as upgrade_module
from jupyterhub_vmshare.db.tables import metadata
from jupyterhub_vmshare.db.upgrade import UpgradeFailed, newest, upgrade


def engine(url: str) -> sa.Engine:
    found = sa.make_url(url)
    if found.get_backend_name() == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
    return sa.create_engine(found, poolclass=sa.NullPool)


def partial(connection: sa.Connection) -> set[str]:
    """The unique and partial indexes by what the database itself says, with their conditions."""
    if connection.dialect.name == "sqlite":
        query = "select name, sql from sqlite_master where type = 'index' and sql like '%WHERE%'"
    else:
        query = "select indexname, indexdef from pg_indexes where indexdef like '%WHERE%'"
    return {row[0] for row in connection.execute(sa.text(query))}


def test_the_migrations_make_what_the_tables_say(database_url: str) -> None:
    upgrade(database_url)
    with engine(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        conditional = {
            str(index.name)
            for table in metadata.tables.values()
            for index in table.indexes
            if index.dialect_options["sqlite"]["where"] is not None
        }
        assert partial(connection) == conditional


def test_a_second_time_does_nothing(database_url: str) -> None:
    assert upgrade(database_url) == (None, newest())
    assert upgrade(database_url) == (newest(), newest())


def test_several_that_start_at_once_migrate_once(database_url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(upgrade, [database_url] * 6))
    assert sorted(before is None for before, _ in found) == [False] * 5 + [True]


def test_none_of_many_that_turn_a_new_file_to_wal_is_told_that_it_is_locked(
    tmp_path: Path,
) -> None:
    # About one round in sixty goes wrong without patience; the processor changes hands often.
    def connect(number: int) -> None:
        made = upgrade_module._engine(sa.make_url(f"sqlite:///{tmp_path / str(number)}"))
        with contextlib.closing(made.raw_connection()) as connection:
            connection.cursor().execute("create table if not exists t (x)")

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        with ThreadPoolExecutor(12) as pool:
            for number in range(100):
                list(pool.map(connect, [number] * 12))
    finally:
        sys.setswitchinterval(before)


def test_a_newer_database_is_refused_with_a_sentence(database_url: str) -> None:
    upgrade(database_url)
    with engine(database_url).begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(UpgradeFailed, match=r"9999.*newer version"):
        upgrade(database_url)


KILLED = """
import os, signal, sys
from jupyterhub_vmshare.db import upgrade as module
migrate = module._migrate
def killed(connection, before):
    migrate(connection, before)
    os.kill(os.getpid(), signal.SIGKILL)
module._migrate = killed
module.upgrade(sys.argv[1])
"""


def test_killed_in_the_middle_it_leaves_nothing_half_done(database_url: str) -> None:
    process = subprocess.run([sys.executable, "-c", KILLED, database_url], timeout=60)
    assert process.returncode == -signal.SIGKILL
    with engine(database_url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    assert upgrade(database_url) == (None, newest())


def test_the_file_is_for_the_service_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        upgrade(f"sqlite:///{tmp_path}/deep/down/vmshare.sqlite")
    finally:
        os.umask(before)
    for path in (tmp_path / "deep/down").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_there_is_one_line_of_migrations() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(upgrade_module.MIGRATIONS))
    assert len(script.get_heads()) == len(script.get_bases()) == 1
