"""What is on the disks of real sandboxes, and that it is still there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jupyterhub_vmshare.cloud.port import Power
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench
from tests.cloud.shell import Shell
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes

pytestmark = pytest.mark.machines
Found = TypeVar("Found")


def wait(asked: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(asked)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperProcess]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"))
    try:
        keeper.start()
        yield keeper
    finally:
        keeper.stop()


@pytest.fixture(scope="module")
def bench(keeper: KeeperProcess) -> Bench:
    return Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)


def opened(keeper: KeeperProcess, bench: Bench, machine: str) -> Shell:
    wait(bench.keys(machine))
    return Shell.of(keeper, machine)


def attached(bench: Bench, drive: str, machine: str) -> str:
    wait(bench.attached(drive, machine))
    return f"/srv/drives/{wait(bench.cloud.drive(drive)).mark[-12:]}"


def test_a_stop_lets_programs_end_and_keeps_what_they_wrote(
    keeper: KeeperProcess, bench: Bench
) -> None:
    machine = wait(bench.machine()).id
    shell = opened(keeper, bench, machine)
    shell.run(
        "cat > /usr/local/bin/waits <<'E'\n#!/bin/sh\ntrap 'echo ended > /root/ended; exit' TERM\n"
        "touch /root/waits\nwhile :; do sleep 0.1; done\nE\nchmod +x /usr/local/bin/waits;"
        "setsid waits >/dev/null 2>&1 </dev/null & until test -e /root/waits; do sleep 0.05; done"
    )
    wait(bench.order(lambda: bench.cloud.stop_machine(machine)))
    wait(bench.settled(machine))
    wait(bench.order(lambda: bench.cloud.start_machine(machine)))
    wait(bench.settled(machine))
    assert opened(keeper, bench, machine).says("cat /root/ended") == "ended"


def test_snapshots_and_rebuilds(keeper: KeeperProcess, bench: Bench) -> None:
    """A copy has what was there, a rebuild has not, and neither touches a drive."""
    machine = wait(bench.machine())
    drive = wait(bench.drive()).id
    at = attached(bench, drive, machine.id)
    shell = opened(keeper, bench, machine.id)
    shell.run(f"echo mine > /root/file; echo kept > {at}/file")
    snapshot = wait(bench.snapshot(machine.id)).id
    shell.run("echo later > /root/file")
    copy = wait(bench.machine(snapshot=snapshot)).id
    assert opened(keeper, bench, copy).says("cat /root/file; ls /srv/drives/*") == "mine"
    wanted = bench.wanted(machine.mark)
    wait(bench.order(lambda: bench.cloud.rebuild_machine(machine.id, wanted)))
    wait(bench.settled(machine.id))
    again = opened(keeper, bench, machine.id)
    assert again.refuses("cat /root/file")
    assert again.says(f"cat {at}/file") == "kept"


def test_a_clone_of_a_drive_in_use_has_what_was_written(
    keeper: KeeperProcess, bench: Bench
) -> None:
    machine = wait(bench.machine()).id
    drive = wait(bench.drive()).id
    at = attached(bench, drive, machine)
    shell = opened(keeper, bench, machine)
    shell.run(f"echo data > {at}/file")
    clone = wait(bench.drive(size_gib=2, clone_of=drive)).id
    shell.run(f"echo later > {at}/file")
    other = attached(bench, clone, machine)
    assert shell.says(f"cat {other}/file") == "data"
    assert int(shell.says(f"df --output=size -B1M {other} | tail -1")) > 1700


def test_a_drive_in_use_grows(keeper: KeeperProcess, bench: Bench) -> None:
    """At once where this host lets it, or nobody has a file open; else with the next start."""
    machine = wait(bench.machine()).id
    drive = wait(bench.drive()).id
    at = attached(bench, drive, machine)
    shell = opened(keeper, bench, machine)
    shell.run(f"echo data > {at}/shared/file")
    wait(bench.order(lambda: bench.cloud.extend_drive(drive, 2)))
    wait(bench.ready_drive(drive))
    assert int(shell.says(f"df --output=size -B1M {at} | tail -1")) > 1700
    assert shell.says("cat /srv/shared/file") == "data"
    in_there = ">/dev/null 2>&1 </dev/null & until pgrep -x sleep; do sleep 0.05; done"
    shell.run(f"(cd {at}; exec setsid sleep 1000) {in_there}")
    wait(bench.order(lambda: bench.cloud.extend_drive(drive, 3)))
    wait(bench.ready_drive(drive))
    shell.run("pgrep -x sleep")
    wait(bench.order(lambda: bench.cloud.reboot_machine(machine, hard=True)))
    wait(bench.settled(machine))
    shell = opened(keeper, bench, machine)
    assert int(shell.says(f"df --output=size -B1M {at} | tail -1")) > 2600


def test_a_larger_size_has_a_larger_disk_after_a_start(keeper: KeeperProcess, bench: Bench) -> None:
    machine = wait(bench.machine()).id
    wait(bench.order(lambda: bench.cloud.resize_machine(machine, bench.larger)))
    wait(bench.settled(machine))
    wait(bench.order(lambda: bench.cloud.reboot_machine(machine, hard=True)))
    wait(bench.settled(machine))
    shell = opened(keeper, bench, machine)
    assert int(shell.says("df --output=size -B1M / | tail -1")) > 1700


def test_a_machine_that_ends_by_itself_is_stopped_and_starts_again(
    keeper: KeeperProcess, bench: Bench
) -> None:
    machine = wait(bench.machine()).id
    opened(keeper, bench, machine).run("kill -TERM 1", fine=False)

    async def stopped() -> bool | None:
        return (await bench.cloud.machine(machine)).power is Power.STOPPED or None

    wait(bench.until(stopped))
    wait(bench.order(lambda: bench.cloud.start_machine(machine)))
    assert wait(bench.settled(machine)).power is Power.RUNNING


def test_a_lost_answer_makes_no_second_machine(keeper: KeeperProcess, bench: Bench) -> None:
    wanted = bench.wanted(new_id("mch"))
    first = wait(bench.cloud.create_machine(wanted))
    assert wait(bench.cloud.create_machine(wanted)) == first


def test_a_drive_that_is_broken_says_so(keeper: KeeperProcess, bench: Bench) -> None:
    machine, drive = wait(bench.machine()).id, wait(bench.drive()).id
    file = Path(keeper.state / "drives" / drive / "drive.ext4")
    with file.open("r+b") as opened_file:
        opened_file.write(b"\0" * (1 << 20))
    wait(bench.attached(drive, machine))
    seen = wait(bench.cloud.drive(drive))
    assert (seen.attached_to, bool(seen.because)) == ((), True)
    assert wait(bench.cloud.machine(machine)).power is Power.RUNNING


def test_what_is_done_soon_is_answered_when_it_is_done(bench: Bench) -> None:
    """Nobody who ordered it has to ask again and again."""
    machine, drive = wait(bench.machine()).id, wait(bench.drive()).id
    orders = bench.cloud.attach_drive(drive, machine, read_only=False)
    wait(orders)
    [there] = wait(bench.cloud.machine(machine)).attachments
    assert (there.drive, there.settled) == (drive, True)
    wait(bench.order(lambda: bench.cloud.extend_drive(drive, 2)))
    assert wait(bench.cloud.drive(drive)).size_gib == 2
    wait(bench.order(lambda: bench.cloud.detach_drive(drive, machine)))
    assert wait(bench.cloud.machine(machine)).attachments == ()
    assert wait(bench.cloud.drive(drive)).attached_to == ()
