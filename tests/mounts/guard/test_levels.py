"""Levels that change while programs run; end dates, which the guard keeps by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.mounts.guard import kernel, slowing, steps, tracing
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]


# --- raise and lower ----------------------------------------------------------------------------


@pytest.mark.scenario("F8")
def test_a_raise_needs_no_reopening(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("sub/file", b"content")
    ben = join("ben", "view")
    directory = ben(os.open, ben.path("tests/sub"), os.O_RDONLY)
    ben(os.chdir, ben.path("tests/sub"))
    reader = ben(os.open, "file", os.O_RDONLY)
    assert outcome(ben, steps.make, "new") == "EROFS"
    stage.give(ben, folder, "edit")
    assert outcome(ben, steps.make, "new") == "ok"
    assert outcome(ben, os.mkdir, f"/proc/self/fd/{directory}/new directory") == "ok"
    assert outcome(ben, steps.touch_open, f"/proc/self/fd/{reader}", os.O_RDWR) == "ok"
    assert outcome(ben, os.write, reader, b"x") == "EBADF"
    stage.give(ben, folder, "edit_delete")
    assert outcome(ben, os.unlink, "file") == "ok"


@pytest.mark.scenario("F8")
def test_a_descriptor_works_again_after_lower_and_raise(
    stage: Stage, folder: Folder, join: Join
) -> None:
    file = folder.put("file", b"0" * 8192)
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    ben(os.pwrite, descriptor, b"1", 0)
    stage.give(ben, folder, "view")
    assert outcome(ben, os.pwrite, descriptor, b"2", 1) == "EACCES"
    assert ben(os.pread, descriptor, 3, 0) == b"100"
    stage.give(ben, folder, "edit")
    assert ben(os.pwrite, descriptor, b"3", 2) == 1
    ben(os.fsync, descriptor)
    assert file.read_bytes()[:4] == b"1030"
    assert outcome(ben, os.close, descriptor) == "ok"


def test_lowering_leaves_reading_as_it_was(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"x" * 8192)
    ben = join("ben", "edit_delete")
    mapping = ben(steps.map_path, ben.path("tests/file"), os.O_RDONLY)
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    stage.give(ben, folder, "view")
    assert ben(steps.peek, mapping, 4096) == b"x"
    assert ben(os.pread, descriptor, 1, 0) == b"x"


@pytest.mark.parametrize("how", ["stored", "written"])
def test_what_was_done_at_view_is_not_made_good_by_a_raise(
    stage: Stage, folder: Folder, join: Join, how: str
) -> None:
    """The kernel may still have it in a page, and must not write it once that is allowed again."""
    file = folder.put("file", b"before".ljust(8192))
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    mapping = ben(steps.map_file, descriptor, 8192, writable=True)
    stage.give(ben, folder, "view")
    assert ben(steps.peek, mapping, 0, 6) == b"before"
    if how == "stored":
        ben(steps.poke, mapping, b"UNLAWFUL")
    else:
        assert outcome(ben, os.pwrite, descriptor, b"UNLAWFUL", 0) == "EACCES"
    stage.give(ben, folder, "edit")
    ben(steps.poke, mapping, b"lawful", 100)
    outcome(ben, steps.sync, mapping)
    ben(os.close, descriptor)
    assert b"UNLAWFUL" not in file.read_bytes()
    assert file.read_bytes()[100:106] == b"lawful"
    assert ben(steps.peek, mapping, 0, 6) == b"before"


@pytest.mark.parametrize("before", ["file was read before", "file is new to ben"])
def test_delete_goes_with_its_level(stage: Stage, folder: Folder, join: Join, before: str) -> None:
    folder.put("file", b"x")
    ben = join("ben", "edit_delete")
    if before == "file was read before":
        ben(steps.read, ben.path("tests/file"))
    stage.give(ben, folder, "edit")
    assert outcome(ben, os.unlink, ben.path("tests/file")) == "EPERM"
    assert folder.names() == {"file"}


def test_lower_while_many_write(stage: Stage, folder: Folder, join: Join) -> None:
    """Whatever was answered before the order's answer is in the store; nothing else is."""
    ben = join("ben", "edit")
    programs = [ben.program() for _ in range(4)]
    for number, program in enumerate(programs):
        folder.put(f"file{number}", b"")
        program.begin(steps.count_up, ben.path(f"tests/file{number}"))
    wait_until(lambda: all((folder.disk / f"file{n}").stat().st_size > 800 for n in range(4)))
    stage.give(ben, folder, "view")
    after = [(folder.disk / f"file{number}").read_bytes() for number in range(4)]
    done = [program.end() for program in programs]
    assert [len(content) // 8 for content in after] == done
    for content in after:
        numbers = [int.from_bytes(content[at : at + 8], "big") for at in range(0, len(content), 8)]
        assert numbers == list(range(len(numbers)))


# --- renaming what is mounted ---------------------------------------------------------------------


@pytest.mark.scenario("F6")
def test_a_new_name_breaks_nothing_that_is_open(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"content")
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    ben(os.chdir, ben.path("tests"))
    stage.give(ben, folder, "edit", name="renamed")
    assert ben(os.listdir, ben.top) == ["renamed"]
    assert outcome(ben, os.stat, ben.path("tests")) == "ENOENT"
    assert ben(os.pread, descriptor, 7, 0) == b"content"
    assert ben(steps.read, "file") == b"content"
    assert ben(os.listdir, ben.path("renamed")) == ["file"]
    assert ben(os.getcwd) == ben.path("renamed")


# --- end dates ------------------------------------------------------------------------------------


@pytest.mark.scenario("F12")
def test_an_end_date_ends_access_by_itself(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"x" * 4096)
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    until = time.time() + 1.5
    stage.give(ben, folder, "edit", until=f"{until:.3f}")
    answers = []
    while (answer := outcome(ben, os.pread, descriptor, 1, 0)) == "ok":
        answers.append(time.time())
        time.sleep(0.02)
        assert time.time() < until + 15
    assert answer == "EACCES"
    assert time.time() > until - 0.01, "it ended too early"
    event = stage.control.event("ended", session=ben.id, folder=folder.id)
    assert event["why"] == "expired"
    assert (event["open"], event["writable"]) == ("1", "1")
    assert ben(os.listdir, ben.top) == []


@pytest.mark.scenario("F12")
def test_an_end_date_holds_while_nobody_looks_at_the_clock(
    stage: Stage, folder: Folder, join: Join
) -> None:
    """The thread that ends folders may be busy with an order just then."""
    folder.put("file", b"x" * 4096)
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    until = time.time() + 0.3
    stage.give(ben, folder, "edit", until=f"{until:.3f}")
    with slowing.no_orders(stage.guard.pid):
        slowing.pass_until(until)
        assert outcome(ben, os.pwrite, descriptor, b"late", 0) == "EACCES"
        assert outcome(ben, steps.make, ben.path("tests/late")) == "EACCES"
        assert not [event for event in stage.control.events if event.get("session") == ben.id]
    stage.control.event("ended", session=ben.id)


@pytest.mark.scenario("F12")
def test_dates_are_looked_at_when_the_clock_is_set(
    stage: Stage, folder: Folder, join: Join
) -> None:
    """A clock that was wrong until now: what has ended goes at once, with what is mapped of it."""
    ben = join("ben", "edit")
    stage.give(ben, folder, "edit", until=f"{time.time() + 3600:.3f}")
    tracing.wait_for_call(stage.guard.pid, "poll")
    before = tracing.switches(stage.guard.pid)
    try:
        kernel.set_clock_forward(microseconds=1)
    except PermissionError:
        pytest.skip("A container may not set the clock: run this where root has CAP_SYS_TIME.")
    wait_until(lambda: tracing.switches(stage.guard.pid) > before)


@pytest.mark.scenario("F12")
def test_an_end_date_that_was_moved_counts_as_it_is_now(
    stage: Stage, folder: Folder, join: Join
) -> None:
    folder.put("file", b"x")
    ben, dan = join("ben", "edit"), join("dan", "edit")
    stage.give(ben, folder, "edit", until=f"{time.time() + 1.5:.3f}")
    stage.give(dan, folder, "edit", until=f"{time.time() + 3600:.3f}")
    stage.give(ben, folder, "edit", until="-")
    stage.give(dan, folder, "edit", until=f"{time.time() + 1.5:.3f}")
    stage.control.event("ended", session=dan.id)
    assert outcome(ben, steps.read, ben.path("tests/file")) == "ok"
    assert not [event for event in stage.control.events if event.get("session") == ben.id]


@pytest.mark.scenario("F12")
def test_what_has_ended_already_is_not_there(stage: Stage, folder: Folder) -> None:
    folder.put("file", b"x")
    ben = stage.session("ben")
    stage.give(ben, folder, "edit", until=f"{time.time() - 5:.3f}")
    wait_until(lambda: ben(os.listdir, ben.top) == [])
    assert outcome(ben, steps.read, ben.path("tests/file")) == "ENOENT"


@pytest.mark.scenario("F12")
def test_an_end_date_flushes_what_was_lawful(stage: Stage, folder: Folder, join: Join) -> None:
    file, content = folder.put("file", bytes(1 << 20)), os.urandom(1 << 20)
    ben = join("ben", "edit")
    mapping = ben(steps.map_path, ben.path("tests/file"), os.O_RDWR, writable=True)
    ben(steps.poke, mapping, content)
    stage.give(ben, folder, "edit", until=f"{time.time() + 0.3:.3f}")
    stage.control.event("ended", session=ben.id)
    assert file.read_bytes() == content
