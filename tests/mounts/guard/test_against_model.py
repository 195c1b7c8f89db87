"""Random reads, writes, truncations and mappings of one file, against the same in memory."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.mounts.guard import model
from tests.mounts.guard.stage import Folder, Session

Join = Callable[[str, str], Session]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "calls",
    [pytest.param(1500, id="short"), pytest.param(60_000, id="long", marks=pytest.mark.slow)],
)
def test_one_session(folder: Folder, join: Join, calls: int) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    ben = join("ben", "edit")
    content = ben.program()
    content.deadline = 180
    final = content(model.play, ben.path("tests/file"), calls, seed)
    assert (folder.disk / "file").read_bytes() == final


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "calls",
    [pytest.param(300, id="short"), pytest.param(10_000, id="long", marks=pytest.mark.slow)],
)
def test_two_sessions_in_turns(folder: Folder, join: Join, calls: int) -> None:
    """Each call by one of two, who open and close the file for it, or keep it open."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    file = folder.put("file", b"")
    sessions = [join("ben", "edit"), join("dan", "edit")]
    for session in sessions:
        session(model.remember, session.path("tests/file"))
    memory = bytearray()
    for number in range(calls):
        call = model.draw(chance, len(memory))
        wanted = model.in_memory(memory, call)
        got = chance.choice(sessions)(model.on_file, call)
        assert got == wanted, f"call {number}: {call[:3]}"
    for session in sessions:
        session(model.forget)
    assert file.read_bytes() == bytes(memory)
