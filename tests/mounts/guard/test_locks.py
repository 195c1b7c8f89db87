"""flock and POSIX locks hold between the sessions of one node, and sqlite may rely on them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.mounts.guard import databases, locking
from tests.mounts.guard.program import Program, outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]
BUSY = {"EAGAIN", "EACCES"}


@pytest.fixture(params=["two people", "two sessions of one person", "two programs"])
def two(request: pytest.FixtureRequest, folder: Folder, join: Join) -> tuple[Program, Program]:
    """Two who know the same file."""
    folder.put("file", b"x" * 100)
    first = join("ben", "edit")
    if request.param == "two programs":
        second = first
    else:
        second = join("dan" if request.param == "two people" else "ben", "edit")
    made = (first.program(), second.program())
    for program, session in zip(made, (first, second), strict=True):
        program(locking.remember, session.path("tests/file"))
        program(locking.interruptible)
    return made


KINDS = pytest.mark.parametrize(
    ("lock", "excluding", "sharing"),
    [
        pytest.param(locking.flock, "exclusive", "shared", id="flock"),
        pytest.param(locking.posix, "write", "read", id="posix"),
    ],
)


@KINDS
def test_one_excludes_the_other(
    two: tuple[Program, Program], lock: Callable[..., None], excluding: str, sharing: str
) -> None:
    first, second = two
    first(lock, excluding)
    assert outcome(second, lock, excluding, wait=False) in BUSY
    assert outcome(second, lock, sharing, wait=False) in BUSY
    first(lock, "none")
    assert outcome(second, lock, sharing, wait=False) == "ok"
    assert outcome(first, lock, sharing, wait=False) == "ok"
    assert outcome(first, lock, excluding, wait=False) in BUSY


@KINDS
@pytest.mark.parametrize("release", ["unlock", "close", "death", "session ends"])
def test_who_waits_gets_it_when_it_is_free(
    stage: Stage,
    two: tuple[Program, Program],
    lock: Callable[..., None],
    excluding: str,
    sharing: str,
    release: str,
) -> None:
    first, second = two
    first(lock, excluding)
    second.begin(lock, excluding)
    assert not second.has_ended(0.2)
    match release:
        case "unlock":
            first(lock, "none")
        case "close":
            first(locking.close)
        case "death":
            first.kill()
        case _:
            owner = next(s for s in stage.sessions.values() if first in s.programs)
            if second in owner.programs:
                pytest.skip("Both programs are in the one session: none would be left that waits.")
            stage.drop(owner)
    assert second.end() is None


@KINDS
def test_who_waits_can_be_interrupted(
    two: tuple[Program, Program], lock: Callable[..., None], excluding: str, sharing: str
) -> None:
    first, second = two
    first(lock, excluding)
    second.begin(lock, excluding)
    assert not second.has_ended(0.2)
    second.kill(signal.SIGUSR1)
    assert outcome(second.end) == "EINTR"
    first(lock, "none")
    assert outcome(first, lock, excluding, wait=False) == "ok"


@KINDS
def test_who_waits_can_be_killed(
    two: tuple[Program, Program], lock: Callable[..., None], excluding: str, sharing: str
) -> None:
    first, second = two
    first(lock, excluding)
    second.begin(lock, excluding)
    assert not second.has_ended(0.2)
    second.kill()
    wait_until(lambda: not second.alive)
    first(lock, "none")
    assert outcome(first, lock, excluding, wait=False) == "ok"


@KINDS
def test_many_who_wait_hold_up_nobody(
    folder: Folder, join: Join, lock: Callable[..., None], excluding: str, sharing: str
) -> None:
    """Who waits for a lock takes no thread of the guard's with them."""
    folder.put("file", b"x")
    ben, dan = join("ben", "edit"), join("dan", "edit")
    ben(locking.remember, ben.path("tests/file"))
    ben(lock, excluding)
    waiting = [session.program() for session in (ben, dan) for _ in range(30)]
    for program in waiting:
        program(locking.remember, f"{program.identity.home}/shared/tests/file")
        program.begin(lock, sharing)
    assert not any(program.has_ended() for program in waiting)
    for session in (ben, dan):
        assert session.program()(os.listdir, session.path("tests")) == ["file"]
    ben(lock, "none")
    for program in waiting:
        assert program.end() is None


def test_posix_locks_have_ranges(two: tuple[Program, Program]) -> None:
    first, second = two
    first(locking.posix, "write", 0, 10)
    first(locking.posix, "read", 20, 10)
    assert outcome(second, locking.posix, "write", 10, 10, wait=False) == "ok"
    assert outcome(second, locking.posix, "write", 5, 10, wait=False) in BUSY
    assert outcome(second, locking.posix, "read", 25, 10, wait=False) == "ok"
    assert outcome(second, locking.posix, "write", 25, 10, wait=False) in BUSY
    assert second(locking.holder, 0, 1) == "write"
    assert second(locking.holder, 29, 1) == "read"
    assert second(locking.holder, 50, 1) == "none"


def test_a_lock_ends_with_the_process_that_had_it(folder: Folder, join: Join) -> None:
    folder.put("file", b"x")
    ben = join("ben", "edit")
    ben(locking.remember, ben.path("tests/file"))
    assert outcome(ben, locking.lock_after_child) == "ok"


@pytest.fixture
def reader_and_writer(folder: Folder, join: Join) -> tuple[Session, Session]:
    """ben's program has a file open for reading, and dan's for writing."""
    folder.put("file", b"x")
    ben, dan = join("ben", "edit"), join("dan", "edit")
    ben(locking.remember, ben.path("tests/file"), os.O_RDONLY)
    dan(locking.remember, dan.path("tests/file"))
    return ben, dan


def test_a_read_lock_ends_with_the_process_that_had_it(
    reader_and_writer: tuple[Session, Session],
) -> None:
    """Also where another process has the same open file, whose closes are not told."""
    ben, dan = reader_and_writer
    ben(locking.lock_in_child)
    assert dan(locking.holder) == "read"
    assert outcome(dan, locking.posix, "write", wait=False) in BUSY
    ben(locking.end_child)
    assert dan(locking.holder) == "none"
    ben(locking.lock_in_child)
    ben(locking.end_child)
    assert outcome(dan, locking.posix, "write", wait=False) == "ok"


def test_who_waits_for_a_read_lock_gets_it_when_its_process_ends(
    reader_and_writer: tuple[Session, Session],
) -> None:
    ben, dan = reader_and_writer
    ben(locking.lock_in_child)
    dan.shell.begin(locking.posix, "write")
    assert not dan.shell.has_ended(0.2)
    ben(locking.end_child)
    assert dan.shell.end() is None


def test_many_who_take_turns_lose_no_turn(folder: Folder, join: Join) -> None:
    folder.put("counter", b"0")
    programs = []
    for person in ("ben", "dan"):
        session = join(person, "edit")
        for _ in range(2):
            programs.append(session.program())
            programs[-1].begin(databases.count_under_lock, session.path("tests/counter"), 100)
    for program in programs:
        program.end()
    assert (folder.disk / "counter").read_bytes() == b"400"


@pytest.mark.parametrize(
    "who",
    [
        pytest.param((("ben", "edit"), ("ben", "edit")), id="two sessions of one person"),
        pytest.param((("ana", "edit_delete"), ("ben", "edit_delete")), id="two people"),
    ],
)
def test_sqlite_stays_whole(folder: Folder, join: Join, who: tuple[tuple[str, str], ...]) -> None:
    sessions = [join(person, level) for person, level in who]
    first = sessions[0]
    first(databases.make, first.path("tests/data.sqlite"), "delete")
    programs = [session.program() for session in sessions for _ in range(2)]
    for number, program in enumerate(programs):
        path = f"{program.identity.home}/shared/tests/data.sqlite"
        program.begin(databases.insert, path, number, 25)
    for program in programs:
        program.end(120)
    assert databases.look(str(folder.disk / "data.sqlite")) == ("ok", 100)
    for session in sessions:
        assert session(databases.look, session.path("tests/data.sqlite")) == ("ok", 100)
    assert "data.sqlite-journal" not in os.listdir(folder.disk)
