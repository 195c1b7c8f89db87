"""What a copy is known by, when it is asked whether a file is still the same."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jupyterhub_vmshare.storage.posix import copying


def test_a_mark_changes_with_every_change(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    marks = [copying.mark(file.stat())]
    for change in (
        lambda: file.write_bytes(b"y"),
        lambda: file.chmod(0o600),
        lambda: os.utime(file, (0, 0)),
        lambda: file.rename(tmp_path / "b").rename(file),
    ):
        time.sleep(0.02)  # longer than a tick of the file system's clock
        change()
        marks.append(copying.mark(file.stat()))
    assert len(set(marks)) == len(marks)
