"""Rows in bulk: one person with a fixed list, among as many other people's grants as wanted.

The rows are made inside the database, by the same SQL on both, with the indexes built afterwards:
a million grants take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import grants, things
from jupyterhub_vmshare.db.upgrade import upgrade

PERSON = "ben"
"""Whose list is measured."""
TEAM = "genomics"
OWN, SHARED, BY_TEAM = 10, 16, 4
FOLDERS = OWN + SHARED + BY_TEAM
"""How many folders are in that list, whatever else there is."""
AT = datetime(2026, 1, 1, tzinfo=UTC)

_OTHER_THINGS = """
INSERT INTO things (id, kind, owner, name, state, created_at, version)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :folders)
SELECT 'fld_0000000000000000' || CAST(1000000000 + i AS TEXT), 'folder',
    'p' || CAST(i % :people AS TEXT), 'data ' || CAST(i AS TEXT), 'live', :at, 1
FROM n
"""
# Ten grants a folder, a hundred a person; a tenth are pending, two tenths are over.
# 7919 is prime: no folder is granted to one person twice.
_OTHER_GRANTS = """
INSERT INTO grants (id, thing_id, receiver_kind, receiver, giver, level, state, created_at,
    ended_at, ended_why, version)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :others)
SELECT 'gnt_0000000000000000' || CAST(1000000000 + i AS TEXT),
    'fld_0000000000000000' || CAST(1000000000 + i / 10 AS TEXT), 'person',
    'p' || CAST(i * CAST(7919 AS BIGINT) % :people AS TEXT),
    'p' || CAST(i / 10 % :people AS TEXT), 'edit',
    CASE WHEN i % 10 = 0 THEN 'pending' WHEN i % 10 < 3 THEN 'ended' ELSE 'active' END, :at,
    CASE WHEN i % 10 IN (1, 2) THEN CAST(:at AS BIGINT) END,
    CASE WHEN i % 10 IN (1, 2) THEN 'revoked' END, 1
FROM n
"""


def build(url: str, *, others: int) -> None:
    """Bring an empty database to the newest schema; ``others`` grants, and the person's own."""
    with _filling(url) as conn:
        told = {"others": others, "folders": max(1, others // 10), "people": max(50, others // 100)}
        told["at"] = int(AT.timestamp() * 1_000_000)
        for statement in (_OTHER_THINGS, _OTHER_GRANTS):
            query = sa.text(statement)
            conn.execute(query, {name: told[name] for name in query.compile().params})
        for number in range(FOLDERS):
            _add_listed(conn, number)


def build_folder(url: str, folder_id: str, owner: str, receivers: list[str]) -> None:
    """An empty database but for one folder that all of these people may read."""
    with _filling(url) as conn:
        conn.execute(things.insert().values(_thing(folder_id, owner, "measured")))
        rows = [
            _grant(f"{number:08}", folder_id, owner, receiver, "person")
            for number, receiver in enumerate(receivers)
        ]
        conn.execute(grants.insert(), rows)


def build_folders(url: str, folder_ids: list[str], owner: str) -> None:
    """An empty database but for these folders of one owner."""
    with _filling(url) as conn:
        conn.execute(things.insert(), [_thing(id, owner, f"data {id}") for id in folder_ids])


def folder_id(number: int) -> str:
    """An id of the right form."""
    return f"fld_{number:026}"


@contextmanager
def _filling(url: str) -> Iterator[sa.Connection]:
    upgrade(url)
    made = sa.make_url(url)
    is_postgres = made.get_backend_name() == "postgresql"
    engine = sa.create_engine(made.set(drivername="postgresql+psycopg") if is_postgres else made)
    indexes = [*things.indexes, *grants.indexes]
    with engine.begin() as conn:
        if is_postgres:
            # Foreign keys hold by construction; checking each takes longer than everything else.
            conn.execute(sa.text("SET LOCAL session_replication_role = replica"))
            conn.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        for index in indexes:
            index.drop(conn)
        yield conn
        for index in indexes:
            index.create(conn)
    # For PostgreSQL what autovacuum would do within a minute.
    tidy = "VACUUM ANALYZE" if is_postgres else "PRAGMA wal_checkpoint(TRUNCATE)"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text(tidy))
    engine.dispose()


def _add_listed(conn: sa.Connection, number: int) -> None:
    """One folder of the list: own, or shared with the person or with their team."""
    folder, owner = folder_id(number), PERSON if number < OWN else f"p{number}"
    conn.execute(things.insert().values(_thing(folder, owner, f"folder {number:03}")))
    by_team = number >= OWN + SHARED
    to = [(TEAM, "team") if by_team else (PERSON, "person")] if number >= OWN else []
    to += [(f"colleague{n}", "person") for n in range(4)]
    rows = [
        _grant(f"{number:04}{place:04}", folder, owner, receiver, kind)
        for place, (receiver, kind) in enumerate(to)
    ]
    conn.execute(grants.insert(), rows)


def _thing(folder: str, owner: str, name: str) -> dict[str, object]:
    what = {"kind": "folder", "state": "live", "created_at": AT, "version": 1}
    return {"id": folder, "owner": owner, "name": name, **what}


def _grant(digits: str, folder: str, owner: str, receiver: str, kind: str) -> dict[str, object]:
    return {
        "id": f"gnt_{digits:0>26}",
        "thing_id": folder,
        "receiver_kind": kind,
        "receiver": receiver,
        "giver": owner,
        "level": "edit",
        "state": "active",
        "created_at": AT,
        "version": 1,
    }
