"""One service for a whole file of refusals, which must leave nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.db.tables import metadata
from jupyterhub_vmshare.observe.logs import configure_logs
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.sharing import handing
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import fake_hub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

# Work that goes on by itself: heartbeats, and looking at the hub's teams.
RESTLESS = {"name_holders", "leases", "mirrors"}
Snapshot = dict[str, Any]
NOWHERE = {"project": "prj", "link": "lnk", "ask": "ask"}
QUIET = Pace(poll=0.01, sweep=3600.0)


@dataclass
class Scene:
    """ana's folder ``tests`` with ``notes.txt`` and ``data/``; ben may edit, cleo is invited, and
    dan was asked to take it over."""

    api: Api
    running: RunningService
    store: Path
    log: io.StringIO
    secrets: set[str] = field(default_factory=set)
    """Besides the hub's tokens: cookies and what was sent in their place."""
    folder: str = ""
    grant: str = ""
    invitation: str = ""
    kept: str = ""
    """A snapshot of the folder."""
    offer: str = ""
    machine: str = ""
    drive: str = ""
    """On the machine."""
    disk: str = ""
    """A snapshot of the machine."""

    async def build(self) -> None:
        ana, ben = self.api("ana"), self.api("ben")
        self.folder = await ana.make_folder("tests")
        await ana.ask("POST", f"/folders/{self.folder}/directories", {"path": "data"})
        await ana.write(self.folder, "notes.txt", b"hello")
        await ana.ask("POST", "/folders", {"name": "kept"}, headers={"Idempotency-Key": "used"})
        (self.grant,) = await ana.invite(self.folder, "edit_delete", "ben")
        await ben.accept(self.grant)
        (self.invitation,) = await ana.invite(self.folder, "view", "cleo")
        snapshots = f"/folders/{self.folder}/snapshots"
        self.kept = (await ana.ask("POST", snapshots))["id"]
        async with asyncio.timeout(30):
            while (await ana.ask("GET", f"{snapshots}/{self.kept}"))["state"] == "making":
                await asyncio.sleep(0.05)
        async with self.running.service.db.write() as tx:
            wanted = handing.Offer("dan")
            self.offer = (await handing.offer(tx, Person("ana"), self.folder, wanted)).id
        await self._build_machine()
        async with asyncio.timeout(30):  # what was written is told within a second
            while await self._notices() < 2:
                await asyncio.sleep(0.05)

    async def _build_machine(self) -> None:
        ana = self.api("ana")
        asked = {"name": "box", "size": "small", "image": "debian", "drive_gib": 1}
        box = await ana.ask("POST", "/machines", asked)
        self.machine, [drive] = box["id"], box["drives"]
        self.drive, path = drive["drive_id"], f"/machines/{self.machine}"
        async with asyncio.timeout(30):
            while box["state"] != "running" or box["drives"][0]["state"] != "attached":
                await asyncio.sleep(0.05)
                box = await ana.ask("GET", path)
        taken = await ana.ask("POST", f"{path}/snapshots", {"name": "disk"})
        self.disk = taken["id"]
        async with asyncio.timeout(30):
            while taken["state"] != "ready":
                await asyncio.sleep(0.05)
                taken = await ana.ask("GET", f"/machine-snapshots/{self.disk}")

    async def _notices(self) -> int:
        told = await self.api("ana").ask("GET", "/events")
        return sum(event["type"] == "files.changed" for event in told["items"])

    def path(self, template: str) -> str:
        """The contract's path with this scene's ids."""
        grant = self.invitation if template.startswith("/invitations") else self.grant
        ids = {"folder_id": self.folder, "grant_id": grant, "person": "ben"}
        ids |= {"hand_over_id": self.offer}
        ids |= {"clone_id": "cln_" + "0" * 26, "snapshot_id": self.kept}
        ids |= {"machine_id": self.machine, "drive_id": self.drive}
        ids |= {"machine_snapshot_id": self.disk}
        # What makes no sense is refused before it is looked for.
        ids |= {f"{name}_id": f"{prefix}_{'0' * 26}" for name, prefix in NOWHERE.items()}
        return template.format(**ids)

    async def snapshot(self) -> Snapshot:
        """Everything in the database and in the store."""
        running = self.running.service
        async with asyncio.timeout(30):
            while (await backlog(running.db)).events:
                await asyncio.sleep(0.05)
        found: Snapshot = {"files": self._files()}
        async with running.db.read() as conn:
            for table in metadata.sorted_tables:
                if table.name not in RESTLESS:
                    rows = await conn.execute(table.select())
                    found[table.name] = sorted(repr(tuple(row)) for row in rows)
        return found

    def _files(self) -> dict[str, str | None]:
        paths = (p for p in self.store.rglob("*") if not _is_shard(p, self.store))
        return {
            str(p.relative_to(self.store)): hashlib.sha256(p.read_bytes()).hexdigest()
            if p.is_file()
            else None
            for p in paths
        }

    def check_log(self) -> None:
        """No secret, and no error."""
        text = self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        for secret in {*self.running.hub.tokens, *self.secrets}:
            assert secret not in text, "a secret is in the log"
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line for line in lines if line["level"] in ("error", "critical")] == []


def _is_shard(path: Path, store: Path) -> bool:
    # A folder that was refused late leaves the empty first level of its place.
    return path.parent == store and len(path.name) == 2


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        pytest.param("sqlite", id="on SQLite"),
        pytest.param(
            "postgresql",
            id="on PostgreSQL",
            marks=[pytest.mark.postgres, pytest.mark.postgres_all],
        ),
    ],
)
async def scene(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    small_world: SmallWorld,
) -> AsyncIterator[Scene]:
    """The service of this file, with a log that is kept."""
    where = tmp_path_factory.mktemp("scene")
    url = f"sqlite:///{where}/vmshare.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log = io.StringIO()
    configure_logs(logging.DEBUG, log)
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(fake_hub())
        small_world.move_into(hub)
        running = await stack.enter_async_context(
            running_service(
                where, url, hub, small_world, teams_every=3600.0, cloud=FakeCloud(), pace=QUIET
            )
        )
        found = Scene(Api(running, stack), running, where / "store", log)
        await found.build()
        yield found
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest_asyncio.fixture(loop_scope="module")
async def untouched(scene: Scene) -> AsyncIterator[None]:
    """Database and store are after the test as they were before; the log keeps the secrets."""
    before = await scene.snapshot()
    yield
    assert await scene.snapshot() == before
    scene.check_log()
