"""What another session has made longer is read whole, whatever a kernel believed before."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

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
