"""What root in a machine tries against the host, other machines, and what is not its own.

Everything runs there as it would for an owner with sudo: in an SSH session of a real sandbox.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jupyterhub_vmshare.cloud.port import Power
from jupyterhub_vmshare.cloud.sandbox.keeper.confining import KEPT
from tests.cloud.bench import Bench
from tests.cloud.shell import Shell
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes

pytestmark = pytest.mark.machines
Found = TypeVar("Found")
QUIETLY = ">/dev/null 2>&1 </dev/null &"


def wait(asked: Coroutine[Any, Any, Found]) -> Found:
    return asyncio.run(asked)


@dataclass(frozen=True)
class Town:
    """Two machines of two owners on one host."""

    keeper: KeeperProcess
    bench: Bench
    mine: Shell
    other: Shell

    def attached(self, shell: Shell, drive: str, *, read_only: bool = False) -> str:
        """Put a drive on a machine, and give where it is there."""
        wait(self.bench.attached(drive, shell.machine, read_only=read_only))
        mark = wait(self.bench.cloud.drive(drive)).mark
        return f"/srv/drives/{mark[-12:]}"

    def detached(self, shell: Shell, drive: str) -> None:
        cloud = self.bench.cloud
        wait(self.bench.order(lambda: cloud.detach_drive(drive, shell.machine)))
        wait(self.bench.settled(shell.machine))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("town"))
    try:
        keeper.start()
        bench = Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)
        yield Town(keeper, bench, _machine(keeper, bench), _machine(keeper, bench))
    finally:
        keeper.stop()


def _machine(keeper: KeeperProcess, bench: Bench) -> Shell:
    machine = wait(bench.machine()).id
    wait(bench.keys(machine))
    return Shell.of(keeper, machine)


def test_root_is_nobody_on_the_host(town: Town) -> None:
    """Every process of a machine has ids of that machine's own range, which no other has."""
    ranges = []
    for shell in (town.mine, town.other):
        first = town.keeper.pid(shell.machine)
        namespace = os.stat(f"/proc/{first}/ns/pid").st_ino
        uids = {uid for pid in _processes() for uid in _uids_in(pid, namespace)}
        base = town.keeper.records("machines")[shell.machine]["base"]
        assert uids
        assert all(base <= uid < base + 65_536 for uid in uids)
        ranges.append(range(base, base + 65_536))
    assert 0 not in ranges[0]
    assert set(ranges[0]).isdisjoint(ranges[1])


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _uids_in(pid: int, namespace: int) -> list[int]:
    try:
        if os.stat(f"/proc/{pid}/ns/pid").st_ino != namespace:
            return []
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    found = re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)
    return [int(uid) for uid in found[1].split()] if found else []


def test_a_session_has_few_capabilities_and_a_filter(town: Town) -> None:
    status = town.mine.says("cat /proc/self/status")
    bounding = int(re.findall(r"CapBnd:\s+(\w+)", status)[0], 16)
    assert bounding == sum(1 << number for number in KEPT)
    assert re.findall(r"Seccomp:\s+(\d)", status) == ["2"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("mount -t tmpfs none /mnt", id="mounts something"),
        pytest.param("mount --bind /etc /mnt", id="binds something"),
        pytest.param("mount -o remount,rw /proc/sys", id="makes /proc/sys writable"),
        pytest.param("mount -o remount,rw /run/vmshare", id="makes what it was told writable"),
        pytest.param("umount /proc/keys", id="takes a mask off"),
        pytest.param("unshare --mount true", id="has mounts of its own"),
        pytest.param("unshare --user true", id="becomes root of a namespace of its own"),
        pytest.param("unshare --net true", id="has a network of its own"),
        pytest.param("nsenter -t 1 -m true", id="enters the first process's mounts"),
        pytest.param("mknod /tmp/disk b 7 0", id="makes a block device"),
        pytest.param("mknod /tmp/mem c 1 1", id="makes the memory's device"),
        pytest.param("echo x > /proc/sys/kernel/core_pattern", id="sets the host's core pattern"),
        pytest.param("echo x > /proc/sys/kernel/hostname", id="writes to /proc/sys"),
        pytest.param("echo b > /proc/sysrq-trigger && false", id="restarts the host"),
        pytest.param("chroot /proc/1/root/.. ls /work", id="walks out of its root"),
        pytest.param("echo x > /run/vmshare/init.py", id="changes its first process"),
        pytest.param("rm -f /run/vmshare/seed.json", id="removes what it was told"),
        pytest.param("date -s 2001-01-01", id="sets the host's clock"),
        pytest.param("dmesg", id="reads the host's log"),
        pytest.param("ls -A /sys | grep -v devices | grep .", id="finds devices"),
        pytest.param("ls -A /dev | grep -E 'loop|mem|kvm|fuse|sd|vd|vsock'", id="finds disks"),
        pytest.param("cat /proc/kcore | head -c 1 | grep -q .", id="reads the host's memory"),
        pytest.param("cat /proc/keys | grep .", id="reads the host's keys"),
        pytest.param("ip link | grep -v LOOPBACK | grep -E '^[0-9]+:'", id="finds a network"),
        pytest.param("ping -c 1 -W 1 192.0.2.1", id="sends something out"),
    ],
)
def test_root_can_not(town: Town, line: str) -> None:
    assert town.mine.refuses(line)


# x86-64's numbers; every one of them would have to be refused before its arguments are looked at.
CALLS = {
    "bpf": 321, "io_uring_setup": 425, "keyctl": 250, "add_key": 248, "request_key": 249,
    "perf_event_open": 298, "userfaultfd": 323, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "kexec_load": 246, "open_by_handle_at": 304, "fsopen": 430,
    "fsmount": 432, "open_tree": 428, "move_mount": 429, "mount_setattr": 442, "mount": 165,
    "umount2": 166, "pivot_root": 155, "setns": 308, "swapon": 167, "reboot": 169, "iopl": 172,
    "quotactl": 179, "acct": 163, "syslog": 103,
}  # fmt: skip
CALLING = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {calls!r}.items():
    libc.syscall(number, -1, 0, 0, 0, 0)
    assert ctypes.get_errno() == errno.EPERM, (name, os.strerror(ctypes.get_errno()))
for flag in {flags!r}:
    assert libc.syscall(272, flag) == -1, hex(flag)  # unshare
    assert libc.syscall(56, flag | 17, 0, 0, 0, 0) == -1, hex(flag)  # clone
assert libc.syscall(435, 0, 0) == -1 and ctypes.get_errno() == errno.ENOSYS  # clone3
assert libc.syscall(0x40000000 + 39) == -1  # getpid, as x32 has it
for family in {families!r}:
    try:
        socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        assert error.errno == errno.EAFNOSUPPORT, (family, error)
    else:
        raise AssertionError(family)
for kind in (socket.SOCK_RAW,):
    try:
        socket.socket(socket.AF_INET, kind, 1)
    except PermissionError:
        pass
    else:
        raise AssertionError("raw")
if os.fork() == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
print("held")
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="The numbers are those of x86-64.")
def test_calls_that_reach_the_kernel_as_a_whole_are_refused(town: Town) -> None:
    flags = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
    families = [17, 38, 40, 15, 30, 31, 44]  # packet, alg, vsock, key, tipc, bluetooth, xdp
    program = CALLING.format(calls=CALLS, flags=flags, families=families)
    assert town.mine.python(program) == "held"


def test_nobody_types_into_another_terminal(town: Town) -> None:
    program = """
import fcntl, os, pty
main, side = pty.openpty()
try:
    fcntl.ioctl(side, 0x5412, b"x")
except PermissionError:
    print("held")
"""
    assert town.mine.python(program) == "held"


def test_another_machine_s_processes_and_sockets_are_not_there(town: Town) -> None:
    name = f"v{secrets.token_hex(6)}"
    town.other.run(f"cp /bin/sleep /tmp/{name}; setsid /tmp/{name} 600 {QUIETLY}")
    town.other.run(f"pgrep -x {name}")
    assert town.mine.refuses(f"pgrep -x {name}")
    seen = town.mine.says("cat /proc/net/unix")
    assert str(town.keeper.run) not in seen
    assert town.mine.refuses(f"ls {town.keeper.run}")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        dial = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        assert town.mine.refuses(f'python3 -c "{dial}"')


def test_the_host_s_files_are_nowhere(town: Town) -> None:
    marker = f"vmshare-{secrets.token_hex(8)}"
    file = town.keeper.where / marker
    file.write_text("the host's own")
    try:
        assert town.mine.says(f"find / -name {marker} 2>/dev/null || true") == ""
        mounts = town.mine.says("cat /proc/self/mountinfo")
        assert str(town.keeper.state) not in mounts
    finally:
        file.unlink()


def test_what_one_changes_of_the_image_another_does_not_see(town: Town) -> None:
    town.mine.run("printf '#!/bin/sh\\necho stolen\\n' > /usr/bin/id; rm /usr/bin/tac")
    assert town.mine.says("id") == "stolen"
    assert "uid=0" in town.other.says("id")
    town.other.run("test -e /usr/bin/tac")


def test_a_drive_carries_owners_but_no_power_to_another_machine(town: Town) -> None:
    drive = wait(town.bench.drive()).id
    at = town.attached(town.mine, drive)
    town.mine.run(f"cp /bin/dash {at}/rooted && chmod 4755 {at}/rooted")
    town.mine.run(f"touch {at}/hers && chown 20001:20001 {at}/hers")
    assert town.mine.refuses(f"mknod {at}/disk b 7 0")
    town.detached(town.mine, drive)
    town.attached(town.other, drive)
    assert town.other.says(f"stat -c %u {at}/hers {at}/rooted").split() == ["20001", "0"]
    asked = f"setpriv --reuid=20002 --regid=20002 --clear-groups {at}/rooted -p -c 'id -u'"
    assert town.other.says(asked) == "20002"
    town.detached(town.other, drive)


def test_a_drive_to_read_is_not_written_by_root_either(town: Town) -> None:
    drive = wait(town.bench.drive()).id
    at = town.attached(town.mine, drive)
    town.mine.run(f"echo data > {at}/file")
    town.detached(town.mine, drive)
    for shell in (town.mine, town.other):
        assert town.attached(shell, drive, read_only=True) == at
        assert shell.says(f"cat {at}/file") == "data"
        assert shell.refuses(f"echo changed > {at}/file")
        assert shell.refuses(f"mount -o remount,rw {at}")
    for shell in (town.mine, town.other):
        town.detached(shell, drive)


def test_a_drive_is_shared_by_everybody_on_the_machine(town: Town) -> None:
    drive = wait(town.bench.drive()).id
    town.attached(town.mine, drive)
    town.mine.run("useradd -u 20001 -g users ana; useradd -u 20002 -g users ben")
    as_ana, as_ben = (f"setpriv --reuid={uid} --regid=100 --clear-groups" for uid in (20001, 20002))
    town.mine.run(f"{as_ana} sh -c 'umask 022; mkdir /srv/shared/d; echo hers > /srv/shared/d/f'")
    town.mine.run(f"{as_ben} sh -c 'echo his >> /srv/shared/d/f'")
    assert town.mine.says("cat /srv/shared/d/f").split() == ["hers", "his"]
    town.detached(town.mine, drive)
    assert town.mine.refuses("ls /srv/shared/d")


def test_an_owner_s_sudo_works(town: Town) -> None:
    town.mine.run(
        "useradd -u 20003 cleo; echo 'cleo ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/cleo"
    )
    as_cleo = "setpriv --reuid=20003 --regid=20003 --clear-groups"
    assert town.mine.says(f"{as_cleo} sudo -n stat -Lc %u /proc/self") == "0"
    assert town.mine.refuses(f"{as_cleo} sudo -n mount -t tmpfs none /mnt")


def test_detaching_ends_who_is_in_there(town: Town) -> None:
    drive = wait(town.bench.drive()).id
    at = town.attached(town.mine, drive)
    town.mine.run(f"cp /bin/sleep /tmp/nap; (cd {at}; exec setsid /tmp/nap 1000) {QUIETLY}")
    town.mine.run(f"cp /bin/sleep {at}/lie; setsid {at}/lie 1000 {QUIETLY}")
    town.mine.run("until pgrep -x nap && pgrep -x lie; do sleep 0.05; done")
    town.detached(town.mine, drive)
    assert town.mine.refuses("pgrep -x nap || pgrep -x lie")
    assert not [file for file in town.keeper.loops() if drive in file]


def test_whoever_fills_a_drive_or_a_disk_fills_no_other(town: Town) -> None:
    drive = wait(town.bench.drive()).id
    at = town.attached(town.mine, drive)
    for place in (at, "/var/tmp", "/dev/shm", "/run"):
        assert town.mine.refuses(f"fallocate -l 2G {place}/large"), place
        town.mine.run(f"rm -f {place}/large")
    town.detached(town.mine, drive)


def test_links_lead_a_drive_nowhere(town: Town) -> None:
    """Its owner puts a link where the keeper will mount: the order fails, and nothing else."""
    drive = wait(town.bench.drive()).id
    town.mine.run("mv /srv/drives /srv/real && ln -s /etc /srv/drives")
    town.attached(town.mine, drive)
    seen = wait(town.bench.cloud.drive(drive))
    assert seen.attached_to == ()
    assert seen.because is not None
    town.mine.run("rm /srv/drives && mv /srv/real /srv/drives")
    at = town.attached(town.mine, drive)
    town.mine.run(f"test -d {at}/shared")
    town.detached(town.mine, drive)


def test_a_root_full_of_links_does_not_start_and_harms_nobody(town: Town) -> None:
    machine = _machine(town.keeper, town.bench)
    machine.run("mv /srv /gone; ln -s /etc /srv; rm -rf /opt; ln -s /proc/1/root /opt")
    drive = wait(town.bench.drive()).id
    cloud = town.bench.cloud
    wait(town.bench.order(lambda: cloud.stop_machine(machine.machine)))
    wait(town.bench.settled(machine.machine))
    wait(town.bench.attached(drive, machine.machine))
    wait(town.bench.order(lambda: cloud.start_machine(machine.machine)))
    seen = wait(town.bench.settled(machine.machine))
    assert (seen.power, bool(seen.because)) == (Power.FAILED, True)
    wait(town.bench.order(lambda: cloud.delete_machine(machine.machine)))
    wait(town.bench.gone(lambda: cloud.machine(machine.machine)))
    assert (wait(town.bench.ready_drive(drive))).attached_to == ()


def test_keys_that_are_changed_later_are_not_believed(town: Town) -> None:
    machine = _machine(town.keeper, town.bench)
    before = wait(town.bench.keys(machine.machine))
    machine.run(
        "cd /etc/vmshare; rm ssh_host_*; ssh-keygen -qt ed25519 -N '' -f $PWD/ssh_host_ed25519_key"
    )
    assert wait(town.bench.keys(machine.machine)) == before


def test_a_console_that_is_flooded_stays_small(town: Town) -> None:
    program = """
import ctypes, os, time
libc = ctypes.CDLL(None)
console = libc.syscall(438, os.pidfd_open(1), 1, 0)  # pidfd_getfd
assert console >= 0
os.set_blocking(console, False)
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        os.write(console, b"flood " * 10000)
    except BlockingIOError:
        time.sleep(0.001)
os.set_blocking(console, True)
"""
    town.mine.python(program)
    place = town.keeper.state / "machines" / town.mine.machine
    assert sum(file.stat().st_size for file in place.glob("console.*")) < 1 << 20
    assert "flood" in wait(town.bench.cloud.console_log(town.mine.machine, most_bytes=100))


def test_memory_and_processes_have_a_limit(town: Town) -> None:
    wait(town.bench.cloud.start())
    if not town.bench.cloud.capabilities.limits:
        pytest.skip("This host has no control groups to enforce sizes with.")
    assert town.mine.refuses("python3 -c 'x = bytearray(400 << 20)'")
    assert town.mine.says("echo here") == "here"


def test_nobody_but_the_service_orders(town: Town) -> None:
    asked = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(1);"
        's.connect(sys.argv[1]); s.sendall(b\'{"do": "machines"}\\n\'); print(s.recv(1000))'
    )
    command = [sys.executable, "-c", asked, str(town.keeper.socket)]
    assert b"not-allowed" in subprocess.run(command, capture_output=True, check=True).stdout
