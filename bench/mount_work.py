"""What is measured in a directory: functions that a session's program runs, and how long each took.

The directory may be the disk's own, one behind the guard, or one behind another FUSE file system:
the work is the same, and knows of no difference.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_server.services.contents.fileio import atomic_writing

MIB = 1 << 20
PAGE = 4096
Seconds = float


def write_big(top: str, mib: int) -> Seconds:
    """A new file, in pieces of 1 MiB, until close has returned."""
    piece = os.urandom(MIB)

    def work() -> None:
        with open(f"{top}/big", "wb", buffering=0) as file:
            for _ in range(mib):
                file.write(piece)

    return _timed(work)


def read_big(top: str) -> Seconds:
    """That file from one end to the other, in pieces of 1 MiB."""
    into = bytearray(MIB)

    def work() -> None:
        with open(f"{top}/big", "rb", buffering=0) as file:
            while file.readinto(into):
                pass

    return _timed(work)


def cache_by_the_page(top: str) -> None:
    """Have the kernel cache that file in single pages, as it does where nothing is read ahead."""
    with open(f"{top}/big", "rb", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        while file.read(PAGE):
            pass


def read_at_random(top: str, count: int) -> Seconds:
    """4 KiB each, at places that are the same in every round."""
    places = random.Random(1)
    pages = os.path.getsize(f"{top}/big") // PAGE
    offsets = [places.randrange(pages) * PAGE for _ in range(count)]

    def work() -> None:
        with open(f"{top}/big", "rb", buffering=0) as file:
            for offset in offsets:
                os.pread(file.fileno(), PAGE, offset)

    return _timed(work)


def remove_big(top: str) -> None:
    """What the next round makes anew."""
    os.unlink(f"{top}/big")


def create_small(top: str, count: int) -> Seconds:
    """So many files of 1 KiB, a hundred a directory."""
    content = b"x" * 1024

    def work() -> None:
        for number in range(count):
            if number % 100 == 0:
                os.mkdir(f"{top}/small{number // 100}")
            with open(_small(top, number), "wb", buffering=0) as file:
                file.write(content)

    return _timed(work)


def stat_small(top: str, count: int) -> Seconds:
    """Each file's attributes."""
    return _timed(lambda: [os.stat(_small(top, number)) for number in range(count)])


def read_small(top: str, count: int) -> Seconds:
    """Each file's content."""
    return _timed(lambda: [Path(_small(top, number)).read_bytes() for number in range(count)])


def unlink_small(top: str, count: int) -> Seconds:
    """All of it goes again."""

    def work() -> None:
        for number in range(count):
            os.unlink(_small(top, number))
        for number in range(0, count, 100):
            os.rmdir(f"{top}/small{number // 100}")

    return _timed(work)


def _small(top: str, number: int) -> str:
    return f"{top}/small{number // 100}/{number}"


def make_repository(top: str, files: int) -> None:
    """A git repository of so many small files, all committed."""
    os.mkdir(f"{top}/repository")
    for number in range(files):
        directory = Path(f"{top}/repository/part{number // 50}")
        directory.mkdir(exist_ok=True)
        (directory / f"file{number}.txt").write_text(f"content {number}\n")
    _git(top, "init", "--quiet")
    _git(top, "add", ".")
    _git(top, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "all")


def git_status(top: str) -> Seconds:
    """``git status`` of that repository."""
    return _timed(lambda: _git(top, "status", "--porcelain"))


def _git(top: str, *words: str) -> None:
    plain = {"PATH": os.environ["PATH"], "HOME": top, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", "-c", "gc.auto=0", "-C", f"{top}/repository", *words], check=True, env=plain
    )


def make_archive(path: str, files: int) -> None:
    """A tar archive of so many files of 4 KiB, fifty a directory."""
    with tarfile.open(path, "w") as archive:
        for number in range(files):
            member = tarfile.TarInfo(f"untarred/part{number // 50}/file{number}")
            member.size = PAGE
            archive.addfile(member, io.BytesIO(b"y" * PAGE))


def untar(top: str, path: str) -> Seconds:
    """That archive's files, by tar; what it made goes again, off the clock."""
    took = _timed(lambda: subprocess.run(["tar", "-xf", path, "-C", top], check=True))
    shutil.rmtree(f"{top}/untarred")
    return took


def save_notebook(top: str, times: int) -> Seconds:
    """A notebook of 200 KiB saved again and again, as Jupyter saves it."""
    content = "n" * (200 * 1024)

    def work() -> None:
        for _ in range(times):
            with atomic_writing(f"{top}/notebook.ipynb") as file:
                file.write(content)

    return _timed(work)


def know(top: str, count: int) -> None:
    """Have the kernel know so many files: made where they are not there, and looked at."""
    os.makedirs(f"{top}/known", exist_ok=True)
    for number in range(count):
        path = f"{top}/known/{number}"
        if not os.path.exists(path):
            Path(path).touch()
        os.stat(path)


def _timed(work: Callable[[], object]) -> Seconds:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
