"""More files are known than the guard may have descriptors: some sleep, and wake as themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mounts.guard import locking, steps
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]


def open_all(directory: str) -> int:
    """How many files can be opened, twice around: what nobody has used in between may sleep."""
    for _ in range(2):
        names = os.listdir(directory)
        for name in names:
            os.close(os.open(f"{directory}/{name}", os.O_RDONLY))
    return len(names)


def look_at_all(directory: str) -> None:
    """Look at each entry by its name."""
    for name in os.listdir(directory):
        os.stat(f"{directory}/{name}")


def limit_of(process: int) -> int:
    """How many descriptors it may have."""
    lines = Path(f"/proc/{process}/limits").read_text().splitlines()
    return next(int(line.split()[3]) for line in lines if line.startswith("Max open files"))


@pytest.fixture
def crowd(stage: Stage, folder: Folder) -> int:
    """More files than may be awake: how many."""
    limit = limit_of(stage.guard.pid)
    if limit > 50_000:
        pytest.skip(f"The guard may have {limit} descriptors here: so many files take too long.")
    crowd = folder.make("crowd")
    for number in range(limit // 2 + 2000):
        (crowd / str(number)).touch()
    return limit // 2 + 2000


def reuse(folder: Folder, number: int) -> Path:
    """A file of ana's, made in the store, that has this inode number."""
    for attempt in range(500):
        made = folder.put(f"new{attempt}", b"of ana")
        if made.stat().st_ino == number:
            return made
    pytest.skip("This file system does not reuse inode numbers soon.")


@pytest.mark.slow
def test_a_sleeper_wakes_as_itself(folder: Folder, join: Join, crowd: int) -> None:
    folder.put("early", b"early")
    ben = join("ben", "edit")
    assert ben(os.stat, ben.path("tests/early")).st_size == 5
    watcher = ben.program()
    watcher.deadline = 60
    assert watcher(open_all, ben.path("tests/crowd")) == crowd
    assert ben(steps.read, ben.path("tests/early")) == b"early"
    assert outcome(lambda: ben(os.unlink, ben.path("tests/early"))) == "EPERM"


@pytest.mark.slow
def test_a_sleeper_s_number_that_is_reused_is_somebody_else_s(
    folder: Folder, join: Join, crowd: int
) -> None:
    ben = join("ben", "edit")
    mine = ben.path("tests/mine")
    ben(steps.write, mine, b"x")
    number = (folder.disk / "mine").stat().st_ino
    holder = ben.program()
    holder.deadline = 60
    holder(os.open, mine, os.O_PATH)  # so that its kernel keeps the inode, whatever happens
    assert holder(open_all, ben.path("tests/crowd")) == crowd
    (folder.disk / "mine").unlink()
    made = reuse(folder, number)
    path = ben.path("tests", made.name)
    assert ben(steps.read, path) == b"of ana"
    assert outcome(lambda: ben(os.unlink, path)) == "EPERM"
    assert outcome(lambda: ben(os.chmod, path, 0o600)) == "EPERM"
    assert made.read_bytes() == b"of ana"


@pytest.mark.slow
def test_directories_that_one_session_knows_starve_nobody(
    stage: Stage, folder: Folder, join: Join
) -> None:
    """Directories never sleep: who knows too many is refused more, and nobody else is."""
    limit = limit_of(stage.guard.pid)
    if limit > 50_000:
        pytest.skip(f"The guard may have {limit} descriptors here: so many files take too long.")
    forest = folder.make("forest")
    for number in range(limit + 500):
        (forest / str(number)).mkdir()
    ben, dan = join("ben", "view"), join("dan", "edit")
    greedy, other = ben.program(), dan.program()
    greedy.deadline = other.deadline = 100
    # ok: its kernel has forgotten some meanwhile, because the machine needed the memory.
    assert outcome(lambda: greedy(look_at_all, ben.path("tests/forest"))) in {"ENOMEM", "ok"}
    assert outcome(lambda: other(steps.write, dan.path("tests/new"), b"x")) == "ok"
    assert outcome(lambda: other(os.mkdir, dan.path("tests/directory"))) == "ok"
    assert outcome(lambda: other(os.listdir, dan.path("tests/forest/1"))) == "ok"
    stage.drop(ben)
    later = join("ben", "view")
    assert outcome(lambda: later(os.listdir, later.path("tests/forest/2"))) == "ok"


@pytest.mark.slow
def test_locks_of_many_processes_starve_nobody(stage: Stage, folder: Folder, join: Join) -> None:
    """Each process that has a lock costs a descriptor, though they share one open file."""
    limit = limit_of(stage.guard.pid)
    if limit > 50_000:
        pytest.skip(f"The guard may have {limit} descriptors here: so many locks take too long.")
    locked = folder.make("locked")
    for number in range(200):
        (locked / str(number)).touch()
    ben, dan = join("ben", "edit"), join("dan", "edit")
    greedy = ben.program()
    greedy.deadline = 100
    asked = limit // 200 + 20
    assert 0 < greedy(locking.lock_by_many, ben.path("tests/locked"), 200, asked) < limit
    assert outcome(lambda: dan(steps.write, dan.path("tests/new"), b"x")) == "ok"
    assert outcome(lambda: dan(locking.remember, dan.path("tests/new"))) == "ok"
    assert outcome(lambda: dan(locking.posix, "write")) == "ok"
    greedy.close()  # its processes end after it, one by one
    wait_until(lambda: outcome(lambda: ben(os.listdir, ben.path("tests/locked"))) == "ok")
    wait_until(lambda: ben(locking.locks_again, ben.path("tests/locked/0")))
