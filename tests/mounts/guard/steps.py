"""What programs do: functions that run inside a session, and can be named by pickle."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import tempfile
from typing import Final

from tests.mounts.guard import kernel

_MAPPINGS: Final[dict[int, mmap.mmap]] = {}

FUSE_OPTIONS: Final = "fd={},rootmode=40000,user_id=0,group_id=0,allow_other,max_read=1048576"


# --- what the agent does in a session's namespace -----------------------------------------------


def own_namespace(*hidden: str) -> None:
    """A mount namespace in which `hidden` directories are empty."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    for path in hidden:
        kernel.mount("none", path, "tmpfs", 0, "size=4k,mode=755")


def mount_fuse(target: str) -> int:
    """Mount; the /dev/fuse descriptor that the guard serves."""
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("share-guard", target, "fuse.share-guard", flags, FUSE_OPTIONS.format(descriptor))
    return descriptor


def unmount_fuse(target: str) -> None:
    """Take a mount away, also a dead one."""
    with contextlib.suppress(OSError):
        kernel.unmount(target, kernel.MNT_DETACH)


def close_all_but(keep: set[int]) -> None:
    """Close what was inherited."""
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)


# --- files --------------------------------------------------------------------------------------


def read(path: str) -> bytes:
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def hold(paths: list[str]) -> list[int]:
    """Open files for reading."""
    return [os.open(path, os.O_RDONLY) for path in paths]


def look(descriptors: list[int]) -> list[bytes]:
    """The first bytes of each."""
    return [os.pread(descriptor, 3, 0) for descriptor in descriptors]


def write(path: str, content: bytes, flags: int = os.O_CREAT | os.O_TRUNC) -> None:
    """Write a file, and close it."""
    descriptor = os.open(path, os.O_WRONLY | flags, 0o644)
    try:
        assert os.write(descriptor, content) == len(content)
    finally:
        os.close(descriptor)


def make(path: str) -> None:
    """An empty file that was not there."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def touch_open(path: str, flags: int = os.O_RDONLY) -> None:
    """Open and close."""
    os.close(os.open(path, flags))


def open_at(directory: int, name: str) -> None:
    """Open relative to a directory's descriptor, and close."""
    os.close(os.open(name, os.O_RDONLY, dir_fd=directory))


def may(path: str, kind: int) -> None:
    """access(2), as an error where it says no."""
    if not os.access(path, kind):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def allocate(path: str, size: int) -> None:
    """fallocate, over the end."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        kernel.fallocate(descriptor, 0, 0, size)
    finally:
        os.close(descriptor)


def count_up(path: str) -> int:
    """Append one number after the other until that is refused; how many were taken."""
    descriptor, done = os.open(path, os.O_WRONLY | os.O_APPEND), 0
    with contextlib.suppress(PermissionError):
        while True:
            os.write(descriptor, done.to_bytes(8, "big"))
            done += 1
    return done


def make_with_mode(path: str, mode: int) -> None:
    """An empty file, with these bits asked for."""
    os.umask(0)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))


def make_bytes(path: bytes) -> None:
    """`make`, for a name that may be no text."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def make_directories(top: str, name: str, count: int) -> None:
    """Directories with a file in each, which has been looked at."""
    for number in range(count):
        os.mkdir(f"{top}/{name}{number}")
        make(f"{top}/{name}{number}/file")
        os.stat(f"{top}/{name}{number}/file")


def remove_directories(top: str, name: str, count: int) -> None:
    """They go again, one right after the other."""
    for number in range(count):
        os.unlink(f"{top}/{name}{number}/file")
        os.rmdir(f"{top}/{name}{number}")


def which_are_there(paths: list[str]) -> list[str]:
    """Those that can be looked up."""
    return [path for path in paths if os.path.lexists(path)]


def append_lines(path: str, who: str, lines: int) -> None:
    """One line after the other, each by one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    for number in range(lines):
        os.write(descriptor, f"{who} line {number}\n".encode())
    os.close(descriptor)


def claim(directory: str, claims: int) -> list[str]:
    """Which of the names it was the first to make."""
    won = []
    for number in range(claims):
        with contextlib.suppress(FileExistsError):
            make(f"{directory}/claim{number}")
            won.append(f"claim{number}")
    return won


def fill(path: str, size: int) -> None:
    """Write 64 KiB after 64 KiB, and see that they have arrived."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    try:
        for _ in range(size >> 16):
            os.write(descriptor, os.urandom(1 << 16))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fill_by_allocating(path: str, size: int) -> None:
    """fallocate a new file."""
    make(path)
    allocate(path, size)


def copy_range(source: str, target: str) -> None:
    """Copy a file as `cp` does: by copy_file_range alone."""
    make(target)
    with open(source, "rb") as theirs, open(target, "wb") as ours:
        while os.copy_file_range(theirs.fileno(), ours.fileno(), 1 << 20):
            pass


def stat_all(directory: str) -> int:
    """How many entries can be looked at, as `ls -l` does."""
    with os.scandir(directory) as entries:
        return sum(entry.stat().st_size == 0 for entry in entries)


def list_while_removing(directory: str, prefix: str) -> list[str]:
    """Read a directory, and remove what begins with `prefix` as it is met."""
    seen = []
    with os.scandir(directory) as entries:
        for entry in entries:
            seen.append(entry.name)
            if entry.name.startswith(prefix):
                os.unlink(entry.path)
    return seen


def read_by_handle(directory: str, kind: int, content: bytes) -> bytes:
    """open_by_handle_at, on the mount of this directory."""
    mount = os.open(directory, os.O_RDONLY)
    return os.read(kernel.open_by_handle(mount, kind, content, os.O_RDONLY), 4096)


def send_out(descriptor: int) -> int:
    """sendfile to a file outside the mount."""
    with tempfile.TemporaryFile() as target:
        return os.sendfile(target.fileno(), descriptor, 0, 4096)


def read_in_child(descriptor: int) -> None:
    """A child that inherited the descriptor reads from it."""
    if (child := os.fork()) == 0:
        try:
            os.pread(descriptor, 10, 0)
        except OSError as problem:
            os._exit(problem.errno or 255)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))


def bind(source: str, target: str) -> None:
    """A bind mount."""
    kernel.mount(source, target, None, kernel.MS_BIND)


def ask_control(path: str) -> str:
    """Say hello on a control socket; what comes of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.settimeout(5)
        try:
            control.connect(path)
            control.send(b"hello n=1 version=1")
            return "answered" if control.recv(4096).startswith(b"ok") else "refused"
        except OSError:
            return "refused"


def set_flags(path: str, flags: int) -> None:
    """FS_IOC_SETFLAGS, as chattr does it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, kernel.FS_IOC_SETFLAGS, ctypes.c_long(flags))
    finally:
        os.close(descriptor)


def identify(path: str) -> tuple[int, int, int, int]:
    """Mode, uid, gid, size, links: what programs look at."""
    found = os.lstat(path)
    return found.st_mode, found.st_uid, found.st_gid, found.st_size


# --- mappings -----------------------------------------------------------------------------------


def map_file(descriptor: int, size: int, *, writable: bool = False) -> int:
    """A shared mapping; the number by which other steps name it."""
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    _MAPPINGS[len(_MAPPINGS)] = mmap.mmap(descriptor, size, mmap.MAP_SHARED, access)
    return len(_MAPPINGS) - 1


def map_path(path: str, flags: int, *, writable: bool = False) -> int:
    """Open a file, map all of it, and close the descriptor."""
    descriptor = os.open(path, flags)
    try:
        return map_file(descriptor, os.fstat(descriptor).st_size, writable=writable)
    finally:
        os.close(descriptor)


def peek(mapping: int, at: int = 0, size: int = 1) -> bytes:
    """Load from a mapping. A mapping that was cut ends the program: SIGBUS."""
    return _MAPPINGS[mapping][at : at + size]


def poke(mapping: int, content: bytes, at: int = 0) -> None:
    """Store to a mapping."""
    _MAPPINGS[mapping][at : at + len(content)] = content


def poke_every_second_page(mapping: int, content: bytes) -> None:
    """Store to pages that don't touch one another, so that each is a write of its own."""
    for at in range(0, len(content), 8192):
        _MAPPINGS[mapping][at : at + 4096] = content[at : at + 4096]


def sync(mapping: int) -> None:
    """msync."""
    _MAPPINGS[mapping].flush()
