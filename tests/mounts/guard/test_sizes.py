"""What another session has made longer is read whole, whatever a kernel believed before."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.mounts.guard import racing
from tests.mounts.guard.stage import Folder, Session

Join = Callable[[str, str], Session]


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR], ids=["reader", "writer"])
def test_who_reads_a_byte_and_then_all_gets_all_that_has_come(
    folder: Folder, join: Join, flags: int
) -> None:
    """The byte lies where the file's old size is enough to know."""
    ana, ben = join("ana", "edit_delete"), join("ben", "edit_delete")
    folder.put("file", b"before" * 1000)
    file = ben(os.open, ben.path("tests/file"), flags)
    assert ben(os.pread, file, 1, 6000) == b""
    ana(os.truncate, ana.path("tests/file"), 20_000)
    assert ben(os.pread, file, 1, 0) == b"b"
    assert ben(os.pread, file, 30_000, 0) == b"before" * 1000 + bytes(14_000)


@pytest.mark.parametrize("how", ["unlink", "chmod", "set a time"])
def test_who_has_written_a_byte_of_what_has_grown_gets_all_of_it(join: Join, how: str) -> None:
    """Also when something else was changed before."""
    ana, ben = join("ana", "edit_delete"), join("ben", "edit_delete")
    file = ben(os.open, ben.path("tests/new"), os.O_RDWR | os.O_CREAT)
    path = ana.path("tests/new")
    ana(os.truncate, path, 20_000)
    ben(os.pwrite, file, b"x", 0)
    match how:
        case "unlink":
            ana(os.unlink, path)
        case "chmod":
            ana(os.chmod, path, 0o640)
        case _:
            ana(os.utime, path, (1_000_000, 2_000_000))
    assert ben(os.pread, file, 30_000, 10_000) == bytes(10_000)


def test_who_looks_for_what_is_being_made_has_its_size_at_once(join: Join) -> None:
    """A kernel may be told of a change before it has the answer that brings it the file."""
    ana, ben = join("ana", "edit_delete"), join("ben", "view")
    names = [f"file{number}" for number in range(3000)]
    writing, looking = ana.program(), ben.program()
    looking.begin(racing.sizes_once_there, ben.path("tests"), names)
    writing.begin(racing.fill_new_files, ana.path("tests"), names, 547)
    writing.end(120)
    assert Counter(looking.end(120)) == {547: len(names)}
