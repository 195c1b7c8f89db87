"""System calls that take a path. Each is made once for every path of the scene."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.mounts.guard import kernel

WHEN: Final = (1_100_000_000, 1_200_000_000)
_NEW: Final = "made_by_the_call"


def _opened(flags: int, path: str) -> None:
    os.close(os.open(path, flags, 0o640))


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def _write(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, b"longer than before")
    finally:
        os.close(descriptor)


def _stat(path: str, *, follow: bool) -> tuple[str, int]:
    found = os.stat(path, follow_symlinks=follow)
    return stat.filemode(found.st_mode), 0 if stat.S_ISDIR(found.st_mode) else found.st_size


def _access(kind: int, path: str) -> bool:
    return os.access(path, kind)


def _into(path: str) -> int:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path)
        return len(os.listdir())
    finally:
        os.fchdir(here)
        os.close(here)


def _rename2(flags: int, old: str, new: str) -> None:
    kernel.renameat2(old, new, flags)


CREATE: Final = os.O_CREAT | os.O_WRONLY
CALLS: Final[dict[str, Callable[[str], Any]]] = {
    "open and read": _read,
    "open and write": _write,
    "open O_CREAT": partial(_opened, CREATE),
    "open O_CREAT|O_EXCL": partial(_opened, CREATE | os.O_EXCL),
    "open O_CREAT|O_NOFOLLOW": partial(_opened, CREATE | os.O_NOFOLLOW),
    "open O_TRUNC": partial(_opened, os.O_WRONLY | os.O_TRUNC),
    "open O_NOFOLLOW": partial(_opened, os.O_NOFOLLOW),
    "open O_DIRECTORY": partial(_opened, os.O_DIRECTORY),
    "open O_PATH": partial(_opened, os.O_PATH),
    "readdir": lambda path: sorted(os.listdir(path)) if path else os.open(path, os.O_RDONLY),
    "chdir": _into,
    "stat": partial(_stat, follow=True),
    "lstat": partial(_stat, follow=False),
    "readlink": os.readlink,
    "access R_OK": partial(_access, os.R_OK),
    "access W_OK": partial(_access, os.W_OK),
    "access X_OK": partial(_access, os.X_OK),
    "mkdir": partial(os.mkdir, mode=0o750),
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "mkfifo": os.mkfifo,
    "mknod of a file": lambda path: os.mknod(path, stat.S_IFREG | 0o600),
    "symlink": lambda path: os.symlink("anywhere", path),
    "link a file to": lambda path: os.link("file", path),
    "link it": lambda path: os.link(path, _NEW, follow_symlinks=False),
    "rename a file to": lambda path: os.rename("file", path),
    "rename an empty directory to": lambda path: os.rename("empty", path),
    "rename a full directory to": lambda path: os.rename("full", path),
    "rename a link to": lambda path: os.rename("to_file", path),
    "rename it": lambda path: os.rename(path, _NEW),
    "rename it over a file": lambda path: os.rename(path, "file"),
    "rename it over an empty directory": lambda path: os.rename(path, "empty"),
    "rename it over a full directory": lambda path: os.rename(path, "full"),
    "rename it into a full directory": lambda path: os.rename(path, f"full/{_NEW}"),
    "rename RENAME_NOREPLACE a file to": partial(_rename2, kernel.RENAME_NOREPLACE, "file"),
    "rename RENAME_EXCHANGE a file and": partial(_rename2, kernel.RENAME_EXCHANGE, "file"),
    "chmod": lambda path: os.chmod(path, 0o604),
    "chmod with set-id and sticky bits": lambda path: os.chmod(path, 0o7755),  # noqa: S103 (a scene)
    "chown to oneself": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "chown to another": lambda path: os.chown(path, 1, 1),
    "lchown to oneself": lambda path: os.lchown(path, os.getuid(), os.getgid()),
    "truncate shorter": lambda path: os.truncate(path, 3),
    "truncate longer": lambda path: os.truncate(path, 10_000),
    "truncate below zero": lambda path: os.truncate(path, -1),
    "truncate to where no file ends": lambda path: os.truncate(path, (1 << 63) - 1),
    "utimensat": lambda path: os.utime(path, WHEN),
    "utimensat now": os.utime,
    "utimensat of the link itself": lambda path: os.utime(path, WHEN, follow_symlinks=False),
    "statfs": lambda path: kernel.statfs(path)["f_bsize"],
    "setxattr": lambda path: os.setxattr(path, "user.note", b"value"),
    "getxattr": lambda path: os.getxattr(path, "user.none"),
    "listxattr": os.listxattr,
    "removexattr": lambda path: os.removexattr(path, "user.none"),
}
