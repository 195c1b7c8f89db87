"""A folder's limit counts each byte once, however it comes and goes."""

from __future__ import annotations

import os

import pytest

from tests.mounts.guard import steps
from tests.mounts.guard.program import outcome
from tests.mounts.guard.stage import Folder, Session, Stage

KIB = 1024


def cut_twice(path: str) -> None:
    """What has lost its name is made shorter."""
    descriptor = os.open(path, os.O_RDWR)
    os.unlink(path)
    os.ftruncate(descriptor, 0)
    os.close(descriptor)


def cut_often(path: str, size: int, times: int) -> None:
    """Make it long by nobody's bytes, and empty; several programs do so at once."""
    for _ in range(times):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.truncate(path, size)
        os.close(descriptor)
    os.truncate(path, 0)


def append(path: str, content: bytes) -> None:
    """One write behind what is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


@pytest.fixture
def ben(stage: Stage, folder: Folder) -> Session:
    ben = stage.session("ben")
    stage.give(ben, folder, "edit", limit=1000 * KIB, used=0)
    ben(steps.write, ben.path("tests/full"), b"x" * (800 * KIB))
    return ben


@pytest.fixture
def dan(stage: Stage, folder: Folder, ben: Session) -> Session:
    dan = stage.session("dan")
    stage.give(dan, folder, "edit", limit=1000 * KIB, used=800 * KIB)
    return dan


def room(ben: Session) -> tuple[str, str]:
    """What 160 KiB answer, and then 160 more, where 200 are left."""
    answers = []
    for name in ("one", "two"):
        path = ben.path("tests", name)

        def add(path: str = path) -> None:
            ben(steps.write, path, b"x" * (160 * KIB))

        answers.append(outcome(add))
    return answers[0], answers[1]


def test_what_has_no_name_is_given_back_once(ben: Session) -> None:
    ben(steps.write, ben.path("tests/gone"), b"x" * (190 * KIB))
    ben(cut_twice, ben.path("tests/gone"))
    assert room(ben) == ("ok", "EDQUOT")


def test_what_several_cut_at_once_is_given_back_once(ben: Session, dan: Session) -> None:
    programs = [session.program() for session in (ben, dan)]
    for program in programs:
        path = f"{program.identity.home}/shared/tests/cut"
        program.begin(cut_often, path, 40 * KIB, 300)
    for program in programs:
        program.end()
    ben(os.truncate, ben.path("tests/cut"), 0)
    assert room(ben) == ("ok", "EDQUOT")


def test_what_is_appended_counts_where_it_lands(folder: Folder, ben: Session, dan: Session) -> None:
    ben(steps.write, ben.path("tests/log"), b"")
    for session in (ben, dan) * 4:
        path = session.path("tests/log")
        if (
            outcome(lambda path=path, session=session: session(append, path, b"x" * (60 * KIB)))
            != "ok"
        ):
            break
    assert (folder.disk / "log").stat().st_size == 180 * KIB
