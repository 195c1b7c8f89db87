"""A file and its model: the same calls on both, drawn at random."""

from __future__ import annotations

import mmap
import os
import random
from typing import Final

from tests.mounts.guard import kernel

LARGEST: Final = 256 * 1024
_STATE: Final[dict[str, int | str]] = {}

Call = tuple[str, int, int, int]
"""What, where, how much, and the seed of its bytes."""


def draw(chance: random.Random, size: int) -> Call:
    """The next call, for a file of this size."""
    what = chance.choice(
        ["read", "read", "write", "write", "append", "truncate", "map", "store", "punch", "reopen"]
    )
    at = chance.randrange(max(1, size + 1))
    if what == "write" and chance.random() < 0.2:
        at = chance.randrange(LARGEST)
    if what == "truncate":
        at = chance.choice([at, at, chance.randrange(LARGEST)])
    return what, at, chance.choice([1, 100, 4096, 5000, 20_000]), chance.randrange(1 << 30)


def _bytes(call: Call) -> bytes:
    return random.Random(call[3]).randbytes(call[2])


def in_memory(memory: bytearray, call: Call) -> bytes:
    """Do it to the model; what a read gives."""
    what, at, length, _ = call
    end = min(at + length, len(memory))
    match what:
        case "read" | "map":
            return bytes(memory[at : at + length])
        case "write" | "append":
            at = at if what == "write" else len(memory)
            memory.extend(bytes(max(0, at + length - len(memory))))
            memory[at : at + length] = _bytes(call)
        case "truncate":
            memory.extend(bytes(max(0, at - len(memory))))
            del memory[at:]
        case "store" if end > at:
            memory[at:end] = _bytes(call)[: end - at]
        case "punch" if end > at:
            memory[at:end] = bytes(end - at)
        case _:
            pass
    return b""


def remember(path: str) -> None:
    """The file that `on_file` means."""
    _STATE.update(path=path, descriptor=os.open(path, os.O_CREAT | os.O_RDWR, 0o644))


def forget() -> None:
    """Close it."""
    os.close(int(_STATE.pop("descriptor")))


def on_file(call: Call) -> bytes:
    """Do it to the file; what a read gives. A mapping that the guard forbids is a read or write."""
    what, at, length, _ = call
    descriptor = int(_STATE["descriptor"])
    size = os.fstat(descriptor).st_size
    end = min(at + length, size)
    match what:
        case "read":
            return os.pread(descriptor, length, at)
        case "write":
            os.pwrite(descriptor, _bytes(call), at)
        case "append":
            os.pwrite(descriptor, _bytes(call), size)
        case "truncate":
            os.ftruncate(descriptor, at)
        case "map":
            return _load(descriptor, at, end)
        case "store" if end > at:
            _store(descriptor, at, _bytes(call)[: end - at])
        case "punch" if end > at:
            mode = kernel.FALLOC_FL_PUNCH_HOLE | kernel.FALLOC_FL_KEEP_SIZE
            kernel.fallocate(descriptor, mode, at, end - at)
        case "reopen":
            forget()
            remember(str(_STATE["path"]))
        case _:
            pass
    return b""


def _load(descriptor: int, at: int, end: int) -> bytes:
    if end <= at:
        return b""
    try:
        with mmap.mmap(descriptor, 0, mmap.MAP_SHARED, mmap.PROT_READ) as mapping:
            return mapping[at:end]
    except OSError:
        return os.pread(descriptor, end - at, at)


def _store(descriptor: int, at: int, content: bytes) -> None:
    try:
        with mmap.mmap(descriptor, 0, mmap.MAP_SHARED) as mapping:
            mapping[at : at + len(content)] = content
    except OSError:
        os.pwrite(descriptor, content, at)


def play(path: str, calls: int, seed: int) -> bytes:
    """Many calls on both, compared at each; the final content."""
    chance, memory = random.Random(seed), bytearray()
    remember(path)
    for number in range(calls):
        call = draw(chance, len(memory))
        wanted = in_memory(memory, call)
        got = on_file(call)
        assert got == wanted, f"call {number} {call[:3]} of seed {seed} at size {len(memory)}"
        assert os.fstat(int(_STATE["descriptor"])).st_size == len(memory), f"call {number}"
    forget()
    return bytes(memory)
