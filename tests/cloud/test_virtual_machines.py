"""One virtual machine under QEMU, looked at from within, from its host, and through its door.

It takes a minute or two to start where QEMU has to emulate a processor, so that all tests here
share one; each leaves it as it was.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jupyterhub_vmshare.cloud.port import Power
from tests.cloud.bench import Bench
from tests.cloud.door import Door, machine_for, new_key
from tests.cloud.shell import ssh
from tests.fixtures.sandboxes import IMAGE
from tests.fixtures.virtual_machines import SIZES, VirtualKeeper, missing_for_virtual_machines

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]
PATIENCE = 900.0
Found = TypeVar("Found")
_NEVER_ENDS = """\
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStopSec=infinity
ExecStart=/bin/true
ExecStop=/bin/sleep infinity
"""
_SLOW_TO_END = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c "sleep 40; echo at the end > /home/ana/last"
"""


def wait(asked: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(asked)


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, "It does not come."
        time.sleep(0.5)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    if (because := missing_for_virtual_machines()) is not None:
        pytest.skip(because)
    where = tmp_path_factory.mktemp("keys")
    new_key(where / "authority")
    keeper = VirtualKeeper(tmp_path_factory.mktemp("keeper"))
    try:
        keeper.start()
        machine, mark = wait(machine_for(bench_of(keeper), where / "authority.pub"))
        found = Door(keeper, machine, mark, where)
        until(lambda: answers(found))
        found.order(do="ensure", name="ana", uid=20_001, sudo=True, version=1)
        yield found
    finally:
        keeper.stop()


def bench_of(keeper: VirtualKeeper) -> Bench:
    return Bench(keeper.cloud(), IMAGE, "small", "large", patience=PATIENCE)


@pytest.fixture
def bench(door: Door) -> Bench:
    return Bench(door.keeper.cloud(), IMAGE, "small", "large", patience=PATIENCE)


def answers(door: Door) -> bool:
    """Its key is known before its SSH server listens."""
    told = ssh(
        door.socket,
        "root",
        "x",
        key=door.key(f"vmshare@{door.mark}"),
        told=b'{"do":"hello","id":1}\n',
    )
    return b"machine" in told.stdout


def says(door: Door, line: str) -> str:
    """What ana sees there."""
    return ssh(door.socket, "ana", line, key=door.key(f"ana@{door.mark}")).stdout.decode().strip()


def test_people_get_in_by_certificate_as_on_any_machine(door: Door) -> None:
    assert says(door, "id -u; hostname; sudo -n id -u").split() == ["20001", "gpu-box", "0"]
    other = door.key("ana@mch_00000000000000000000000000")
    assert ssh(door.socket, "ana", "true", key=other).returncode != 0


def test_qemu_is_nobody_and_has_no_network(door: Door) -> None:
    pid = door.keeper.pid(door.machine)
    state = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    record = door.keeper.records("machines")[door.machine]
    assert state["Uid"].split() == [str(record["base"])] * 4
    assert state["Seccomp"] == "2"
    assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    # Not even the host, on the address where the machine sees it.
    program = "import socket; socket.create_connection(('10.0.2.2', 2222), 5)"
    assert "rror" in says(door, f'python3 -c "{program}" 2>&1')


def test_a_drive_comes_grows_in_use_and_goes(door: Door, bench: Bench) -> None:
    drive = wait(bench.drive(size_gib=1))
    place = f"/srv/drives/{drive.mark[-12:]}"
    wait(bench.attached(drive.id, door.machine))
    until(lambda: says(door, f"mountpoint -q /srv/shared && stat -c %a {place}/shared") == "2775")
    says(door, "echo mine > /srv/shared/file")
    size = f"df --output=size -B1M {place} | tail -1"
    small = int(says(door, size))
    wait(bench.order(lambda: bench.cloud.extend_drive(drive.id, 2)))
    until(lambda: int(says(door, size)) > small * 3 // 2)
    looks = "sudo -n journalctl -qb -o cat -u 'vmshare-drive@*' | grep -c ^Finished"
    until(lambda: says(door, looks) == "2")
    says(door, f"cd {place}/shared && (setsid sleep 1000 >/dev/null 2>&1 </dev/null &)")
    wait(bench.order(lambda: bench.cloud.detach_drive(drive.id, door.machine)))
    assert wait(bench.settled(door.machine)).attachments == ()
    assert says(door, "mountpoint -q /srv/shared || lsblk -dno NAME; pgrep sleep") == "vda\nvdb"
    assert says(door, looks) == "2", "It is looked at when it comes, and when it becomes larger."
    file = door.keeper.state / "drives" / drive.id / "drive.ext4"
    assert subprocess.run(["e2fsck", "-fn", file], capture_output=True).returncode == 0
    shown = subprocess.run(["debugfs", "-R", "cat /shared/file", file], capture_output=True)
    assert shown.stdout == b"mine\n"


def test_a_snapshot_is_held_still_while_it_begins(door: Door, bench: Bench) -> None:
    says(door, "echo mine > file")  # nobody asks for it to be written to the disk
    snapshot = wait(bench.snapshot(door.machine)).id
    raw = door.where / "raw"
    disk = door.keeper.state / "snapshots" / snapshot / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    shown = subprocess.run(["debugfs", "-R", "cat /home/ana/file", raw], capture_output=True)
    assert shown.stdout == b"mine\n"
    about = subprocess.run(["dumpe2fs", "-h", raw], capture_output=True).stdout
    assert b"needs_recovery" not in about
    raw.unlink()
    assert says(door, "echo goes on > file; cat file") == "goes on"


def test_everything_but_qemu_may_die(door: Door) -> None:
    pid = door.keeper.pid(door.machine)
    shims = door.keeper.shims()
    door.keeper.kill()
    for shim in shims:
        os.kill(shim, signal.SIGKILL)
    door.keeper.start()
    assert door.keeper.pid(door.machine) == pid
    until(lambda: answers(door))
    assert says(door, "echo here") == "here"


def test_a_reboot_waits_for_all_that_a_machine_does_at_its_end(door: Door, bench: Bench) -> None:
    """However long that takes; nobody asks for anything to be written to the disk."""
    pid = door.keeper.pid(door.machine)
    says(door, f"echo '{_SLOW_TO_END}' | sudo -n tee /etc/systemd/system/slow.service")
    says(door, "sudo -n systemctl start slow; echo mine > kept")
    keys = wait(bench.keys(door.machine))
    wait(bench.order(lambda: bench.cloud.reboot_machine(door.machine, hard=False)))
    seen = wait(bench.settled(door.machine))
    assert (seen.power, seen.notice) == (Power.RUNNING, None)
    assert door.keeper.pid(door.machine) != pid
    until(lambda: answers(door))
    assert says(door, "cat kept last") == "mine\nat the end"
    assert wait(bench.keys(door.machine)) == keys


def test_a_stop_leaves_clean_disks_and_drives(door: Door, bench: Bench) -> None:
    drive = wait(bench.drive(size_gib=1))
    wait(bench.attached(drive.id, door.machine))
    until(lambda: says(door, "mountpoint -q /srv/shared && echo there") == "there")
    says(door, "echo mine > kept; echo mine > /srv/shared/kept")
    wait(bench.order(lambda: bench.cloud.stop_machine(door.machine)))
    seen = wait(bench.settled(door.machine))
    assert (seen.power, seen.notice) == (Power.STOPPED, None)
    raw = door.where / "raw"
    disk = door.keeper.state / "machines" / door.machine / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    file = door.keeper.state / "drives" / drive.id / "drive.ext4"
    for held, path in ((raw, "/home/ana/kept"), (file, "/shared/kept")):
        shown = subprocess.run(["debugfs", "-R", f"cat {path}", held], capture_output=True)
        assert shown.stdout == b"mine\n"
        about = subprocess.run(["dumpe2fs", "-h", held], capture_output=True).stdout
        assert b"needs_recovery" not in about
    raw.unlink()


def test_another_size_is_what_a_machine_has(door: Door, bench: Bench) -> None:
    """It was stopped above, and its disk grows with it."""
    wait(bench.order(lambda: bench.cloud.resize_machine(door.machine, bench.larger)))
    assert wait(bench.settled(door.machine)).size == bench.larger
    wait(bench.order(lambda: bench.cloud.start_machine(door.machine)))
    until(lambda: answers(door))
    large = next(size for size in SIZES if size.id == bench.larger)
    assert int(says(door, "nproc")) == large.processors
    memory = int(says(door, "awk '/^MemTotal/ {print $2}' /proc/meminfo")) >> 10
    assert SIZES[0].memory_mib < memory <= large.memory_mib
    disk = int(says(door, "df --output=size -B1M / | tail -1"))
    assert SIZES[0].disk_gib << 10 < disk <= large.disk_gib << 10
    assert says(door, "cat kept") == "mine"


def test_a_hard_reboot_is_there_before_a_stop_has_come_to_its_end(door: Door, bench: Bench) -> None:
    """One service at its end takes longer than anybody waits."""
    says(door, f"echo '{_NEVER_ENDS}' | sudo -n tee /etc/systemd/system/slow.service")
    says(door, "sudo -n systemctl daemon-reload; sudo -n systemctl start slow; sync")
    pid, begun = door.keeper.pid(door.machine), time.monotonic()
    wait(bench.order(lambda: bench.cloud.stop_machine(door.machine)))
    until(lambda: not answers(door))  # it shuts down, and does not come to the end
    assert wait(bench.cloud.machine(door.machine)).power is Power.CHANGING
    wait(bench.cloud.reboot_machine(door.machine, hard=True))
    seen = wait(bench.settled(door.machine))
    assert (seen.power, seen.notice) == (Power.RUNNING, None)
    assert door.keeper.pid(door.machine) != pid
    assert time.monotonic() - begun < 300, "That is what a stop has where it is waited for."
