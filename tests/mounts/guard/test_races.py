"""Many at once: what is checked still holds when it is done, and all see the same in the end."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from tests.mounts.guard import racing
from tests.mounts.guard.program import Program, wait_until
from tests.mounts.guard.racing import Deed
from tests.mounts.guard.stage import Folder, Session

Join = Callable[[str, str], Session]
DURATIONS = [
    pytest.param(3.0, id="for a moment"),
    pytest.param(60.0, id="for a minute", marks=pytest.mark.slow),
]


def start(
    sessions: list[Session], each: int, do: Callable[..., object], seconds: float, seed: int
) -> list[Program]:
    """`each` programs in every session, all doing it."""
    programs = [session.program() for session in sessions for _ in range(each)]
    for number, program in enumerate(programs):
        top = f"{program.identity.home}/shared/tests"
        program.begin(do, top, number, seconds, seed + number)
    return programs


@pytest.mark.scenario("M5")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", DURATIONS)
def test_nothing_established_disappears_at_edit(folder: Folder, join: Join, seconds: float) -> None:
    """Eight writers at Edit try every trick on ana's names, while she makes new ones."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    for number in range(8):
        folder.put(f"d{number % 2}/ana{number}", b"of ana")
        folder.make(f"d{number % 2}/anas{number}")
    before = folder.names()
    ana, ben, dan = join("ana", "edit_delete"), join("ben", "edit"), join("dan", "edit")
    attackers = start([ben, dan], 4, racing.attack, seconds, seed)
    makers = start([ana], 2, racing.make_names, seconds, seed + 100)
    made = [deed for program in makers for deed in program.end(seconds + 60)]
    moved = [deed for program in attackers for deed in program.end(seconds + 60)]
    assert before <= folder.names(), f"gone: {before - folder.names()}"
    assert len(moved) > 10
    assert made
    assert folder_of_each(folder, made) == {}
    assert moved_after(made, moved) == []


def folder_of_each(folder: Folder, made: list[Deed]) -> dict[str, str]:
    """ana's files that are no longer in the directory they were made in, by its inode."""
    where = {}
    for path in folder.disk.rglob("new*"):
        where[path.name] = path.parent.stat().st_ino
    return {
        deed.name: "gone" if deed.name not in where else "elsewhere"
        for deed in made
        if where.get(deed.name) != deed.inode
    }


def moved_after(made: list[Deed], moved: list[Deed]) -> list[tuple[Deed, Deed]]:
    """Renames of a directory that began after ana had been told that her file is in it."""
    first: dict[int, Deed] = {}
    for deed in made:
        if deed.inode not in first or deed.ended < first[deed.inode].ended:
            first[deed.inode] = deed
    return [
        (first[move.inode], move)
        for move in moved
        if move.inode in first and move.began > first[move.inode].ended
    ]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("names", ["few", "many"])
@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(2.0, id="for a moment"),
        pytest.param(20.0, id="for twenty seconds", marks=pytest.mark.slow),
    ],
)
def test_two_sessions_that_hammer_one_directory_agree(
    folder: Folder, join: Join, seconds: float, names: str
) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    sessions = [join("ana", "edit_delete"), join("ben", "edit_delete")]
    do = racing.hammer_few if names == "few" else racing.hammer_many
    programs = start(sessions, 2, do, seconds, seed)
    done = [program.end(seconds + 60) for program in programs]
    print(done)
    assert all(count > 10 for count in done)
    store = racing.look(str(folder.disk))
    for session in sessions:
        assert session(racing.look, session.path("tests")) == store
        for name in racing.NAMES:
            seen = session(os.path.lexists, session.path("tests", name))
            assert seen == (name in store), name


@pytest.mark.parametrize("seconds", [pytest.param(2.0, id="for a moment")])
def test_a_lookup_beside_changes_finds_what_is_always_there(
    folder: Folder, join: Join, seconds: float
) -> None:
    """Names that nobody touches never seem to be gone, whatever happens beside them."""
    folder.put("steady/file", b"steady")
    ana, ben = join("ana", "edit_delete"), join("ben", "edit_delete")
    programs = start([ana], 2, racing.hammer_many, seconds, 1)
    programs += start([ben], 2, racing.watch, seconds, 1)
    assert [program.end(seconds + 60) for program in programs][2:] == [[], []]
    wait_until(lambda: ben(racing.watch, ben.path("tests"), 0, 0.1, 1) == [])
