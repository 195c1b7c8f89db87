"""What a program may hold on to while its grant ends: each way, and each use of it afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.mounts.guard import handing, kernel, steps
from tests.mounts.guard.program import Program
from tests.mounts.guard.stage import Session

Uses = list[tuple[str, Program, Callable[..., Any], tuple[Any, ...]]]


@dataclass(frozen=True)
class Way:
    """Take hold of `tests/sub/file` (two pages of `x`), and say how to use that later."""

    name: str
    hold: Callable[[Session], Uses]
    wanted: frozenset[str] = frozenset({"EACCES"})


def _reader(ben: Session) -> Uses:
    program = ben.program()
    descriptor = program(os.open, ben.path("tests/sub/file"), os.O_RDONLY)
    program(os.pread, descriptor, 8192, 0)
    reopen = f"/proc/self/fd/{descriptor}"
    return [
        ("read", program, os.pread, (descriptor, 10, 0)),
        ("read again", program, os.pread, (descriptor, 4096, 4096)),
        ("reopen", program, steps.touch_open, (reopen,)),
        ("sendfile", program, steps.send_out, (descriptor,)),
        ("fstat", program, os.fstat, (descriptor,)),
    ]


def _writer(ben: Session) -> Uses:
    program = ben.program()
    descriptor = program(os.open, ben.path("tests/sub/file"), os.O_RDWR)
    return [
        ("read", program, os.pread, (descriptor, 10, 0)),
        ("write", program, os.pwrite, (descriptor, b"evil", 0)),
        ("write a page", program, os.pwrite, (descriptor, b"e" * 4096, 4096)),
        ("append", program, os.pwrite, (descriptor, b"evil", 8192)),
        ("truncate", program, os.ftruncate, (descriptor, 0)),
        ("punch", program, kernel.fallocate, (descriptor, 3, 0, 4096)),
        ("chmod", program, os.fchmod, (descriptor, 0o600)),
        ("set a time", program, os.utime, (descriptor,)),
        ("setxattr", program, os.setxattr, (descriptor, "user.evil", b"x")),
    ]


def _directory(ben: Session) -> Uses:
    program = ben.program()
    descriptor = program(os.open, ben.path("tests/sub"), os.O_RDONLY)
    program(os.listdir, descriptor)
    program(os.chdir, ben.path("tests/sub"))
    return [
        ("list", program, os.listdir, (descriptor,)),
        ("open in it", program, steps.open_at, (descriptor, "file")),
        ("list cwd", program, os.listdir, (".",)),
        ("read in cwd", program, steps.read, ("file",)),
        ("make in cwd", program, steps.make, ("new",)),
        ("unlink in cwd", program, os.unlink, ("file",)),
        ("stat cwd", program, os.stat, (".",)),
    ]


def _path_only(ben: Session) -> Uses:
    """O_PATH asks nobody for leave at its open: it is what one opens from it that counts."""
    program = ben.program()
    descriptor = program(os.open, ben.path("tests/sub/file"), os.O_PATH)
    return [("open from it", program, steps.touch_open, (f"/proc/self/fd/{descriptor}",))]


def _private_namespace(ben: Session) -> Uses:
    """Somebody with more rights than sessions have bound the folder elsewhere, before."""
    program = ben.program(root=True)
    program(steps.own_namespace)
    program(steps.bind, ben.path("tests/sub"), "/mnt")
    program(os.chdir, "/mnt")
    return [
        ("list", program, os.listdir, ("/mnt",)),
        ("read", program, steps.read, ("/mnt/file",)),
        ("read in cwd", program, steps.read, ("file",)),
        ("make", program, steps.make, ("/mnt/new",)),
    ]


def _passed_on(ben: Session) -> Uses:
    other, name = ben.program(), f"guard-test-{ben.id}"
    other(handing.listen, name)
    giver = ben.program()
    giver(handing.give, name, giver(os.open, ben.path("tests/sub/file"), os.O_RDWR))
    descriptor = other(handing.take, name)
    return [
        ("read", other, os.pread, (descriptor, 10, 0)),
        ("write", other, os.pwrite, (descriptor, b"evil", 0)),
    ]


def _duplicate(ben: Session) -> Uses:
    program = ben.program()
    descriptor = program(os.dup, program(os.open, ben.path("tests/sub/file"), os.O_RDWR))
    return [
        ("read", program, os.pread, (descriptor, 10, 0)),
        ("write", program, os.pwrite, (descriptor, b"evil", 0)),
        ("in a child", program, steps.read_in_child, (descriptor,)),
    ]


def _mapping(flags: int, *, writable: bool) -> Callable[[Session], Uses]:
    def hold(ben: Session) -> Uses:
        programs = [ben.program() for _ in range(3)]
        path = ben.path("tests/sub/file")
        mappings = [program(steps.map_path, path, flags, writable=writable) for program in programs]
        programs[0](steps.peek, mappings[0], 0, 8192)
        uses: Uses = [
            ("load a page that was read", programs[0], steps.peek, (mappings[0],)),
            ("load a page that was not", programs[1], steps.peek, (mappings[1], 4096)),
        ]
        if writable:
            uses.append(("store", programs[2], steps.poke, (mappings[2], b"evil")))
        return uses

    return hold


WAYS: Final = (
    Way("a descriptor for reading", _reader),
    Way("a descriptor for writing", _writer),
    Way("a directory and a working directory", _directory),
    Way("a descriptor that names a place", _path_only),
    Way("a private namespace", _private_namespace),
    Way("a descriptor that was passed on", _passed_on),
    Way("a duplicate", _duplicate),
    Way("a mapping", _mapping(os.O_RDONLY, writable=False), frozenset({"SIGBUS"})),
    Way("a writable mapping", _mapping(os.O_RDWR, writable=True), frozenset({"SIGBUS"})),
)
