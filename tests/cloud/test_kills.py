"""The keeper is killed in every named step, and started again: nothing is half, and nothing twice.

Beside what is ordered, a machine runs that nobody touches: it must never blink.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from _pytest.mark.structures import ParameterSet

from jupyterhub_vmshare.cloud import keeper
from jupyterhub_vmshare.cloud.keeper.drives import Drives
from jupyterhub_vmshare.cloud.keeper.machines import Machines
from jupyterhub_vmshare.cloud.port import CloudMissing, CloudUnreachable, Power
from jupyterhub_vmshare.cloud.qemu import keeper as virtual_machines
from jupyterhub_vmshare.cloud.sandbox import keeper as sandboxes
from tests.cloud.bench import Bench
from tests.cloud.town import ORDERS, VIRTUAL_ORDERS, Order, Town
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes
from tests.fixtures.virtual_machines import VirtualKeeper, missing_for_virtual_machines

pytestmark = pytest.mark.asyncio
SANDBOXES = pytest.mark.machines
VIRTUAL = (pytest.mark.vm, pytest.mark.timeout(900))
AGAIN = (*VIRTUAL, pytest.mark.vm_again)
KINDS = [
    pytest.param(False, id="sandboxes", marks=SANDBOXES),
    pytest.param(True, id="virtual machines", marks=VIRTUAL),
]


def cases() -> Iterator[ParameterSet]:
    """Each order and each step at which the keeper dies in it, on each kind of machine."""
    for virtual, kind, orders, marks, again in (
        (False, "sandboxes", ORDERS, (SANDBOXES,), (SANDBOXES,)),
        (True, "virtual machines", VIRTUAL_ORDERS, VIRTUAL, AGAIN),
    ):
        played: set[str] = set()
        for name, order in orders.items():
            for step in order.steps:
                yield pytest.param(
                    virtual,
                    order,
                    f"keeper.{step}",
                    id=f"{kind}: {name}, at {step}",
                    marks=again if step in played else marks,
                )
                played.add(step)


@pytest_asyncio.fixture
async def town(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Town]:
    virtual: bool = request.param
    because = missing_for_virtual_machines() if virtual else missing_for_sandboxes()
    if because is not None:
        pytest.skip(because)
    # Nobody in a virtual machine would hear so early that it should stop.
    town = (
        VirtualKeeper(tmp_path, options=("--patience=1",)) if virtual else KeeperProcess(tmp_path)
    )
    try:
        town.start(victim=True)
        bench = Bench(town.cloud(), IMAGE, "small", "large", patience=300 if virtual else 60)
        beside = (await bench.machine()).id
        if virtual:  # it needs no processor to be there
            os.kill(town.pid(beside), signal.SIGSTOP)
        yield Town(town, bench, beside, town.pid(beside), virtual)
    finally:
        town.stop()


@pytest.mark.parametrize(
    ("kind", "orders"),
    [
        pytest.param(sandboxes, ORDERS, id="sandboxes"),
        pytest.param(virtual_machines, VIRTUAL_ORDERS, id="virtual machines"),
    ],
)
async def test_no_step_of_the_keeper_is_forgotten(
    kind: ModuleType, orders: dict[str, Order]
) -> None:
    """What it names in its own code, and the beginning of each order that it carries out."""
    rooms = [Path(str(room.__file__)).parent for room in (keeper, kind)]
    code = "".join(path.read_text() for room in rooms for path in room.glob("*.py"))
    named = set(re.findall(r'reached\(f?"keeper\.([^"]+)"\)', code))
    assert len(named) > 20
    tried = {step for order in orders.values() for step in order.steps}
    shapes = {re.escape(name).replace(r"\{what\}", r"\w+") for name in named}
    assert [shape for shape in shapes if not any(re.fullmatch(shape, one) for one in tried)] == []
    for what in (name.removeprefix("_do_") for name in vars(Machines) if name.startswith("_do_")):
        assert f"{what}.recorded" in tried
    begun = {"create": "drive.recorded", "extend": "drive.extend", "delete": "drive.delete"}
    for what in (name.removeprefix("_do_") for name in vars(Drives) if name.startswith("_do_")):
        assert begun.get(what, f"{what}.recorded") in tried


@pytest.mark.parametrize(("town", "order", "step"), list(cases()), indirect=["town"])
async def test_what_was_ordered_holds_in_the_end(town: Town, order: Order, step: str) -> None:
    await order.before(town)
    town.keeper.armed.write_text(step)
    accepted = False
    with suppress(CloudUnreachable):
        await order.give(town)
        accepted = True
    town.keeper.wait_for_death()
    town.keeper.start()
    if not accepted:  # whether it was heard is not known, and to order it again does no harm
        with suppress(CloudMissing):
            await town.bench.order(lambda: order.give(town))
    await order.holds(town)


@pytest.mark.parametrize("town", KINDS, indirect=True)
async def test_a_keeper_that_dies_blinks_no_machine(town: Town) -> None:
    town.keeper.kill()
    assert town.keeper.machine_pids() == [town.beside_pid]
    town.keeper.start()
    assert (await town.bench.cloud.machine(town.beside)).power is Power.RUNNING
    await town.is_whole(running=1)


@pytest.mark.parametrize("town", KINDS, indirect=True)
async def test_after_a_reboot_of_the_host_machines_are_found_stopped(town: Town) -> None:
    town.keeper.kill()
    record = town.keeper.state / "machines" / town.beside / "process.json"
    told = record.read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record.write_text(told.replace(boot, "another-boot"))
    town.keeper.start()
    assert (await town.bench.cloud.machine(town.beside)).power is Power.STOPPED
    record.write_text(told)
