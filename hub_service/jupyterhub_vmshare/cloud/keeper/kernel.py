"""The calls of Linux that Python does not have: mounts without paths, namespaces, and who one is.

Mounts are made detached, as descriptors, and put in place by descriptor: what is on the way there
may belong to somebody who would like it to be elsewhere. A descriptor that is closed before takes
its mount along, so whoever is killed in between leaves nothing.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

# From the kernel's headers; the same on every machine that Debian 12 knows, but the last.
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _OPENAT2 = 428, 429, 430, 431, 432, 437
_MOUNT_SETATTR: Final = 442
_PIVOT_ROOT: Final = {"x86_64": 155}.get(os.uname().machine, 41)

READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8
_IDMAP: Final = 0x00100000
NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000

_MS_REC, _MS_PRIVATE, _MNT_DETACH = 16384, 1 << 18, 2
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_RESOLVE_NO_MAGIC, _RESOLVE_NO_LINKS, _RESOLVE_BENEATH = 2, 4, 8
_PR_SET_SECUREBITS, _PR_CAPBSET_DROP, _PR_SET_DUMPABLE = 28, 24, 4

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(what: str, number: int, *args: int | bytes | None) -> int:
    plain = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _checked(_libc.syscall(ctypes.c_long(number), *plain), what)


# Mounts as descriptors


def filesystem(kind: str, options: Mapping[str, str | None], *, flags: int) -> int:
    """A new mount of a file system, as a descriptor. An option without a value is None."""
    context = _syscall("fsopen", _FSOPEN, kind.encode(), 1)
    try:
        for name, value in options.items():
            setting = (0, name.encode(), None) if value is None else _text(name, value)
            _syscall(f"{kind} {name}", _FSCONFIG, context, *setting, 0)
        _syscall(f"mounting {kind}", _FSCONFIG, context, 6, None, None, 0)
        return _syscall(f"mounting {kind}", _FSMOUNT, context, 1, flags)
    except OSError as error:
        with suppress(OSError):  # what the file system says itself
            error.strerror = f"{error.strerror} ({os.read(context, 1024).decode().strip()})"
        raise
    finally:
        os.close(context)


def _text(name: str, value: str) -> tuple[int, bytes, bytes]:
    return 1, name.encode(), value.encode()


def copy_of(path: str | int, *, recursive: bool = False) -> int:
    """A new mount of what is at a path or a descriptor, as a descriptor."""
    at, name = (path, b"") if isinstance(path, int) else (_AT_FDCWD, path.encode())
    flags = 1 | os.O_CLOEXEC | _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    return _syscall(f"open_tree {path}", _OPEN_TREE, at, name, flags)


def restrict(mount: int, flags: int, *, ids_of: int | None = None) -> None:
    """Set flags of a mount; ``ids_of`` is a user namespace whose ids it shows its files with."""
    told = struct.pack("=QQQQ", flags | (_IDMAP if ids_of is not None else 0), 0, 0, ids_of or 0)
    _syscall("mount_setattr", _MOUNT_SETATTR, mount, b"", _AT_EMPTY_PATH, told, len(told))


def put(mount: int, target: int) -> None:
    """Put a mount onto what a descriptor shows."""
    _syscall("move_mount", _MOVE_MOUNT, mount, b"", target, b"", 0x4 | 0x40)


def within(root: int, path: str, flags: int = os.O_PATH) -> int:
    """Open what is at a path below ``root``, whoever made it: no link is followed on the way."""
    rule = _RESOLVE_NO_MAGIC | _RESOLVE_NO_LINKS | _RESOLVE_BENEATH
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, rule)
    return _syscall(f"opening {path}", _OPENAT2, root, path.encode(), how, len(how))


def directory(root: int, path: str) -> int:
    """The directory at a path below ``root``, made where it is not there."""
    here = os.dup(root)
    for name in path.split("/"):
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=here)
        found = within(here, name, os.O_PATH | os.O_DIRECTORY)
        os.close(here)
        here = found
    return here


def private_mounts() -> None:
    """Have mounts of one's own from now on."""
    unshare(NEW_NS)
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount /")


def make_root(mount_point: int) -> None:
    """Have what is mounted there as the root, and nothing of the old one."""
    os.fchdir(mount_point)
    _syscall("pivot_root", _PIVOT_ROOT, b".", b".")
    _checked(_libc.umount2(b".", _MNT_DETACH), "leaving the old root")
    os.chdir("/")


def unmount(path: str, *, lazily: bool = False) -> None:
    """Take off what is mounted at a path. Links at its end are not followed."""
    _checked(_libc.umount2(os.fsencode(path), 8 | (_MNT_DETACH if lazily else 0)), f"umount {path}")


# Namespaces, and who one is


def unshare(flags: int) -> None:
    """Have namespaces of one's own."""
    _checked(_libc.unshare(flags), "unshare")


def enter(namespace: int, flags: int) -> None:
    """Enter a namespace that a descriptor shows."""
    _checked(_libc.setns(namespace, flags), "setns")


def become(uid: int) -> None:
    """Be another user and group of the host, with all that root may do."""
    # Without this, what a process may do goes with its uid 0.
    _checked(_libc.prctl(_PR_SET_SECUREBITS, 1 << 2, 0, 0, 0), "securebits")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def set_hostname(name: str) -> None:
    """Be called so, in this UTS namespace."""
    told = name.encode()
    _checked(_libc.sethostname(told, len(told)), "sethostname")


def drop_all_but(capabilities: frozenset[int]) -> None:
    """Nothing that is started from here can ever have another capability."""
    for number in range(64):
        if number not in capabilities and _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break  # past the last one that this kernel knows


def prctl(option: int, *args: int | ctypes.c_void_p) -> None:
    """`prctl`, for what has no function of its own here."""
    padded = [*args, *[0] * (4 - len(args))]
    _checked(_libc.prctl(option, *[_long(arg) for arg in padded]), f"prctl {option}")


def _long(arg: int | ctypes.c_void_p) -> ctypes.c_ulong | ctypes.c_void_p:
    return ctypes.c_ulong(arg) if isinstance(arg, int) else arg


def loopback_up() -> None:
    """The one network that a machine has: itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name_and_flags = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # up and running
        fcntl.ioctl(any_socket, 0x8914, name_and_flags)
