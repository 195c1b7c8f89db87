"""``jupyterhub-vmshare audit verify`` as an operator runs it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from jupyterhub_vmshare.audit.sequencer import Sequencer
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import events

from .conftest import Record


def run(database: Database, *options: str) -> subprocess.CompletedProcess[str]:
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "jupyterhub_vmshare", "audit", "verify", f"--db={url}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)


@pytest.mark.asyncio
async def test_it_says_what_it_found_and_exits_accordingly(
    database: Database, record: Record
) -> None:
    await record(1, 2, 3)
    await Sequencer(database, Leases(database), lambda batch: None).turn()
    whole = run(database)
    assert (whole.returncode, whole.stderr) == (0, "")
    found = re.search(r"whole: 3 events\. Its head is (3:[0-9a-f]{64})$", whole.stdout.strip())
    assert found is not None
    assert run(database, f"--head={found[1]}").returncode == 0
    foreign = run(database, "--head=3:" + "0" * 64)
    assert (foreign.returncode, "noted" in foreign.stdout) == (1, True)
    async with database.write() as transaction:
        second = events.c.position.in_([2])
        await transaction.conn.execute(events.update().where(second).values(actor="eve"))
    broken = run(database)
    assert broken.returncode == 1
    assert "broken at position 2. The event at position 2 was changed." in broken.stdout


@pytest.mark.parametrize("head", ["3", "x:y", "3:abc"])
@pytest.mark.asyncio
async def test_a_head_that_is_none_is_refused(sqlite_database: Database, head: str) -> None:
    answer = run(sqlite_database, f"--head={head}")
    assert answer.returncode == 2
    assert "64 hexadecimal digits" in answer.stderr
