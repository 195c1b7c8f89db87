"""How a call is made: in a program of a session, and in one on the file system beside it."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable
from typing import Any, Final

from tests.mounts.guard import kernel
from tests.mounts.guard.program import outcome
from tests.stress.calls import LARGEST, Call

Answer = tuple[str, Any]
"""`ok` or an errno's name, and what was returned."""
OLD: Final = 1_000_000_000
NOT_OPEN: Final = 1 << 20
_HAND: list[Hand] = []


class Hand:
    """What a program has open."""

    def __init__(self, root: str) -> None:
        os.umask(0o022)
        self.root = root
        self.files: dict[int, int] = {}
        self.maps: dict[int, mmap.mmap] = {}

    def at(self, path: str) -> str:
        """Where it is."""
        return f"{self.root}/{path}"

    def close(self) -> None:
        """Let go of all of it."""
        for mapping in self.maps.values():
            mapping.close()
        for file in self.files.values():
            os.close(file)


def begin(root: str) -> None:
    """Forget what was open; from now on paths are below this one."""
    while _HAND:
        _HAND.pop().close()
    _HAND.append(Hand(root))


def act(call: Call) -> Answer:
    """Make the call."""
    told: list[Any] = []
    answer = outcome(lambda: told.append(ACTS[call.what](_HAND[0], call)))
    return answer, told[0] if told else None


def contents(path: str) -> bytes:
    """All of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, 2 * LARGEST, 0)
    finally:
        os.close(descriptor)


def look(root: str, opens: bool) -> dict[str, Any]:
    """Every name with what it stands for; without `opens` nothing is read, so all stays fresh."""
    found = {}
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = f"{directory}/{name}"
            seen = os.lstat(path)
            what: Any = kind_of(seen)
            if opens and stat.S_ISREG(seen.st_mode):
                what = what, contents(path)
            elif stat.S_ISLNK(seen.st_mode):
                what = what, os.readlink(path)
            found[os.path.relpath(path, root)] = what
    return found


def find(root: str, paths: list[str]) -> dict[str, Any]:
    """What these names stand for, without looking into directories."""
    return {path: kind_of(os.lstat(f"{root}/{path}")) for path in paths}


def kind_of(seen: os.stat_result) -> tuple[Any, ...]:
    """Kind, mode, links and size; also the time, if it was set to one long ago."""
    when = int(seen.st_mtime) if seen.st_mtime <= OLD else None
    size = None if stat.S_ISDIR(seen.st_mode) else seen.st_size
    return stat.filemode(seen.st_mode), seen.st_nlink, size, when


# --- descriptors --------------------------------------------------------------------------------


def _open(hand: Hand, call: Call) -> None:
    opened = os.open(hand.at(call.path), call.flags, 0o644)
    _close(hand, call)
    hand.files[call.slot] = opened


def _close(hand: Hand, call: Call) -> None:
    if call.slot in hand.files:
        os.close(hand.files.pop(call.slot))


def _file(hand: Hand, slot: int) -> int:
    return hand.files.get(slot, NOT_OPEN)


def _write(hand: Hand, call: Call) -> int:
    return os.pwrite(_file(hand, call.slot), call.content, call.at)


def _punch(hand: Hand, call: Call) -> None:
    mode = kernel.FALLOC_FL_PUNCH_HOLE | kernel.FALLOC_FL_KEEP_SIZE
    kernel.fallocate(_file(hand, call.slot), mode, call.at, call.size)


def _copy(hand: Hand, call: Call) -> int:
    source, target = _file(hand, call.slot), _file(hand, call.second)
    # As `cp` does: a kernel copies as much as it believes to be there, and looks by itself never.
    os.fstat(source)
    return os.copy_file_range(source, target, call.size, 0, call.at)


def _seek_end(hand: Hand, call: Call) -> int:
    """Where a directory ends is every file system's own."""
    file = _file(hand, call.slot)
    return 0 if stat.S_ISDIR(os.fstat(file).st_mode) else os.lseek(file, 0, os.SEEK_END)


# --- mappings -----------------------------------------------------------------------------------


def _map(hand: Hand, call: Call) -> bool:
    """False: there is nothing to map."""
    writable = call.seed % 3 > 0
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    file = _file(hand, call.slot)
    if os.fstat(file).st_size == 0:
        return False
    made = mmap.mmap(file, 0, mmap.MAP_SHARED, access)
    unmap(hand, call.second)
    hand.maps[call.second] = made
    return True


def unmap(hand: Hand, slot: int) -> None:
    """Let go of a mapping."""
    if slot in hand.maps:
        hand.maps.pop(slot).close()


def _span(mapping: mmap.mmap, call: Call) -> slice:
    """What of it lies in the file, whose end may have come nearer."""
    return slice(call.at, min(call.at + call.size, len(mapping), mapping.size()))


def _peek(hand: Hand, call: Call) -> bytes | None:
    if call.slot not in hand.maps:
        return None
    mapping = hand.maps[call.slot]
    return mapping[_span(mapping, call)]


def _poke(hand: Hand, call: Call) -> None:
    if call.slot not in hand.maps:
        return
    mapping = hand.maps[call.slot]
    span = _span(mapping, call)
    if span.start >= span.stop:
        return
    try:
        mapping[span] = call.content[: span.stop - span.start]
    except TypeError:  # it is for reading
        return


def _sync(hand: Hand, call: Call) -> None:
    for mapping in hand.maps.values():
        mapping.flush()


# --- names --------------------------------------------------------------------------------------


def _readdir(hand: Hand, call: Call) -> list[tuple[str, bool, bool]]:
    with os.scandir(hand.at(call.path)) as entries:
        return sorted(
            (it.name, it.is_dir(follow_symlinks=False), it.is_symlink()) for it in entries
        )


def _chmod(hand: Hand, call: Call) -> None:
    """A directory keeps its maker's bits, as in a mount it does anyway."""
    path = hand.at(call.path)
    os.chmod(path, call.flags | 0o700 if os.path.isdir(path) else call.flags)


def _replace(hand: Hand, call: Call) -> None:
    """As the explorer saves: a draft in the place of the file."""
    draft = hand.at(".draft")
    with open(draft, "wb") as file:
        file.write(call.content)
    try:
        os.rename(draft, hand.at(call.path))
    except OSError:
        os.unlink(draft)
        raise


def _append(hand: Hand, call: Call) -> None:
    descriptor = os.open(hand.at(call.path), os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    try:
        os.write(descriptor, call.content)
    finally:
        os.close(descriptor)


ACTS: Final[dict[str, Callable[[Hand, Call], Any]]] = {
    "open": _open,
    "close": _close,
    "read": lambda hand, call: os.pread(_file(hand, call.slot), call.size, call.at),
    "write": _write,
    "ftruncate": lambda hand, call: os.ftruncate(_file(hand, call.slot), call.at),
    "truncate": lambda hand, call: os.truncate(hand.at(call.path), call.at),
    "punch": _punch,
    "allocate": lambda hand, call: kernel.fallocate(_file(hand, call.slot), 0, call.at, call.size),
    "fsync": lambda hand, call: os.fsync(_file(hand, call.slot)),
    "copy": _copy,
    "fstat": lambda hand, call: kind_of(os.fstat(_file(hand, call.slot))),
    "seek_end": _seek_end,
    "map": _map,
    "peek": _peek,
    "poke": _poke,
    "sync": _sync,
    "unmap": lambda hand, call: unmap(hand, call.slot),
    "stat": lambda hand, call: kind_of(os.stat(hand.at(call.path))),
    "lstat": lambda hand, call: kind_of(os.lstat(hand.at(call.path))),
    "contents": lambda hand, call: contents(hand.at(call.path)),
    "readdir": _readdir,
    "readlink": lambda hand, call: os.readlink(hand.at(call.path)),
    "access": lambda hand, call: os.access(hand.at(call.path), os.W_OK),
    "mkdir": lambda hand, call: os.mkdir(hand.at(call.path)),
    "rmdir": lambda hand, call: os.rmdir(hand.at(call.path)),
    "unlink": lambda hand, call: os.unlink(hand.at(call.path)),
    "remove": lambda hand, call: os.unlink(hand.at(call.path)),
    "rename": lambda hand, call: kernel.renameat2(
        hand.at(call.path), hand.at(call.other), call.flags
    ),
    "link": lambda hand, call: os.link(
        hand.at(call.path), hand.at(call.other), follow_symlinks=False
    ),
    "symlink": lambda hand, call: os.symlink(os.path.basename(call.other), hand.at(call.path)),
    "chmod": _chmod,
    "utime": lambda hand, call: os.utime(hand.at(call.path), (OLD, OLD - call.seed % 1000)),
    "setxattr": lambda hand, call: os.setxattr(
        hand.at(call.path), "user.note", str(call.seed).encode()
    ),
    "getxattr": lambda hand, call: os.getxattr(hand.at(call.path), "user.note"),
    "statfs": lambda hand, call: kernel.statfs(hand.at(call.path))["f_bsize"],
    "replace": _replace,
    "append": _append,
}
