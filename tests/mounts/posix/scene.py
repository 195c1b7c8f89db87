"""What there is before each call: files, directories and links of every kind, and paths to them."""

from __future__ import annotations

import os
import stat
from typing import Final, NamedTuple

LONG_AGO: Final = 1_000_000_000
LONGEST_NAME, LONGEST_PATH = 255, 4095

PATHS: Final = {
    "a file": "file",
    "a file with two names": "twin",
    "a file with a slash": "file/",
    "a file without its write bit": "unwritable",
    "a file with the read bit alone": "readable",
    "a file without any bit": "bare",
    "a full directory": "full",
    "a full directory with a slash": "full/",
    "an empty directory": "empty",
    "an empty directory with a slash": "empty/",
    "a link to a file": "to_file",
    "a link to a file with a slash": "to_file/",
    "a link to a directory": "to_full",
    "a link to a directory with a slash": "to_full/",
    "a link to nothing": "to_nothing",
    "a link to itself": "loop",
    "nothing": "nothing",
    "nothing with a slash": "nothing/",
    "an empty path": "",
    "dot": ".",
    "dot of a directory": "empty/.",
    "two dots of a directory": "full/..",
    "behind a file": "file/x",
    "behind nothing": "nothing/x",
    "behind a link to nothing": "to_nothing/x",
    "behind a link to itself": "loop/x",
    "behind two links to each other": "loop_one/x",
    "behind a link to a directory": "to_full/inside",
    "in a directory": "open/inside",
    "in a directory without any bit": "closed/inside",
    "in a directory without its write bit": "guarded/inside",
    "a new name in a directory": "open/new",
    "a new name in a directory without any bit": "closed/new",
    "a new name in a directory without its write bit": "guarded/new",
    "a name of 255 bytes": "n" * LONGEST_NAME,
    "a name of 256 bytes": "n" * (LONGEST_NAME + 1),
    "behind a name of 256 bytes": "n" * (LONGEST_NAME + 1) + "/x",
    "a path of 4095 bytes": "./" * (LONGEST_PATH // 2) + "x",
    "a path of 4096 bytes": "./" * (LONGEST_PATH // 2) + "xy",
    "a name that is no text": os.fsdecode(b"\xff\xfe"),
    "a name of odd signs": "a\n\\ *\t'\"",
}


class Row(NamedTuple):
    """What there is to see of one name."""

    path: str
    kind: str
    links: int
    size: int | None
    mine: bool
    changed: bool


def make() -> None:
    """All of it, in the working directory; what was made says that this was long ago."""
    for name in ("file", "other", "unwritable", "readable", "bare"):
        _file(name)
    os.link("other", "twin")
    for name in ("full", "empty", "open", "closed", "guarded"):
        os.mkdir(name, 0o755)
    for name in ("full", "open", "closed", "guarded"):
        _file(f"{name}/inside")
        _age(f"{name}/inside")
    links = {"to_file": "file", "to_full": "full", "to_nothing": "nowhere", "loop": "loop"}
    for name, target in (links | {"loop_one": "loop_two", "loop_two": "loop_one"}).items():
        os.symlink(target, name)
    for name in (*os.listdir(), "."):
        _age(name)
    modes = {"unwritable": 0o444, "readable": 0o400, "bare": 0, "closed": 0, "guarded": 0o555}
    for name, mode in modes.items():
        os.chmod(name, mode)


def _file(name: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, b"content")
    os.close(descriptor)


def _age(path: str) -> None:
    os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def look(directory: int) -> frozenset[Row]:
    """All that is there now, two levels deep; afterwards it is the working directory.

    Args:
        directory: A descriptor of the scene's own, whose bits the call may have taken away.
    """
    here = os.fstat(directory)
    if here.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.fchmod(directory, 0o755)
    os.fchdir(directory)
    found = [_row(".", here), *_rows(".")]
    for row in found[1:]:
        if row.kind.startswith("d"):
            found += _rows_behind(row)
    return frozenset(found)


def _rows_behind(directory: Row) -> list[Row]:
    if directory.kind.startswith("drwx"):
        return _rows(directory.path)
    mode = stat.S_IMODE(os.lstat(directory.path).st_mode)
    os.chmod(directory.path, 0o700)
    found = _rows(directory.path)
    os.chmod(directory.path, mode)
    return found


def _rows(directory: str) -> list[Row]:
    paths = [os.path.normpath(f"{directory}/{name}") for name in os.listdir(directory)]
    return [_row(path, os.lstat(path)) for path in paths]


def _row(path: str, seen: os.stat_result) -> Row:
    kind = stat.filemode(seen.st_mode)
    size = None if stat.S_ISDIR(seen.st_mode) else seen.st_size
    is_mine = (seen.st_uid, seen.st_gid) == (os.getuid(), os.getgid())
    return Row(path, kind, seen.st_nlink, size, is_mine, seen.st_mtime != LONG_AGO)
