"""The service is killed in each named step of several people's traffic, and started again.

Whatever was answered 2xx is there, nothing is there twice, and the events tell all of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.audit.verify import verify
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import team_members, uploads
from jupyterhub_vmshare.storage.posix.accounts import Accounts
from tests.cloud import town
from tests.crashes.history import History, is_as_recorded, played
from tests.crashes.journal import Journal
from tests.crashes.process import ROOT, Victim
from tests.crashes.traffic import Somebody
from tests.fakes.hub import FakeHub
from tests.reconcile.killing import STEPS as RECONCILER_STEPS
from tests.relay.test_killed_relay import STEPS as RELAY_STEPS

# By the thing people do that leads there; "" for steps that everything leads to.
STEPS = {
    "db.before_commit": "",
    "db.after_commit": "",
    "sequencer.leased": "",
    "sequencer.events_placed": "",
    "sequencer.before_commit": "",
    "sequencer.after_commit": "",
    "sequencer.delivered": "",
    "folders.create.tree_made": "create",
    "folders.create.inserted": "create",
    "folders.rename.renamed": "rename",
    "folders.trash.trashed": "trash",
    "folders.restore.restored": "restore",
    "folders.delete.deleting": "delete",
    "folders.removal.retired": "delete",
    "files.upload.settled": "upload",
    "files.upload.published": "upload",
    "uploads.recorded": "resume",
    "uploads.published": "resume",
    "uploads.forgotten": "give_up",
    "sharing.invite.given": "invite",
    "sharing.accept.accepted": "accept",
    "sharing.change.changed": "change",
    "sharing.declined.ended": "decline",
    "sharing.cancelled.ended": "cancel",
    "sharing.revoked.ended": "revoke",
    "sharing.left.ended": "leave",
    "sharing.expired.ended": "brief",
    "sharing.thing_deleted.ended": "delete",
    "teams.before_write": "teams",
}
MOUNT_STEPS = (
    "mounts.kept",
    "mounts.aligned",
    "mounts.told",
    "mounts.observed",
    "mounts.ended",
)
"""Reached with an agent alone: tests/mounts/test_killed.py."""
QUOTA_STEPS = ("folders.quota.set", "folders.quota.applied", "folders.quota.charged")
"""Reached by hub admins, and for folders that nobody counted: tests/folders/test_quota.py."""
CLONE_STEPS = (
    "folders.clone.tree_made",
    "folders.clone.copied",
    "folders.clone.finished",
    "folders.clone.given_up",
)
"""Reached where somebody copies a folder: tests/folders/test_clones.py."""
SNAPSHOT_STEPS = (
    "folders.snapshot.copied",
    "folders.snapshot.finished",
    "folders.snapshot.dropped",
)
"""Reached where somebody has snapshots made: tests/folders/test_snapshots.py."""
FAST_STEPS = ("folders.fast.chosen",)
"""Reached where an owner chooses fast mounts: tests/mounts/test_fast.py."""
MACHINE_STEPS = ("machines.created", "machines.deleted")
"""Beside those of the reconciler: tests/reconcile/test_killed.py."""
KEEPER_STEPS = tuple(
    {
        f"keeper.{step}"
        for orders in (town.ORDERS, town.VIRTUAL_ORDERS)
        for order in orders.values()
        for step in order.steps
    }
)
"""Reached in keepers of machines: tests/cloud/test_kills.py."""
NAMES = ("ana", "ben", "cleo")


def kills(count: int, chance: random.Random) -> list[tuple[str, int]]:
    """So many (step, how often it is reached before), spread over all steps."""
    steps: list[str] = []
    while len(steps) < count:
        steps += chance.sample(list(STEPS), len(STEPS))
    return [(step, chance.choice((1, 2, 3, 5))) for step in steps[:count]]


def test_every_named_step_is_among_them() -> None:
    source = ROOT / "hub_service" / "jupyterhub_vmshare"
    text = "".join(path.read_text() for path in source.rglob("*.py") if path.name != "steps.py")
    named = re.findall(r'\breached\(f?"([^"]+)"\)', text)
    assert len(named) == text.count("reached("), "a step whose name is not written out"
    patterns = [re.sub(r"{[^}]*}", r"[a-z_]+", name.replace(".", r"\.")) for name in set(named)]
    known = (*STEPS, *MOUNT_STEPS, *QUOTA_STEPS, *CLONE_STEPS, *SNAPSHOT_STEPS)
    known += (*FAST_STEPS, *MACHINE_STEPS, *RECONCILER_STEPS, *KEEPER_STEPS)
    known += RELAY_STEPS
    for pattern in patterns:
        assert any(re.fullmatch(pattern, step) for step in known), pattern
    assert all(any(re.fullmatch(p, step) for p in patterns) for step in known)


class Crowd:
    """People, what they were told, and a service that keeps dying on them."""

    def __init__(self, where: Path, db_url: str, hub: FakeHub) -> None:
        self.victim = Victim(where, db_url, hub)
        self.hub, self.journal = hub, Journal()
        self.over, self.silent = asyncio.Event(), asyncio.Event()
        self.people = [
            Somebody(name, [n for n in NAMES if n != name], self.victim, hub, self.journal)
            for name in NAMES
        ]
        self.db = Database(db_url)

    def wanted(self) -> str:
        """What people should do most, so that the step is reached."""
        return STEPS.get(self.victim.armed or "", "")

    async def live_through(self, deaths: list[tuple[str, int]]) -> None:
        """All of it; returns when everything is quiet again."""
        async with asyncio.TaskGroup() as group:
            # Two tabs each, and a stream.
            living = [
                group.create_task(person.live(self.over, self.wanted))
                for person in self.people
                for _ in range(2)
            ]
            for person in self.people:
                group.create_task(person.listen(self.silent))
            await self._die(deaths)
            self.over.set()
            await asyncio.wait(living)
            await self._settle()
            self.silent.set()

    async def _die(self, deaths: list[tuple[str, int]]) -> None:
        for step, times in deaths:
            started = time.monotonic()
            await self.victim.start(step, times)
            await self.victim.died(120)
            print(f"killed at {step} ({times}) after {time.monotonic() - started:.1f} s")
        await self.victim.start()

    async def _settle(self) -> None:
        """Until nothing ends any more, all events are placed, and everybody has heard them."""
        await asyncio.sleep(2.5)  # the last brief invitations run out
        async with asyncio.timeout(60):
            while (await backlog(self.db)).events:
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)

    async def close(self) -> None:
        await self.victim.close()
        await self.db.close()
        for person in self.people:
            await person.close()

    # --- what must hold ---

    async def check(self) -> None:
        history = await played(self.db)
        await is_as_recorded(self.db, history)
        assert (await verify(self.db)).whole
        self.check_answers(history)
        for person in self.people:
            await self.check_stream(person)
        await self.check_files()
        await self.check_teams()

    def check_answers(self, history: History) -> None:
        """Whatever was answered 2xx happened, and what had a key happened once."""
        journal = self.journal
        assert all(len(ids) == 1 for ids in history.made.values()), "a folder was made twice"
        assert {name: ids[0] for name, ids in history.made.items()} == journal.made
        for end, receivers in journal.invited.items():
            assert sorted(history.invited.get(end, [])) == sorted(receivers), end
        for (event, what), count in journal.told.items():
            # Saying a thing twice is saying it once; trash and restore come again.
            least = count if event in ("folder.trashed", "folder.restored") else 1
            assert history.count[event, what] >= least, (event, what)
        for end, grant in journal.changed.items():
            assert history.changed.get(end) == [grant], end
        for name, folder in journal.renamed.items():
            assert history.renamed.get(name) == [folder], name

    async def check_stream(self, person: Somebody) -> None:
        """The stream told each of the person's events once, in order."""
        told: list[dict[str, Any]] = []
        before: str | None = None
        while True:
            query = {"limit": "200"} | ({"before": before} if before else {})
            page = (await person.ask("look", "GET", "/events", params=query)).json()
            told += page["items"]
            if (before := page["next"]) is None:
                break
        assert [e.id for e in person.heard] == [e["position"] for e in reversed(told)]
        assert [e.data for e in person.heard] == list(reversed(told))

    async def check_files(self) -> None:
        """Every answered upload is there to the byte, and nothing else is but whole uploads."""
        owners = {person.name: person for person in self.people}
        for folder in self.journal.folders.values():
            owner = owners[folder.owner]
            state = (await owner.ask("look", "GET", f"/folders/{folder.id}")).json().get("state")
            if state == "trashed":
                told = await owner.ask("restore", "POST", f"/folders/{folder.id}/restore")
                assert told.is_success, told.text
            if state is not None:
                await self._check_folder(owner, folder.id)

    async def _check_folder(self, owner: Somebody, folder: str) -> None:
        path = f"/folders/{folder}/entries"
        page = (await owner.ask("look", "GET", path, params={"limit": 1000})).json()
        names = {entry["name"] for entry in page["items"]}
        assert {name for where, name in self.journal.written if where == folder} <= names
        for name in names:
            query = {"path": name}
            told = await owner.ask("look", "GET", f"/folders/{folder}/download", params=query)
            assert told.content == self.journal.tried[folder, name], (folder, name)

    async def check_teams(self) -> None:
        await self.people[0].ask("teams", "POST", "/teams/refresh")
        async with self.db.read() as conn:
            query = sa.select(team_members.c.team, team_members.c.person)
            mirrored = {tuple(row) for row in await conn.execute(query)}
        groups = self.hub.groups.items()
        assert mirrored == {(team, name) for team, members in groups for name in members}

    async def check_store(self) -> None:
        """After the sweep's grace there are as many trees as folders, and nothing half deleted."""
        await self.victim.stop()
        async with self.db.write() as tx:  # a day later nobody waits for the rest of an upload
            await tx.conn.execute(uploads.update().values(expires_at=tx.at))
        long_ago = time.time() - 7200
        for left in (*self.trees(), *self.leftovers()):
            os.utime(left, (long_ago, long_ago))
        await self.victim.start()
        history = await played(self.db)
        wanted = {i for i, folder in history.folders.items() if folder.state != "deleted"}
        async with asyncio.timeout(30):
            while {home.name for home in self.trees()} != wanted or self.leftovers():
                await asyncio.sleep(0.1)
            while self.counted() != wanted:  # a tree is gone before it is counted no more
                await asyncio.sleep(0.1)

    def trees(self) -> list[Path]:
        return list(self.victim.store.glob("??/fld_*"))

    def counted(self) -> set[str]:
        """The folders that stand in somebody's account."""
        area = os.open(self.victim.store / ".accounts", os.O_RDONLY | os.O_DIRECTORY)
        try:
            return {tree for name in os.listdir(area) for tree in Accounts(area).look(name).trees}
        finally:
            os.close(area)

    def leftovers(self) -> list[Path]:
        kept = {path for path in self.victim.store.iterdir() if len(path.name) == 2}
        kept.add(self.victim.store / ".accounts")
        others = [path for path in self.victim.store.iterdir() if path not in kept]
        return [path for area in others if area.is_dir() for path in area.iterdir()]


async def survive(where: Path, db_url: str, hub: FakeHub, count: int) -> None:
    """So many deaths, and everything that must hold after them."""
    seed = int(os.environ.get("VMSHARE_SEED") or secrets.randbelow(10**6))
    print(f"VMSHARE_SEED={seed}")
    async with AsyncExitStack() as stack:
        crowd = Crowd(where, db_url, hub)
        stack.push_async_callback(crowd.close)
        hub.serve(crowd.victim.url, "/services/vmshare/")
        for person in crowd.people:
            person.random.seed(f"{seed} {person.name}")
        await crowd.live_through(kills(count, random.Random(seed)))
        print(sorted(crowd.journal.answers.items()))
        await crowd.check()
        await crowd.check_store()


@pytest.mark.asyncio
async def test_a_few_deaths(tmp_path: Path, sqlite_url: str, hub: FakeHub) -> None:
    await survive(tmp_path, sqlite_url, hub, 6)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.asyncio
async def test_fifty_deaths(tmp_path: Path, database_url: str, hub: FakeHub) -> None:
    await survive(tmp_path, database_url, hub, 52)
