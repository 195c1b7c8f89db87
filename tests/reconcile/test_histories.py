"""Random days of a site: people ask, the cloud fails, the service is killed; all ends well.

``VMSHARE_SEED`` plays one of them again.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
from collections.abc import Awaitable, Callable

import pytest

from jupyterhub_vmshare.cloud.port import CloudBusy, CloudFull, CloudRefused, Power
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.machines.model import Attachment
from tests.fakes.cloud_state import EVERYTHING
from tests.reconcile.killing import STEPS
from tests.reconcile.site import DEBIAN, Site, sized

pytestmark = pytest.mark.asyncio(loop_scope="module")

MADE = ("create_machine", "create_drive", "create_snapshot")
ORDERS = (
    *MADE,
    *("start_machine", "stop_machine", "reboot_machine", "resize_machine", "rebuild_machine"),
    *("delete_machine", "attach_drive", "detach_drive", "extend_drive", "delete_drive"),
    "delete_snapshot",
)


class Day:
    """One history."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.chance = site, random.Random(seed)
        self.told: list[str] = []

    async def live(self, hours: int) -> None:
        for _ in range(hours):
            for _ in range(self.chance.randint(1, 4)):
                await self._ask()
            for _ in range(self.chance.randint(0, 2)):
                self._trouble()
            step = self.chance.choice(STEPS)
            killed = await self.site.killed_at(step, self.chance.choice((1, 1, 2)))
            self.told.append(f"{'killed at' if killed else 'lived past'} {step}")
        self._calm()
        await self.site.settle()
        await self.site.swept()

    # --- people ---

    async def _ask(self) -> None:
        rows = await self.site.rows()
        some = {kind: self.chance.choice([*found, ""]) for kind, found in rows.items()}
        machine, drive, site = some["machines"], some["drives"], self.site
        verbs: list[Callable[[], Awaitable[object]]] = [
            site.machine,
            site.drive,
            lambda: site.asked(life.start, machine, EVERYTHING),
            lambda: site.asked(life.stop, machine, EVERYTHING),
            lambda: site.asked(life.reboot, machine, EVERYTHING, hard=self.chance.random() < 0.5),
            lambda: site.asked(
                life.resize, machine, EVERYTHING, sized(self.chance.choice(("small", "large")))
            ),
            lambda: site.asked(life.rebuild, machine, EVERYTHING, DEBIAN),
            lambda: site.asked(life.delete, machine),
            lambda: site.attach(drive, machine, read_only=self.chance.random() < 0.5),
            lambda: site.attach(drive, machine),
            lambda: site.asked(drives.detach, drive, machine, EVERYTHING),
            lambda: site.asked(drives.extend, drive, EVERYTHING, self.chance.randint(5, 20)),
            lambda: site.asked(drives.clone, drive, EVERYTHING, site.name()),
            lambda: site.asked(drives.delete, drive),
            lambda: site.snapshot(machine),
            lambda: site.delete_snapshot(some["snapshots"]),
        ]
        number = self.chance.randrange(len(verbs))
        with contextlib.suppress(VMShareError):  # refused: nothing happens
            await verbs[number]()
            self.told.append(f"asked {number} of {machine} {drive}")

    # --- the cloud ---

    def _trouble(self) -> None:
        cloud, order = self.site.cloud, self.chance.choice(ORDERS)
        kind = self.chance.choice(("full", "refused", "busy", "lost", "failed", "slow", "crash"))
        self.told.append(f"{kind} {order}")
        if kind == "full":
            cloud.refuse_next(order, CloudFull("There is no room."))
        elif kind == "refused":
            cloud.refuse_next(order, CloudRefused("No."))
        elif kind == "busy":
            cloud.refuse_next(order, CloudBusy("At work."))
        elif kind == "lost":
            cloud.lose_next(order)
        elif kind == "failed":
            cloud.fail_next(order, "It broke.")
        elif kind == "slow":
            cloud.delays[order] = 1.0
        else:
            for seen in list(cloud._machines):
                if cloud._machines[seen].seen.power is Power.RUNNING:
                    cloud.crash(seen)
                    break
        cloud.advance(self.chance.choice((0.0, 2.0)))

    def _calm(self) -> None:
        cloud = self.site.cloud
        cloud.delays.clear()
        cloud._refuse.clear()
        cloud._fail.clear()
        cloud._lose.clear()
        cloud.advance(10)

    # --- what must hold ---

    async def check(self) -> None:
        await self.site.check()
        rows = await self.site.rows()
        seen = {one.id: one for one in await self.site.cloud.machines()}
        for row in rows["machines"].values():
            assert row.settled
            there = seen.get(row.cloud_id or "")
            if row.because is None:
                assert there is not None
                assert there.power.value == row.desired.value
        on = {(a.drive, m.id, a.read_only) for m in seen.values() for a in m.attachments}
        ids = {row.id: row.cloud_id for kind in rows.values() for row in kind.values()}
        wanted = {
            (ids[row.drive_id], ids[row.machine_id], row.read_only)
            for row in rows["attachments"].values()
            if isinstance(row, Attachment) and row.because is None
        }
        assert {one for one in wanted if one[1] in seen} <= on


async def played(site: Site, seed: int, hours: int) -> None:
    day = Day(site, seed)
    try:
        await day.live(hours)
        await day.check()
    except BaseException:
        print(f"VMSHARE_SEED={seed}", *day.told, sep="\n")
        rows = await site.rows()
        print(*(row for of in rows.values() for row in of.values() if not row.settled), sep="\n")
        raise


@pytest.mark.slow
async def test_a_day(site: Site) -> None:
    seed = int(os.environ.get("VMSHARE_SEED") or secrets.randbelow(10**6))
    await played(site, seed, 12)


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_many_days(site: Site) -> None:
    for _ in range(30):
        await played(site, secrets.randbelow(10**6), 20)
