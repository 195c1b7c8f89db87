"""The guard is killed, and comes back: nothing promised is lost, and nobody gains a right."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.mounts.guard import journal, steps
from tests.mounts.guard.conftest import staged
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

pytestmark = pytest.mark.scenario("M6")
Join = Callable[[str, str], Session]


def test_descriptors_answer_that_they_are_cut_off(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"x" * 8192)
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    ben(os.chdir, ben.path("tests"))
    stage.kill_guard()
    for do, *args in (
        (os.pwrite, descriptor, b"x", 0),
        (os.fstat, descriptor),
        (os.listdir, "."),
        (steps.read, ben.path("tests/file")),
        (os.listdir, ben.top),
    ):
        assert outcome(ben, do, *args) == "ENOTCONN"
    stage.restart()
    assert ben(steps.read, ben.path("tests/file")) == b"x" * 8192
    assert outcome(ben, os.pwrite, descriptor, b"x", 0) == "ENOTCONN"
    assert outcome(ben, os.close, descriptor) in {"ok", "ENOTCONN"}


def test_rights_and_memory_survive(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("established", b"x")
    folder.put("target", b"x")
    ben, dan = join("ben", "edit"), join("dan", "view")
    for name in ("fresh", "seen", "replacing"):
        ben(steps.write, ben.path("tests", name), b"x")
    ben(os.mkdir, ben.path("tests/directory"))
    dan(steps.read, dan.path("tests/seen"))
    ben(os.rename, ben.path("tests/replacing"), ben.path("tests/target"))
    stage.kill_guard()
    stage.restart()
    path = ben.path("tests/")
    assert outcome(dan, steps.make, dan.path("tests/new")) == "EROFS"
    assert outcome(ben, os.unlink, f"{path}established") == "EPERM"
    assert outcome(ben, os.unlink, f"{path}target") == "EPERM"
    assert outcome(ben, os.unlink, f"{path}seen") == "EPERM"
    assert outcome(ben, os.rename, f"{path}seen", f"{path}moved") == "ok"
    assert outcome(ben, os.unlink, f"{path}fresh") == "ok"
    assert outcome(ben, os.rmdir, f"{path}directory") == "ok"


def test_what_is_not_fresh_is_not_fresh_again(hasty_stage: Stage) -> None:
    folder, ben = hasty_stage.folder(), hasty_stage.session("ben")
    hasty_stage.give(ben, folder, "edit")
    ben(steps.write, ben.path("tests/file"), b"x")
    time.sleep(2 * hasty_stage.fresh_seconds)
    hasty_stage.kill_guard()
    hasty_stage.restart()
    assert outcome(ben, os.unlink, ben.path("tests/file")) == "EPERM"
    assert outcome(ben, os.rename, ben.path("tests/file"), ben.path("tests/moved")) == "ok"


@pytest.mark.parametrize("turn", range(3))
def test_what_was_fsynced_is_there(stage: Stage, folder: Folder, join: Join, turn: int) -> None:
    """Two people write, the guard dies at some moment; twice."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    journals = []
    for _ in range(2):
        writers = []
        for person in ("ben", "dan"):
            session = join(person, "edit")
            for _ in range(2):
                program = session.program()
                kept = session.home / f"journal{program.pid}"
                name = f"{person}{program.pid}"
                program.begin(journal.write, session.path("tests", name), str(kept))
                writers.append((program, folder.disk / name, kept))
        wait_until(partial(_all_exist, [kept for _, _, kept in writers]))
        time.sleep(chance.uniform(0.05, 0.5))
        stage.kill_guard()
        for program, _, _ in writers:
            assert outcome(program.end) in {"ENOTCONN", "ECONNABORTED"}
        journals += [(disk, kept) for _, disk, kept in writers]
        stage.restart()
    for disk, kept in journals:
        journal.check(disk, Path(kept))


def _all_exist(paths: list[Path]) -> bool:
    return all(path.exists() for path in paths)


def test_programs_live_on_and_paths_work_again(stage: Stage, folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    program = ben.program()
    program.begin(journal.persist, ben.path("tests/file"), 30)
    stage.kill_guard()
    stage.restart()
    began = time.monotonic()
    assert program.end() > 0
    assert time.monotonic() - began < 20
    assert (folder.disk / "file").exists()


def test_quit_ends_in_order(stage: Stage, folder: Folder, join: Join) -> None:
    file = folder.put("file", bytes(1 << 20))
    content = os.urandom(1 << 20)
    ben = join("ben", "edit")
    mapping = ben(steps.map_path, ben.path("tests/file"), os.O_RDWR, writable=True)
    ben(steps.poke, mapping, content)
    stage.control.order("quit")
    assert stage.guard.wait(20) == 0
    assert file.read_bytes() == content


def test_a_session_whose_mount_went_is_reported(stage: Stage, join: Join) -> None:
    ben, dan = join("ben", "edit"), join("dan", "edit")
    ben.holder(steps.unmount_fuse, ben.top)
    ben.close()
    assert stage.control.event("lost", session=ben.id)
    assert dan(os.listdir, dan.top) == ["tests"]
    del stage.sessions[ben.id]


# --- nothing leaks --------------------------------------------------------------------------------


@pytest.fixture
def quiet_stage() -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.mark.slow
def test_two_hundred_sessions_leak_nothing(quiet_stage: Stage) -> None:
    folder = quiet_stage.folder()
    for number in range(20):
        folder.put(f"sub{number % 3}/file{number}", b"x" * 10000)
    measured = []
    for cycle in range(220):
        _one_life(quiet_stage, folder, cycle)
        if cycle in (19, 219):
            measured.append(_settled(quiet_stage))
    first, last = measured
    print(first, last)
    assert last["descriptors"] <= first["descriptors"]
    assert last["threads"] <= first["threads"]
    assert last["kilobytes"] <= first["kilobytes"] + 4096
    assert quiet_stage.control.report() == []


def _one_life(stage: Stage, folder: Folder, cycle: int) -> None:
    ben = stage.session("ben")
    stage.give(ben, folder, "edit")
    path = ben.path("tests/sub0")
    ben(os.listdir, path)
    descriptor = ben(os.open, ben.path("tests/sub0/file0"), os.O_RDWR)
    ben(os.pwrite, descriptor, b"x" * 100, 0)
    ben(steps.write, ben.path("tests/temporary"), b"x")
    ben(os.unlink, ben.path("tests/temporary"))
    if cycle % 2:
        stage.take(ben, folder)
    stage.drop(ben)


def _settled(stage: Stage) -> dict[str, int]:
    """Once two looks, half a second apart, are the same, or ten seconds have passed."""
    before, until = _measure(stage), time.monotonic() + 10
    while time.monotonic() < until:
        time.sleep(0.5)
        now = _measure(stage)
        if now == before:
            break
        before = now
    return before


def _measure(stage: Stage) -> dict[str, int]:
    process = Path(f"/proc/{stage.guard.pid}")
    words = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return {
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": int(words["Threads"]),
        "kilobytes": int(words["RssAnon"].split()[0]),
    }
