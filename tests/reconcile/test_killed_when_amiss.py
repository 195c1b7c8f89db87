"""The service is killed where something went wrong, or changed by itself; and goes on after it.

What is written down is true in the end, and said; nothing is there twice, nothing is left over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from jupyterhub_vmshare.cloud.port import CloudRefused, Power
from jupyterhub_vmshare.machines.model import Desired, State
from jupyterhub_vmshare.reconcile.drives import LOST as DRIVE_LOST
from jupyterhub_vmshare.reconcile.machines import FROM_ELSEWHERE, LOST
from jupyterhub_vmshare.reconcile.snapshots import LOST as SNAPSHOT_LOST
from jupyterhub_vmshare.reconcile.steps import MOST_ATTEMPTS
from jupyterhub_vmshare.reconcile.worker import Reconciler
from tests.reconcile import killing, test_killed
from tests.reconcile.site import Site
from tests.reconcile.test_killed import Asked, came_true, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
Script = Callable[[Site], Awaitable[Asked]]
NO = "No."
BURNT = "Its host burnt down."


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def calm(site: Site) -> AsyncIterator[None]:
    """No test leaves a cloud that is slow."""
    yield
    site.cloud.delays.clear()


# --- killed before it was written down ---


def written_late(script: Script, step: str) -> Script:
    """The order was given, and whoever gave it is dead."""

    async def script_killed(site: Site) -> Asked:
        asked = await script(site)
        assert await site.killed_at(step)
        return asked

    return script_killed


async def reboot_late(site: Site) -> Asked:
    site.cloud.delays["reboot_machine"] = 1.0
    return await written_late(test_killed.reboot, "machines.reboot.ordered")(site)


# --- changed by itself ---


async def shut_down_inside(site: Site) -> Asked:
    machine = await running(site)
    site.cloud.crash((await site.row("machines", machine)).cloud_id)
    return Asked("machines", machine, power=Power.STOPPED, because=FROM_ELSEWHERE)


def broken_later(script: Script) -> Script:
    """It was made, and fails afterwards."""

    async def script_broken(site: Site) -> Asked:
        asked = await script(site)
        await site.settle()
        site.cloud.break_down((await site.row(asked.kind, asked.row_id)).cloud_id, BURNT)
        power = Power.FAILED if asked.kind == "machines" else None
        return Asked(asked.kind, asked.row_id, power=power, because=BURNT)

    return script_broken


def vanished(script: Script, because: str) -> Script:
    """It was made, and somebody took it away."""

    async def script_vanished(site: Site) -> Asked:
        asked = await script(site)
        await site.settle()
        site.cloud.vanish((await site.row(asked.kind, asked.row_id)).cloud_id)
        return Asked(asked.kind, asked.row_id, because=because)

    return script_vanished


# --- not to be had ---


def never_made(script: Script, order: str) -> Script:
    """It comes out broken each time."""

    async def script_failing(site: Site) -> Asked:
        for _ in range(MOST_ATTEMPTS):
            site.cloud.fail_next(order, BURNT)
        asked = await script(site)
        return Asked(asked.kind, asked.row_id, is_there=False, because=BURNT, made=False)

    return script_failing


async def attached_in_vain(site: Site) -> Asked:
    asked = await broken_later(test_killed.create_machine)(site)
    await site.swept()
    drive = await site.drive()
    await site.settle()
    attachment = await site.attach(drive, asked.row_id)
    name = (await site.row("machines", asked.row_id)).name
    because = f"{name} is not in order. Start it, or rebuild it."
    return Asked("attachments", attachment, because=because, made=False)


def refused(script: Script, order: str, *, power: Power | None = None, made: bool = True) -> Script:
    """The cloud says no to it."""

    async def script_refused(site: Site) -> Asked:
        asked = await script(site)
        site.cloud.refuse_next(order, CloudRefused(NO))
        there = made or asked.kind == "attachments"
        return Asked(asked.kind, asked.row_id, is_there=there, power=power, because=NO, made=made)

    return script_refused


ON, OFF = Power.RUNNING, Power.STOPPED
AMISS: dict[str, Script] = {
    "machines.adopt.recorded": written_late(test_killed.create_machine, "machines.create.ordered"),
    "machines.accepted.recorded": reboot_late,
    "machines.follow.recorded": shut_down_inside,
    "machines.broken.recorded": broken_later(test_killed.create_machine),
    "machines.give_up.recorded": never_made(test_killed.create_machine, "create_machine"),
    "machines.lost.recorded": vanished(test_killed.create_machine, LOST),
    "drives.adopt.recorded": written_late(test_killed.create_drive, "drives.create.ordered"),
    "drives.broken.recorded": broken_later(test_killed.create_drive),
    "drives.give_up.recorded": never_made(test_killed.create_drive, "create_drive"),
    "drives.lost.recorded": vanished(test_killed.create_drive, DRIVE_LOST),
    "attachments.give_up.recorded": attached_in_vain,
    "snapshots.adopt.recorded": written_late(
        test_killed.create_snapshot, "snapshots.create.ordered"
    ),
    "snapshots.broken.recorded": broken_later(test_killed.create_snapshot),
    "snapshots.give_up.recorded": never_made(test_killed.create_snapshot, "create_snapshot"),
    "snapshots.lost.recorded": vanished(test_killed.create_snapshot, SNAPSHOT_LOST),
    "machines.create.refused": refused(test_killed.create_machine, "create_machine", made=False),
    "machines.start.refused": refused(test_killed.start, "start_machine", power=OFF),
    "machines.stop.refused": refused(test_killed.stop, "stop_machine", power=ON),
    "machines.reboot.refused": refused(test_killed.reboot, "reboot_machine", power=ON),
    "machines.resize.refused": refused(test_killed.resize, "resize_machine", power=ON),
    "machines.rebuild.refused": refused(test_killed.rebuild, "rebuild_machine", power=ON),
    "drives.create.refused": refused(test_killed.create_drive, "create_drive", made=False),
    "drives.extend.refused": refused(test_killed.extend, "extend_drive"),
    "attachments.attach.refused": refused(test_killed.attach, "attach_drive", made=False),
    "attachments.detach.refused": refused(test_killed.detach, "detach_drive"),
    "snapshots.create.refused": refused(test_killed.create_snapshot, "create_snapshot", made=False),
}


@pytest.mark.parametrize("step", (*killing.REFUSED, *killing.WRITTEN_AMISS))
async def test_killed_where_something_is_amiss(site: Site, step: str) -> None:
    asked = await AMISS[step](site)
    before = len(site.cloud.orders)
    assert await site.killed_at(step, sweeps=True), "the step was not reached"
    assert not await site.killed_at(step, sweeps=True), "what was written down is done again"
    await site.swept()
    await came_true(site, asked)
    given = [verb for verb, _ in site.cloud.orders[before:]]
    most = {"give_up": 2 * MOST_ATTEMPTS, "refused": 1}
    word = step.rpartition(".")[2] if step.endswith("refused") else step.split(".")[1]
    assert len(given) <= most.get(word, 0), given


@pytest.mark.parametrize("step", [each for each in killing.REFUSED if ".create." not in each])
async def test_what_was_refused_is_not_wanted_any_more(site: Site, step: str) -> None:
    """Else it would come true with the next thing that somebody asks for."""
    asked = await AMISS[step](site)
    await site.killed_at(step)
    before = len(site.cloud.orders)
    kind = next(each for each in Reconciler(site.db, site.cloud).kinds if each.name == asked.kind)
    async with site.db.write() as tx:
        looked_at = kind.table.c.id == asked.row_id
        await tx.conn.execute(kind.table.update().where(looked_at).values(settled=False))
    await site.settle()
    again = [verb for verb, _ in site.cloud.orders[before:]]
    # A drive that is not on a machine yet stays wanted there, until somebody takes that back.
    assert again == (["attach_drive"] if step.startswith("attachments.attach") else [])


async def test_what_is_lost_or_follows_says_so(site: Site) -> None:
    asked = await vanished(test_killed.create_machine, LOST)(site)
    await site.swept()
    assert (await site.row("machines", asked.row_id)).power is State.MISSING
    asked = await shut_down_inside(site)
    await site.swept()
    assert (await site.row("machines", asked.row_id)).desired is Desired.STOPPED
