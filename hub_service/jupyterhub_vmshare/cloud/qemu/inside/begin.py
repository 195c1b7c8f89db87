#!/usr/bin/python3 -IS
"""What a virtual machine of the service does by itself, as root, with Python alone.

``begin``        at each start, before its SSH server: a new disk, also one that is a copy, gets
                 host keys of its own, and the host hears which
``drive NAME``   a disk has come, or has become larger: mounted, and grown
``leave LABEL``  a drive is about to go: whoever has files open there ends, then it is unmounted
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT = Path("/etc/vmshare")
HOST = Path("/dev/virtio-ports/org.vmshare.told")
DRIVES, SHARED = Path("/srv/drives"), Path("/srv/shared")
LEFT, ALONE = Path("/run/vmshare-left"), Path("/run/vmshare-drives.lock")
LABEL = re.compile(r"[a-z0-9]{1,16}")
PATIENCE = 60.0


def begin() -> None:
    """Prepare for people."""
    told, known = (KEPT / "disk.told").read_text(), KEPT / "disk"
    if not known.exists() or known.read_text() != told:
        for key in [*KEPT.glob("ssh_host_*"), *Path("/etc/ssh").glob("ssh_host_*")]:
            key.unlink()
        (KEPT / "machine_authorities.pub").unlink(missing_ok=True)
        known.write_text(told)
    know_own_name()
    run("/usr/local/sbin/vmshare-machine", "setup")
    run("resize2fs", "/dev/vda")
    tell((KEPT / "ssh_host_ed25519_key.pub").read_text())


def know_own_name() -> None:
    """Else sudo complains: there is nobody to ask."""
    name, hosts = Path("/etc/hostname").read_text().strip(), Path("/etc/hosts")
    if name not in hosts.read_text().split():
        with hosts.open("a") as file:
            file.write(f"127.0.1.1\t{name}\n")


def tell(line: str) -> None:
    """Say it to the host by a way that is not the network."""
    deadline = time.monotonic() + PATIENCE
    while not HOST.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    with HOST.open("wb", buffering=0) as host:
        host.write(line.encode())


def drive(name: str) -> None:
    """Have a disk mounted as large as it is. Only what the service formatted is touched."""
    if not re.fullmatch(r"sd[a-z]{1,3}", name) or left(name).exists():
        return
    device, label = f"/dev/{name}", label_of(name)
    if not LABEL.fullmatch(label):
        return
    place, read_only = DRIVES / label, Path(f"/sys/block/{name}/ro").read_text().strip() == "1"
    if not place.is_mount():
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        how = "nosuid,nodev" + (",ro,noload" if read_only else "")
        run("mount", "-t", "ext4", "-o", how, device, str(place))
    if not read_only:
        run("resize2fs", device)
        if (place / "shared").is_dir() and not SHARED.is_mount():
            run("mount", "--bind", str(place / "shared"), str(SHARED))


def leave(label: str) -> None:
    """Let go of a drive, for good: its disk is still there for a moment."""
    if not LABEL.fullmatch(label):
        return
    for name in (path.name for path in Path("/sys/block").glob("sd*")):
        if label_of(name) == label:
            left(name).parent.mkdir(exist_ok=True)
            left(name).touch()
    place = DRIVES / label
    if not place.is_mount():
        return
    device = place.stat().st_dev
    for turn in range(50):
        if SHARED.is_mount() and SHARED.stat().st_dev == device:
            subprocess.run(("umount", str(SHARED)), check=False)
        if subprocess.run(("umount", str(place)), check=False).returncode == 0:
            with suppress(OSError):
                place.rmdir()
            return
        signs = "-TERM" if turn < 5 else "-KILL"
        subprocess.run(("fuser", "-k", signs, "-M", "-m", str(place)), check=False)
        time.sleep(0.1)
    sys.exit("The drive is still in use.")


def label_of(name: str) -> str:
    """The label of a disk's file system; empty without one."""
    return run("blkid", "-p", "-o", "value", "-s", "LABEL", f"/dev/{name}").strip()


def left(name: str) -> Path:
    """There, once a disk was let go. One that comes has another number than each before it."""
    return LEFT / Path(f"/sys/block/{name}/diskseq").read_text().strip()


@contextmanager
def alone() -> Iterator[None]:
    """One drive after the other, whether it comes or goes."""
    with ALONE.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str) -> str:
    """A program without a shell; what it wrote. What fails stands on the console."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False
    )
    return done.stdout


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["begin"]:
            begin()
        case ["drive", name]:
            with alone():
                drive(name)
        case ["leave", label]:
            with alone():
                leave(label)
        case _:
            sys.exit("Say: vmshare-begin begin | drive NAME | leave LABEL")
