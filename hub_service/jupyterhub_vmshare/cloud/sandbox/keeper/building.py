"""A machine's root: what is mounted where, before anybody in it runs.

Done by the machine's first process, in mounts of its own that end with it. It is the machine's
root by then as far as files go, with the host's capabilities; what it opens below the machine's
tree is opened without following a link, as the machine's owner may have put one there.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper import kernel
from jupyterhub_vmshare.cloud.keeper.kernel import NO_DEV, NO_EXEC, NO_SUID, READ_ONLY
from jupyterhub_vmshare.cloud.sandbox.keeper import fuse, loops
from jupyterhub_vmshare.cloud.sandbox.keeper.boot import Boot, Drive

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_UNSEEN: Final = ("kcore", "keys", "key-users", "kmsg", "kallsyms", "kpagecount", "kpageflags",
                  "sched_debug", "timer_list", "sysrq-trigger", "diskstats", "partitions",
                  "interrupts", "softirqs", "modules", "vmallocinfo", "slabinfo", "config.gz",
                  "cmdline", "acpi", "asound", "scsi", "driver", "dynamic_debug")  # fmt: skip
_UNCHANGED: Final = ("sys", "irq", "bus", "fs", "tty")
_SHARED: Final = "srv/shared"
_PLAIN: Final = NO_SUID | NO_DEV | NO_EXEC
_TERMINALS: Final = 5  # Debian's group tty
_PROCESSORS: Final = "devices/system/cpu"


def build(boot: Boot, ids: int, mounts: socket.socket) -> int:
    """Mount everything; a descriptor of the root.

    Args:
        boot: What to build.
        ids: The machine's user namespace.
        mounts: Where accounts ask for mounts: it is bound in the machine.
    """
    stage = kernel.filesystem("tmpfs", {"mode": "700", "size": "64k"}, flags=_PLAIN)
    at = Path(boot.run) / "stage"
    _put(stage, os.open(at, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    for name in ("image", "disk", "root"):
        os.mkdir(name, dir_fd=stage)
    image = kernel.copy_of(boot.image)
    kernel.restrict(image, READ_ONLY | NO_DEV, ids_of=ids)
    _put(image, kernel.within(stage, "image"))
    disk = ext4(boot.disk, read_only=False)
    kernel.restrict(disk, NO_DEV, ids_of=ids)
    _put(disk, kernel.within(stage, "disk"))
    layers = {
        "source": "vmshare",
        "lowerdir": f"{at}/image",
        "upperdir": f"{at}/disk/upper",
        "workdir": f"{at}/disk/work",
    }
    root = kernel.filesystem("overlay", layers, flags=NO_DEV)
    _put(root, kernel.within(stage, "root"))
    _furnish(root, boot, mounts)
    for drive in boot.drives:
        _mount_drive(root, drive, ids)
    return root


def ext4(path: Path, *, read_only: bool) -> int:
    """The ext4 in a file, mounted, as a descriptor."""
    device = loops.attach(path, read_only=read_only)
    try:
        options: dict[str, str | None] = {"source": loops.path_of(device)}
        # Without a journal that would have to be written: it was checked before.
        options |= {"ro": None, "noload": None} if read_only else {"discard": None}
        return kernel.filesystem("ext4", options, flags=READ_ONLY if read_only else 0)
    finally:
        os.close(device)


def drive_mount(path: Path, *, read_only: bool, ids: int) -> int:
    """A drive as a machine has it, not yet in place."""
    mount = ext4(path, read_only=read_only)
    kernel.restrict(mount, NO_SUID | NO_DEV | (READ_ONLY if read_only else 0), ids_of=ids)
    return mount


def place_drive(root: int, mount: int, tag: str, *, read_only: bool) -> None:
    """Put a drive where the machine finds it. The first that can be written is shared."""
    _put(mount, kernel.directory(root, f"srv/drives/{tag}"))
    if read_only:
        return
    with suppress(OSError):  # it has none, or what is there is no directory
        shared = kernel.within(mount, "shared", os.O_PATH | os.O_DIRECTORY)
        target = kernel.directory(root, _SHARED)
        # What is mounted there already came from another drive.
        if os.fstat(target).st_dev == os.fstat(kernel.directory(root, "srv")).st_dev:
            _put(kernel.copy_of(shared), target)


def _mount_drive(root: int, drive: Drive, ids: int) -> None:
    mount = drive_mount(Path(drive.path), read_only=drive.read_only, ids=ids)
    place_drive(root, mount, drive.tag, read_only=drive.read_only)


def _put(mount: int, target: int) -> None:
    kernel.put(mount, target)
    os.close(target)


def _furnish(root: int, boot: Boot, mounts: socket.socket) -> None:
    _proc(root)
    _dev(root, boot)
    _sys(root)
    run = kernel.filesystem("tmpfs", {"mode": "755", "size": "64m"}, flags=NO_SUID | NO_DEV)
    for name in ("lock", "sshd", "vmshare"):
        os.mkdir(name, dir_fd=run)
    _put(run, kernel.directory(root, "run"))
    _put(_told(boot.files, mounts), kernel.directory(root, "run/vmshare"))


def _told(files: dict[str, str], mounts: socket.socket) -> int:
    """What a machine is told, which nobody on it can change."""
    mount = kernel.filesystem("tmpfs", {"mode": "755", "size": "4m"}, flags=NO_SUID | NO_DEV)
    for name, content in files.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=mount), "w", encoding="utf-8") as file:
            file.write(content)
    fuse.bind(mounts, mount)
    kernel.restrict(mount, READ_ONLY)
    return mount


def _proc(root: int) -> None:
    proc = kernel.filesystem("proc", {}, flags=_PLAIN)
    _put(proc, kernel.directory(root, "proc"))
    for name in _UNSEEN:
        with suppress(FileNotFoundError):
            target = kernel.within(proc, name)
            is_directory = stat.S_ISDIR(os.fstat(target).st_mode)
            _put(_nothing() if is_directory else _device("null"), target)
    for name in _UNCHANGED:
        with suppress(FileNotFoundError):
            target = kernel.within(proc, name)
            same = kernel.copy_of(target)
            kernel.restrict(same, READ_ONLY | _PLAIN)
            _put(same, target)


def _nothing() -> int:
    return kernel.filesystem("tmpfs", {"mode": "555", "size": "4k"}, flags=READ_ONLY | _PLAIN)


def _device(name: str) -> int:
    mount = kernel.copy_of(f"/dev/{name}")
    kernel.restrict(mount, NO_SUID | NO_EXEC)
    return mount


def _dev(root: int, boot: Boot) -> None:
    dev = kernel.filesystem("tmpfs", {"mode": "755", "size": "64k"}, flags=NO_SUID | NO_EXEC)
    for name in _DEVICES:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=dev))
    for name, points_at in _LINKS.items():
        os.symlink(points_at, name, dir_fd=dev)
    for name in ("pts", "shm"):
        os.mkdir(name, dir_fd=dev)
    _put(dev, kernel.directory(root, "dev"))
    for name in _DEVICES:
        _put(_device(name), kernel.within(dev, name))
    terminals = {
        "newinstance": None,
        "ptmxmode": "666",
        "mode": "620",
        "gid": str(boot.base + _TERMINALS),
    }
    pts = kernel.filesystem("devpts", terminals, flags=NO_SUID | NO_EXEC)
    _put(pts, kernel.within(dev, "pts"))
    memory = {"mode": "1777", "size": f"{max(16, boot.memory_mib // 2)}m"}
    _put(kernel.filesystem("tmpfs", memory, flags=NO_SUID | NO_DEV), kernel.within(dev, "shm"))


def _sys(root: int) -> None:
    """How many processors there are, and nothing else of the host's devices."""
    sys = kernel.filesystem("tmpfs", {"mode": "755", "size": "64k"}, flags=_PLAIN)
    _put(sys, kernel.directory(root, "sys"))
    target = kernel.directory(sys, _PROCESSORS)
    with suppress(FileNotFoundError):
        seen = kernel.copy_of(f"/sys/{_PROCESSORS}")
        kernel.restrict(seen, READ_ONLY | _PLAIN)
        _put(seen, target)
    kernel.restrict(sys, READ_ONLY)
