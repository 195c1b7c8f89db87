"""The relay is killed while the service has machines made, changed and deleted: in each step.

What was asked for comes true all the same, a machine that nobody touches never blinks, nor what
somebody has left running on it, and the next relay lets people in where the one before was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import attachments, machine_snapshots, machines
from jupyterhub_vmshare.db.tables import drives as drive_rows
from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.steps import listening
from tests.fixtures.api import Json
from tests.fixtures.sandboxes import IMAGE, missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.reconcile import killing
from tests.relay.entrance import PATIENCE
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

ROWS = (machines, drive_rows, attachments, machine_snapshots)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("beside")) as made:
        yield made


@dataclass
class Shot:
    """Kills the relay as soon as the service has come to a step."""

    way: Live
    step: str
    hit: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, reached: str) -> None:
        if reached == self.step and not self.hit.is_set():
            assert self.way.relay.process is not None
            self.way.relay.process.kill()
            self.hit.set()


@dataclass
class Course:
    """What ana has done with a machine, a drive and a snapshot, from its making to its end."""

    way: Live
    when: str
    box: str = ""
    drive: str = ""
    snapshot: str = ""
    there: dict[str, set[str]] = field(default_factory=dict)
    """The marks of what should be there."""

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        return await self.way.api("ana").ask(method, path, body)

    async def create(self) -> None:
        new = {"name": f"box-{self.when}", "size": "small", "image": IMAGE, "drive_gib": 0}
        self.box = (await self.ask("POST", "/machines", new))["id"]
        self.there["machines"].add(self.box)

    async def create_drive(self) -> None:
        new = {"name": f"data-{self.when}", "size_gib": 1}
        self.drive = (await self.ask("POST", "/drives", new))["id"]
        self.there["drives"].add(self.drive)

    async def take_snapshot(self) -> None:
        path = f"/machines/{self.box}/snapshots"
        self.snapshot = (await self.ask("POST", path, {"name": f"tools-{self.when}"}))["id"]
        self.there["snapshots"].add(self.snapshot)

    async def delete_snapshot(self) -> None:
        await self.ask("DELETE", f"/machine-snapshots/{self.snapshot}")
        self.there["snapshots"].remove(self.snapshot)

    async def delete(self, verb: Callable[[Transaction, Person, str], Any], thing: str) -> None:
        """As the page of the service does."""
        async with self.way.running.service.db.write() as tx:
            await verb(tx, Person("ana"), thing)
        for marks in self.there.values():
            marks.discard(thing)

    async def machine_is(self, **wanted: Any) -> None:
        told = await self.way.seen(self.box)
        assert {name: told[name] for name in wanted} == wanted

    async def drive_is(self, size_gib: int, *on: str) -> None:
        told = await self.ask("GET", f"/drives/{self.drive}")
        found = [(one["machine_id"], one["state"]) for one in told["machines"]]
        assert (told["state"], told["size_gib"]) == ("ready", size_gib)
        assert found == [(machine, "attached") for machine in on]

    async def snapshot_is_ready(self) -> None:
        told = await self.ask("GET", f"/machine-snapshots/{self.snapshot}")
        assert told["state"] == "ready"

    async def nobody_is_to_be_locked(self) -> None:
        """There is no machine any more on which anybody's account could be."""
        async with within(PATIENCE, "The accounts of a machine that is gone"):
            while any(
                row.is_open or row.is_to_be_locked
                for row in await self.way.running.service.ways.accounts_on([self.box])
            ):
                await asyncio.sleep(0.05)

    async def is_whole(self) -> None:
        """One of each that is wanted, and nothing else."""
        cloud = self.way.keeper.cloud()
        async with within(PATIENCE, "One of everything"):
            while self.there != {
                "machines": {seen.mark for seen in await cloud.machines()},
                "drives": {seen.mark for seen in await cloud.drives()},
                "snapshots": {seen.mark for seen in await cloud.snapshots()},
            }:
                await asyncio.sleep(0.05)


Act = Callable[[Course], Awaitable[Any]]


def posts(what: str, body: Json | None = None, method: str = "POST") -> Act:
    """A verb of the machine's."""
    return lambda course: course.ask(method, f"/machines/{course.box}/{what}", body)


RUNS: Act = lambda course: course.machine_is(state="running")  # noqa: E731
STOPPED: Act = lambda course: course.machine_is(state="stopped")  # noqa: E731
NOTHING: Act = lambda course: course.is_whole()  # noqa: E731
COURSE: dict[str, tuple[Act, Act]] = {
    "machines.create": (Course.create, RUNS),
    "drives.create": (Course.create_drive, lambda c: c.drive_is(1)),
    "attachments.attach": (
        lambda c: c.ask("PUT", f"/drives/{c.drive}/writer/{c.box}"),
        lambda c: c.drive_is(1, c.box),
    ),
    "drives.extend": (
        lambda c: c.ask("PUT", f"/drives/{c.drive}/size", {"size_gib": 2}),
        lambda c: c.drive_is(2, c.box),
    ),
    "snapshots.create": (Course.take_snapshot, Course.snapshot_is_ready),
    "machines.reboot": (posts("reboot"), RUNS),
    "machines.stop": (posts("stop"), STOPPED),
    "machines.resize": (
        posts("size", {"size": "large"}, "PUT"),
        lambda c: c.machine_is(state="stopped", size="large"),
    ),
    "machines.start": (posts("start"), RUNS),
    "machines.rebuild": (posts("rebuild", {"image": IMAGE}), RUNS),
    "attachments.detach": (
        lambda c: c.ask("DELETE", f"/drives/{c.drive}/machines/{c.box}"),
        lambda c: c.drive_is(2),
    ),
    "snapshots.delete": (Course.delete_snapshot, NOTHING),
    "machines.delete": (lambda c: c.delete(life.delete, c.box), Course.nobody_is_to_be_locked),
    "drives.delete": (lambda c: c.delete(drives.delete, c.drive), NOTHING),
}
"""By the reconciler's order, in turn: what is asked for, and what holds once nothing is to do."""


async def test_no_order_is_forgotten() -> None:
    ordered = {name.rpartition(".")[0] for name in killing.ORDERS}
    assert {name for name in ordered if not name.endswith(".discard")} == set(COURSE)


async def nothing_is_to_do(way: Live) -> None:
    """Of no row."""
    async with within(2 * PATIENCE, "The end of all work"):
        while True:
            async with way.running.service.db.read() as conn:
                counts = [
                    await conn.scalar(
                        sa.select(sa.func.count()).select_from(rows).where(sa.not_(rows.c.settled))
                    )
                    for rows in ROWS
                ]
            if not any(counts):
                return
            await asyncio.sleep(0.05)


async def marks(way: Live) -> dict[str, set[str]]:
    cloud = way.keeper.cloud()
    return {
        "machines": {seen.mark for seen in await cloud.machines()},
        "drives": {seen.mark for seen in await cloud.drives()},
        "snapshots": {seen.mark for seen in await cloud.snapshots()},
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["marked", "ordered", "recorded"])
async def test_the_relay_dies_in_each_step(way: Live, when: str) -> None:
    course = Course(way, when, there=await marks(way))
    async with await way.enter("ana") as conn:
        uid = int(str((await conn.run("id -u; tmux new-session -d 'sleep 1000'")).stdout))
    await way.until_there(uid, "sleep 1000")
    [beside] = way.keeper.machine_pids()
    for name, (act, holds) in COURSE.items():
        shot = Shot(way, f"{name}.{when}")
        with listening(shot):
            await act(course)
            async with within(PATIENCE, f"The step {shot.step}"):
                await shot.hit.wait()
        way.relay.kill()  # it is dead; this waits for its end
        restarted = asyncio.create_task(way.relay.start())
        await nothing_is_to_do(way)
        await holds(course)
        await course.is_whole()
        await restarted
        assert beside in way.keeper.machine_pids()
        await still_there(way, course, name)
    assert any("sleep 1000" in each for each in await way.of(uid))
    await way.inside("pkill", "-KILL", "-u", str(uid))


async def still_there(way: Live, course: Course, name: str) -> None:
    """The next relay lets ana in beside, and where something was done, if it runs."""
    own = way.id
    runs = name not in ("machines.stop", "machines.resize", "machines.delete", "drives.delete")
    for machine in (own, course.box) if runs else (own,):
        way.id = machine
        try:
            async with await way.enter("ana") as conn:
                assert (await conn.run("whoami", stdin=asyncssh.DEVNULL)).stdout == "ana\n"
        finally:
            way.id = own
