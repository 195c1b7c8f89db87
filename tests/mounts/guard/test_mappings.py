"""Mappings beside writes: of the same session that are refused, and of another that are not."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import pytest

from tests.mounts.guard import kernel, steps
from tests.mounts.guard.program import outcome
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]
PAGE: Final = 4096
SIZE: Final = 4 * PAGE
BEFORE: Final = b"before" * (SIZE // 6) + b"full"
STORED_AT, WRITTEN_AT = PAGE + 10, PAGE + 100
"""In one page."""


def mapped(session: Session, path: str, *, writable: bool = False) -> tuple[int, int]:
    """A descriptor, and a mapping that has all pages."""
    descriptor = session(os.open, path, os.O_RDWR)
    mapping = session(steps.map_file, descriptor, SIZE, writable=writable)
    assert session(steps.peek, mapping, 0, SIZE) == BEFORE
    return descriptor, mapping


@pytest.mark.parametrize(
    ("at", "size"),
    [(0, 3), (PAGE, PAGE), (PAGE - 5, 2 * PAGE), (0, SIZE)],
    ids=["some bytes", "a page", "over pages", "all of it"],
)
@pytest.mark.parametrize("why", ["View", "the limit"])
def test_a_mapping_does_not_show_what_was_refused(
    stage: Stage, folder: Folder, join: Join, why: str, at: int, size: int
) -> None:
    """Though the kernel writes into the pages that it has before it asks."""
    file = folder.put("file", BEFORE)
    ben = join("ben", "edit")
    descriptor, mapping = mapped(ben, ben.path("tests/file"))
    if why == "View":
        stage.give(ben, folder, "view")
        ben(steps.peek, mapping, 0, SIZE)
    else:
        stage.give(ben, folder, "edit", limit=SIZE, used=SIZE)
        size = SIZE + 1 - at
    refused = outcome(ben, os.pwrite, descriptor, b"!" * size, at)
    assert refused == ("EACCES" if why == "View" else "EDQUOT")
    assert ben(steps.peek, mapping, 0, SIZE) == BEFORE
    assert ben(os.pread, descriptor, SIZE, 0) == BEFORE
    assert file.read_bytes() == BEFORE


@pytest.mark.parametrize("how", ["write", "punch", "copy", "truncate", "ftruncate", "O_TRUNC"])
def test_what_two_change_in_one_page_is_there(folder: Folder, join: Join, how: str) -> None:
    """ana has stored through a mapping, and not said `msync`; then ben changes the file."""
    ana, ben = join("ana", "edit_delete"), join("ben", "edit_delete")
    file = folder.put("file", BEFORE)
    _, mapping = mapped(ana, ana.path("tests/file"), writable=True)
    path = ben.path("tests/file")
    other = ben(os.open, path, os.O_RDWR)
    ana(steps.poke, mapping, b"STORED", STORED_AT)
    wanted = bytearray(BEFORE)
    wanted[STORED_AT : STORED_AT + 6] = b"STORED"
    match how:
        case "write":
            ben(os.pwrite, other, b"WRITTEN", WRITTEN_AT)
            wanted[WRITTEN_AT : WRITTEN_AT + 7] = b"WRITTEN"
        case "punch":
            ben(kernel.fallocate, other, 3, WRITTEN_AT, 7)
            wanted[WRITTEN_AT : WRITTEN_AT + 7] = bytes(7)
        case "truncate":
            ben(os.truncate, path, WRITTEN_AT)
            del wanted[WRITTEN_AT:]
        case "ftruncate":
            ben(os.ftruncate, other, WRITTEN_AT)
            del wanted[WRITTEN_AT:]
        case "copy":
            ben(steps.write, ben.path("tests/source"), b"WRITTEN")
            source = ben(os.open, ben.path("tests/source"), os.O_RDONLY)
            ben(os.copy_file_range, source, other, 7, 0, WRITTEN_AT)
            wanted[WRITTEN_AT : WRITTEN_AT + 7] = b"WRITTEN"
        case _:
            ben(steps.touch_open, path, os.O_WRONLY | os.O_TRUNC)
            wanted.clear()
    ana(steps.sync, mapping)
    assert file.read_bytes() == wanted
    assert ben(os.pread, other, SIZE, 0) == wanted
    assert ana(steps.read, ana.path("tests/file")) == wanted
