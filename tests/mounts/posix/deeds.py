"""Further calls, one by one: on descriptors, on two paths, on what is open or gone."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.mounts.guard import kernel

DEEDS: Final[dict[str, Callable[[], Any]]] = {}


def deed(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Remember it under this name."""

    def remember(do: Callable[[], Any]) -> Callable[[], Any]:
        assert name not in DEEDS, name
        DEEDS[name] = do
        return do

    return remember


def _with(flags: int, do: Callable[[int], Any], path: str = "file") -> Any:
    descriptor = os.open(path, flags, 0o644)
    try:
        return do(descriptor)
    finally:
        os.close(descriptor)


def _pairs() -> dict[str, Callable[[], Any]]:
    """Renames and links whose answer depends on both paths."""
    renames = {
        "a directory into itself": ("full", "full/x"),
        "a directory below itself": ("full", "full/inside/x"),
        "a directory over the one above it": ("full/sub", "full"),
        "a file over the directory it is in": ("full/inside", "full"),
        "a file to itself": ("file", "file"),
        "a file to its other name": ("twin", "other"),
        "a directory to itself": ("full", "full"),
        "a link over what it leads to": ("to_file", "file"),
        "a file over a link to it": ("file", "to_file"),
        "a link to a directory over a directory": ("to_full", "empty"),
        "a directory over a link to a directory": ("empty", "to_full"),
        "dot": (".", "x"),
        "to dot": ("empty", "."),
        "two dots": ("full/..", "x"),
        "to two dots": ("empty", "full/.."),
        "a missing name to a missing directory": ("nothing", "missing/x"),
        "a file to a missing directory": ("file", "missing/x"),
        "a missing name over a file": ("nothing", "file"),
        "a file with a slash to a new name": ("file/", "x"),
        "a file to a new name with a slash": ("file", "x/"),
        "a directory to a new name with a slash": ("empty", "x/"),
    }
    found: dict[str, Callable[[], Any]] = {
        f"rename {name}": partial(os.rename, old, new) for name, (old, new) in renames.items()
    }
    for flag, word in (
        (kernel.RENAME_NOREPLACE, "NOREPLACE"),
        (kernel.RENAME_EXCHANGE, "EXCHANGE"),
    ):
        for name, (old, new) in renames.items():
            found[f"rename RENAME_{word} {name}"] = partial(kernel.renameat2, old, new, flag)
    found["rename with flags that contradict"] = partial(kernel.renameat2, "file", "x", 3)
    found["rename with an unknown flag"] = partial(kernel.renameat2, "file", "x", 1 << 20)
    found["link a directory"] = partial(os.link, "empty", "x")
    found["link a file over a file"] = partial(os.link, "file", "other")
    found["link a file to itself"] = partial(os.link, "file", "file")
    found["link a link, following it"] = partial(os.link, "to_file", "x", follow_symlinks=True)
    return found


DEEDS.update(_pairs())
for _length in (1, 255, 4095, 4096):
    DEEDS[f"symlink to {_length} bytes"] = partial(os.symlink, "t" * _length, "x")
DEEDS["symlink to an empty path"] = partial(os.symlink, "", "x")
for _mask in (0, 0o022, 0o077, 0o777):

    def _masked(make: Callable[[str], Any], mask: int) -> None:
        before = os.umask(mask)
        try:
            make("x")
        finally:
            os.umask(before)

    DEEDS[f"open O_CREAT with umask {_mask:03o}"] = partial(
        _masked, lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o777)), _mask
    )
    DEEDS[f"mkdir with umask {_mask:03o}"] = partial(_masked, os.mkdir, _mask)


@deed("write to a descriptor for reading")
def _write_reading() -> Any:
    return _with(os.O_RDONLY, lambda file: os.write(file, b"x"))


@deed("read from a descriptor for writing")
def _read_writing() -> Any:
    return _with(os.O_WRONLY, lambda file: os.read(file, 1))


@deed("read from a directory's descriptor")
def _read_directory() -> Any:
    return _with(os.O_RDONLY, lambda file: os.read(file, 1), "full")


@deed("ftruncate a descriptor for reading")
def _ftruncate_reading() -> Any:
    return _with(os.O_RDONLY, lambda file: os.ftruncate(file, 1))


@deed("ftruncate below zero")
def _ftruncate_negative() -> Any:
    return _with(os.O_WRONLY, lambda file: os.ftruncate(file, -1))


@deed("pread before the start")
def _pread_negative() -> Any:
    return _with(os.O_RDONLY, lambda file: os.pread(file, 1, -1))


@deed("pwrite beyond the end leaves zeros")
def _hole() -> Any:
    return _with(os.O_RDWR, lambda file: (os.pwrite(file, b"x", 10_000), os.pread(file, 20_000, 0)))


@deed("pwrite on a descriptor that appends goes to the end")
def _pwrite_appending() -> Any:
    _with(os.O_WRONLY | os.O_APPEND, lambda file: os.pwrite(file, b"more", 0))
    return _with(os.O_RDONLY, lambda file: os.read(file, 100))


@deed("lseek before the start")
def _seek_negative() -> Any:
    return _with(os.O_RDONLY, lambda file: os.lseek(file, -1, os.SEEK_SET))


@deed("lseek beyond the end, and read")
def _seek_beyond() -> Any:
    return _with(os.O_RDONLY, lambda file: (os.lseek(file, 100, os.SEEK_END), os.read(file, 10)))


@deed("lseek to a hole beyond the end")
def _seek_hole() -> Any:
    return _with(os.O_RDONLY, lambda file: os.lseek(file, 100, os.SEEK_HOLE))


@deed("fallocate longer")
def _allocate() -> Any:
    return _with(os.O_WRONLY, lambda file: kernel.fallocate(file, 0, 0, 9000))


@deed("fallocate nothing")
def _allocate_nothing() -> Any:
    return _with(os.O_WRONLY, lambda file: kernel.fallocate(file, 0, 0, 0))


@deed("fallocate on a descriptor for reading")
def _allocate_reading() -> Any:
    return _with(os.O_RDONLY, lambda file: kernel.fallocate(file, 0, 0, 9000))


@deed("a hole is punched")
def _punch() -> Any:
    mode = kernel.FALLOC_FL_PUNCH_HOLE | kernel.FALLOC_FL_KEEP_SIZE
    _with(os.O_WRONLY, lambda file: kernel.fallocate(file, mode, 2, 3))
    return _with(os.O_RDONLY, lambda file: os.read(file, 100))


@deed("a file that was removed is still there for who has it open")
def _removed() -> Any:
    def act(file: int) -> Any:
        os.unlink("file")
        os.write(file, b"after")
        found = os.fstat(file)
        return found.st_nlink, found.st_size, os.pread(file, 100, 0)

    return _with(os.O_RDWR, act)


@deed("a file that was replaced is still there for who has it open")
def _replaced() -> Any:
    def act(file: int) -> Any:
        os.rename("other", "file")
        return os.fstat(file).st_nlink, os.pread(file, 100, 0), os.stat("file").st_nlink

    return _with(os.O_RDONLY, act)


@deed("a name in a directory that was removed")
def _in_removed() -> Any:
    def act(directory: int) -> Any:
        os.rmdir("empty")
        os.open("x", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=directory)

    return _with(os.O_RDONLY, act, "empty")


@deed("a directory that was removed is empty for who has it open")
def _list_removed() -> Any:
    def act(directory: int) -> Any:
        os.rmdir("empty")
        return os.listdir(directory)

    return _with(os.O_RDONLY, act, "empty")


@deed("openat with a file's descriptor")
def _openat_file() -> Any:
    return _with(os.O_RDONLY, lambda file: os.open("x", os.O_RDONLY, dir_fd=file))


@deed("openat with a closed descriptor")
def _openat_closed() -> Any:
    return os.open("x", os.O_RDONLY, dir_fd=-5)


@deed("unlinkat a directory without AT_REMOVEDIR")
def _unlinkat_directory() -> Any:
    return os.unlink("empty")


@deed("fchmod")
def _fchmod() -> Any:
    return _with(os.O_RDONLY, lambda file: os.fchmod(file, 0o600))


@deed("fchown to another")
def _fchown() -> Any:
    return _with(os.O_RDONLY, lambda file: os.fchown(file, 1, 1))


@deed("a write takes set-id bits away")
def _write_set_id() -> Any:
    os.chmod("file", 0o6755)  # noqa: S103 (a mode that is looked at)
    _with(os.O_WRONLY, lambda file: os.write(file, b"x"))
    return stat.filemode(os.stat("file").st_mode)


@deed("futimens to before 1970")
def _before_1970() -> Any:
    os.utime("file", ns=(-1_500_000_000, -2_500_000_000))
    found = os.stat("file")
    return found.st_atime_ns, found.st_mtime_ns


@deed("futimens to a nanosecond")
def _nanosecond() -> Any:
    os.utime("file", ns=(1_000_000_001, 2_000_000_002))
    found = os.stat("file")
    return found.st_atime_ns, found.st_mtime_ns


@deed("a device")
def _device() -> Any:
    return os.mknod("x", stat.S_IFCHR | 0o600, os.makedev(1, 3))


@deed("a socket's name")
def _socket() -> Any:
    return os.mknod("x", stat.S_IFSOCK | 0o600)


@deed("a file without a name (O_TMPFILE)")
def _nameless() -> Any:
    return _with(kernel.O_TMPFILE | os.O_RDWR, lambda file: os.write(file, b"x"), ".")


@deed("an attribute is set, read, listed and removed")
def _attributes() -> Any:
    os.setxattr("file", "user.note", b"value")
    seen = os.getxattr("file", "user.note"), os.listxattr("file")
    os.removexattr("file", "user.note")
    return seen, os.listxattr("file")


@deed("an attribute that is there is not made (XATTR_CREATE)")
def _attribute_twice() -> Any:
    os.setxattr("file", "user.note", b"one")
    os.setxattr("file", "user.note", b"two", os.XATTR_CREATE)


@deed("an attribute of 70,000 bytes")
def _attribute_large() -> Any:
    return os.setxattr("file", "user.note", b"x" * 70_000)


@deed("an attribute of the system")
def _attribute_trusted() -> Any:
    return os.setxattr("file", "trusted.note", b"x")


@deed("a path of 300 directories")
def _deep() -> Any:
    for _ in range(300):
        os.mkdir("d")
        os.chdir("d")
    return len(os.listdir("/".join([".."] * 300)))


@deed("a path through 40 links")
def _forty_links() -> Any:
    return _chain(40)


@deed("a path through 41 links")
def _more_links() -> Any:
    return _chain(41)


def _chain(links: int) -> Any:
    for number in range(links):
        os.symlink(f"chain{number + 1}" if number < links - 1 else "file", f"chain{number}")
    return _with(os.O_RDONLY, lambda file: os.read(file, 100), "chain0")


@deed("a copy by copy_file_range")
def _copy() -> Any:
    def act(file: int) -> Any:
        copied = _with(
            os.O_CREAT | os.O_WRONLY, lambda into: os.copy_file_range(file, into, 100), "x"
        )
        return copied, os.stat("x").st_size

    return _with(os.O_RDONLY, act)
