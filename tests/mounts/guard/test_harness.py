"""The harness itself: programs of a person, in a namespace of their own, that never hang a test."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mounts.guard import steps
from tests.mounts.guard.control import decoded, encoded
from tests.mounts.guard.program import Died, Identity, Program, Stuck, outcome

ANA = 2001
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root may act as other people.")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(Identity(ANA, ANA, "/", None))
    yield made
    made.close()


@needs_root
def test_a_program_runs_as_its_person(program: Program) -> None:
    assert program(os.getresuid) == (ANA, ANA, ANA)
    assert program(os.getgroups) == []


@needs_root
def test_an_errno_comes_back_as_an_error(program: Program) -> None:
    with pytest.raises(OSError, match="nowhere") as caught:
        program(os.stat, "/nowhere")
    assert caught.value.errno == errno.ENOENT
    assert outcome(program, os.stat, "/nowhere") == "ENOENT"
    assert outcome(program, os.stat, "/") == "ok"


@needs_root
def test_a_program_that_dies_says_of_what(program: Program) -> None:
    with pytest.raises(Died) as caught:
        program(os.kill, program.pid, signal.SIGBUS)
    assert caught.value.signal == signal.SIGBUS
    assert not program.alive


@needs_root
def test_a_call_that_hangs_is_killed_at_its_deadline(program: Program) -> None:
    program.begin(time.sleep, 3600)
    with pytest.raises(Stuck, match="sleep"):
        program.end(0.2)
    program.close()
    assert not Path(f"/proc/{program.pid}").exists()


@needs_root
def test_a_program_ends_with_the_process_that_made_it(program: Program) -> None:
    """Also when the tests are killed: the kernel ends what they started."""
    child = program(_beget)
    program.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{child}/stat").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}/stat").exists()


def _beget() -> int:
    return Program(Identity(ANA, ANA, "/", None, hold_root=True)).pid


@needs_root
def test_a_namespace_hides_what_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the store")
    holder = Program(Identity(0, 0, "/", None, hold_root=True))
    try:
        holder(steps.own_namespace, str(tmp_path))
        assert holder(os.listdir, str(tmp_path)) == []
        assert os.listdir(tmp_path) == ["secret"]
    finally:
        holder.close()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("plain-Name_1.~@,+:x", id="characters that stand for themselves"),
        pytest.param("two words = 100 %\n", id="characters that divide words and packets"),
        pytest.param(b"\xff\xfe".decode("utf-8", "surrogateescape"), id="bytes that are no UTF-8"),
    ],
)
def test_words_travel_as_they_are(value: str) -> None:
    packet = encoded("folder", {"n": 1, "name": value})
    assert packet.count(b" ") == 2
    assert decoded(packet) == ("folder", {"n": "1", "name": value})
