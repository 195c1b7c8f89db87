"""System calls that Python has no names for, as Linux on 64 bits knows them."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS: Final = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REMOUNT = 2, 4, 4096, 32
MS_REC, MS_PRIVATE = 16384, 1 << 18
MNT_DETACH: Final = 2
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
AT_FDCWD: Final = -100
_AT_SYMLINK_FOLLOW: Final = 0x400
O_TMPFILE: Final = 0o20000000 | os.O_DIRECTORY
FS_IOC_SETFLAGS: Final = 0x40086602
FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE = 1, 2
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 17, 0x4206, 0x4207
_PTRACE_SYSCALL, _PTRACE_GET_SYSCALL_INFO = 24, 0x420E
_PTRACE_O_TRACESYSGOOD: Final = 1
_WALL: Final = 0x40000000
_ADJ_SETOFFSET: Final = 0x0100
_SYS_PIDFD_GETFD: Final = 438
_HANDLE_BYTES: Final = 128


class StatFs(ctypes.Structure):
    """What `statfs` fills in."""

    _fields_ = (
        ("f_type", ctypes.c_long), ("f_bsize", ctypes.c_long), ("f_blocks", ctypes.c_ulong),
        ("f_bfree", ctypes.c_ulong), ("f_bavail", ctypes.c_ulong), ("f_files", ctypes.c_ulong),
        ("rest", ctypes.c_char * 256),
    )  # fmt: skip


class FileHandle(ctypes.Structure):
    """A file's handle: its size, its type, its bytes."""

    _fields_ = (
        ("handle_bytes", ctypes.c_uint),
        ("handle_type", ctypes.c_int),
        ("f_handle", ctypes.c_char * _HANDLE_BYTES),
    )


class TimeX(ctypes.Structure):
    """What `adjtimex` is told, so far as it is needed."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("numbers", ctypes.c_long * 4), ("status", ctypes.c_int),
        ("more_numbers", ctypes.c_long * 3), ("seconds", ctypes.c_long),
        ("microseconds", ctypes.c_long), ("rest", ctypes.c_char * 256),
    )  # fmt: skip


class SyscallInfo(ctypes.Structure):
    """Where a traced thread has stopped: `op` is 1 before a system call."""

    _fields_ = (
        ("op", ctypes.c_uint8), ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64), ("number", ctypes.c_uint64), ("rest", ctypes.c_char * 128),
    )  # fmt: skip


def _checked(answer: int, what: Any = None) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return answer


def _bytes(path: str | bytes | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    told = tuple(_bytes(text) for text in (source, target, kind))
    _checked(_LIBC.mount(*told, ctypes.c_ulong(flags), _bytes(data)), target)


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_LIBC.umount2(_bytes(target), flags), target)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_LIBC.unshare(flags))


def setns(descriptor: int, kind: int) -> None:
    """setns(2): Python has it from 3.12 on."""
    _checked(_LIBC.setns(descriptor, kind))


def die_with_parent() -> None:
    """The kernel ends this process when the thread that made it is gone."""
    _checked(_LIBC.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0))


def no_new_privileges() -> None:
    """As the product's sessions run."""
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def renameat2(old: str | bytes, new: str | bytes, flags: int) -> None:
    """renameat2(2), both paths from the working directory."""
    _checked(_LIBC.renameat2(AT_FDCWD, _bytes(old), AT_FDCWD, _bytes(new), flags), old)


def link_descriptor(descriptor: int, target: str) -> None:
    """linkat(2) of what is open: a second name for it, through /proc."""
    source = _bytes(f"/proc/self/fd/{descriptor}")
    _checked(_LIBC.linkat(AT_FDCWD, source, AT_FDCWD, _bytes(target), _AT_SYMLINK_FOLLOW), target)


def fallocate(descriptor: int, mode: int, offset: int, length: int) -> None:
    """fallocate(2), which knows modes that posix_fallocate does not."""
    at, size = ctypes.c_long(offset), ctypes.c_long(length)
    _checked(_LIBC.fallocate(descriptor, mode, at, size))


def statfs(path: str) -> dict[str, int]:
    """statfs(2): the numbers that a quota shows in."""
    found = StatFs()
    _checked(_LIBC.statfs(_bytes(path), ctypes.byref(found)), path)
    names = ("f_type", "f_bsize", "f_blocks", "f_bfree", "f_bavail", "f_files")
    return {name: int(getattr(found, name)) for name in names}


def handle_of(path: str | bytes) -> tuple[int, bytes]:
    """name_to_handle_at(2): the handle's type and bytes."""
    handle, where = FileHandle(handle_bytes=_HANDLE_BYTES), ctypes.c_int()
    told = (ctypes.byref(handle), ctypes.byref(where), 0)
    _checked(_LIBC.name_to_handle_at(AT_FDCWD, _bytes(path), *told), path)
    start = FileHandle.f_handle.offset
    return handle.handle_type, bytes(handle)[start : start + handle.handle_bytes]


def open_by_handle(directory: int, kind: int, content: bytes, flags: int) -> int:
    """open_by_handle_at(2): a descriptor."""
    handle = FileHandle(handle_bytes=len(content), handle_type=kind)
    start = FileHandle.f_handle.offset
    ctypes.memmove(ctypes.addressof(handle) + start, content, len(content))
    return _checked(_LIBC.open_by_handle_at(directory, ctypes.byref(handle), flags))


def descriptor_of(pid: int, descriptor: int) -> int:
    """pidfd_getfd(2): a copy of another process's descriptor."""
    process = os.pidfd_open(pid)
    try:
        return _checked(_LIBC.syscall(_SYS_PIDFD_GETFD, process, descriptor, 0))
    finally:
        os.close(process)


def set_clock_forward(microseconds: int) -> None:
    """adjtimex(2): somebody sets the clock, though nobody else will notice so little."""
    told = TimeX(modes=_ADJ_SETOFFSET, microseconds=microseconds)
    _checked(_LIBC.adjtimex(ctypes.byref(told)))


def entries(descriptor: int, size: int) -> list[str]:
    """getdents64(2), once and with so little room: the next names of a directory."""
    room, names, at = ctypes.create_string_buffer(size), [], 0
    got = _checked(_LIBC.getdents64(descriptor, room, ctypes.c_size_t(size)))
    while at < got:
        names.append(os.fsdecode(ctypes.string_at(ctypes.addressof(room) + at + 19)))
        at += int.from_bytes(room.raw[at + 16 : at + 18], "little")
    return names


def stop_thread(thread: int) -> None:
    """Stop one thread alone, by ptrace(2), until `let_thread_go`."""
    for request, options in ((_PTRACE_SEIZE, _PTRACE_O_TRACESYSGOOD), (_PTRACE_INTERRUPT, 0)):
        _checked(_LIBC.ptrace(request, thread, None, ctypes.c_void_p(options)), thread)
    os.waitpid(thread, os.WUNTRACED | _WALL)


def step_thread(thread: int) -> None:
    """Let it go on to the begin or the end of a system call."""
    _checked(_LIBC.ptrace(_PTRACE_SYSCALL, thread, None, None), thread)


def interrupt_thread(thread: int) -> None:
    """Stop it again, wherever it is."""
    _checked(_LIBC.ptrace(_PTRACE_INTERRUPT, thread, None, None), thread)


def thread_has_stopped(thread: int) -> bool:
    """Whether it has, after `step_thread`."""
    return os.waitpid(thread, os.WNOHANG | _WALL)[0] == thread


def call_begun(thread: int) -> int | None:
    """The number of the system call before which it has stopped, if that is where it is."""
    info = SyscallInfo()
    told = (ctypes.c_void_p(ctypes.sizeof(info)), ctypes.byref(info))
    _checked(_LIBC.ptrace(_PTRACE_GET_SYSCALL_INFO, thread, *told), thread)
    return int(info.number) if info.op == 1 else None


def let_thread_go(thread: int) -> None:
    """Let it go on. The thread that stopped it must do this."""
    _checked(_LIBC.ptrace(_PTRACE_DETACH, thread, None, None), thread)
