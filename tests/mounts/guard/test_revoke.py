"""A grant that ends reaches programs that have files open, at once and altogether."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

import pytest

from tests.mounts.guard import locking, slowing, steps, tracing, traffic
from tests.mounts.guard.holding import WAYS, Way
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

pytestmark = [pytest.mark.scenario("M4"), pytest.mark.scenario("F8")]
Join = Callable[[str, str], Session]


@pytest.mark.parametrize("level", ["edit", "edit_delete"])
@pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])
def test_what_is_held_is_cut(
    stage: Stage, folder: Folder, join: Join, way: Way, level: str
) -> None:
    content = b"x" * 8192
    folder.put("sub/file", content)
    ben = join("ben", level)
    uses = way.hold(ben)
    stage.take(ben, folder)
    seen = {call: outcome(program, do, *args) for call, program, do, args in uses}
    assert {call: answer for call, answer in seen.items() if answer not in way.wanted} == {}
    assert folder.names() == {"sub", "sub/file"}
    assert (folder.disk / "sub/file").read_bytes() == content


@pytest.mark.parametrize("order", ["revoke", "lower"])
@pytest.mark.parametrize("how", ["write", "mapping"])
def test_what_was_lawful_is_in_the_store(
    stage: Stage, folder: Folder, join: Join, how: str, order: str
) -> None:
    """A mebibyte that was written before, and was nowhere but in the page cache, perhaps."""
    size, content = 1 << 20, os.urandom(1 << 20)
    file = folder.put("file", bytes(size))
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    if how == "write":
        assert ben(os.pwrite, descriptor, content, 0) == size
    else:
        ben(steps.poke, ben(steps.map_file, descriptor, size, writable=True), content)
    if order == "revoke":
        stage.take(ben, folder)
    else:
        stage.give(ben, folder, "view")
    assert file.read_bytes() == content


def test_the_answer_says_what_was_cut(stage: Stage, folder: Folder, join: Join) -> None:
    for name in "abc":
        folder.put(name, b"x" * 4096)
    ben = join("ben", "edit")
    for name in "abc":
        ben(os.open, ben.path("tests", name), os.O_RDWR if name == "a" else os.O_RDONLY)
    said = stage.take(ben, folder)
    assert (said["open"], said["writable"]) == ("3", "1")
    assert int(said["known"]) >= 3
    assert int(said["took"]) >= 0


def test_reading_and_writing_under_way_ends(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("read", os.urandom(1 << 20))
    file = folder.put("written", bytes(1 << 20))
    ben = join("ben", "edit")
    reader, writer, maker = (ben.program() for _ in range(3))
    reader.begin(traffic.read_for_ever, ben.path("tests/read"))
    writer.begin(traffic.write_for_ever, ben.path("tests/written"))
    maker.begin(traffic.make_for_ever, ben.path("tests"))
    wait_until(lambda: len(folder.names()) > 20)
    stage.take(ben, folder)
    after, names = file.read_bytes(), folder.names()
    assert outcome(reader.end) == "EACCES"
    assert outcome(writer.end) == "EACCES"
    assert outcome(maker.end) in {"EACCES", "ENOENT"}
    time.sleep(0.3)
    assert (file.read_bytes(), folder.names()) == (after, names)


def test_who_keeps_dirtying_a_mapping_holds_up_nobody(
    stage: Stage, folder: Folder, join: Join
) -> None:
    file = folder.put("file", bytes(4 << 20))
    ben = join("ben", "edit")
    programs = [ben.program() for _ in range(2)]
    for program in programs:
        program.begin(traffic.dirty_for_ever, ben.path("tests/file"), 4 << 20)
    wait_until(lambda: not any(program.has_ended(0.1) for program in programs))
    began = time.monotonic()
    stage.take(ben, folder)
    assert time.monotonic() - began < 10
    after = file.read_bytes()
    assert [outcome(program.end) for program in programs] == ["SIGBUS", "SIGBUS"]
    time.sleep(0.3)
    assert file.read_bytes() == after


def test_pages_that_arrive_slowly_are_no_request_that_hangs(
    stage: Stage, folder: Folder, join: Join
) -> None:
    """The level holds, and all is cut in the end: the answer is no error."""
    size = 32 << 20
    folder.put("file", bytes(size))
    ben = join("ben", "edit")
    mapping = ben(steps.map_path, ben.path("tests/file"), os.O_RDWR, writable=True)
    ben(steps.poke_every_second_page, mapping, os.urandom(size))
    with slowing.slowed(stage.guard.pid, pauses=10):
        stage.take(ben, folder)
    assert outcome(ben, steps.peek, mapping) == "SIGBUS"


def test_locks_of_who_was_cut_are_free(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"x" * 10)
    ben, ana = join("ben", "edit"), join("ana", "edit_delete")
    for session in (ben, ana):
        session(locking.remember, session.path("tests/file"))
    ben(locking.flock, "exclusive")
    ben(locking.posix, "write")
    assert outcome(ana, locking.flock, "exclusive", wait=False) == "EAGAIN"
    assert outcome(ana, locking.posix, "write", wait=False) in {"EAGAIN", "EACCES"}
    stage.take(ben, folder)
    assert outcome(ben, locking.posix, "write", wait=False) == "EACCES"
    wait_until(lambda: outcome(ana, locking.flock, "exclusive", wait=False) == "ok")
    wait_until(lambda: outcome(ana, locking.posix, "write", wait=False) == "ok")


def test_a_lock_that_is_got_after_the_end_is_let_go(
    stage: Stage, folder: Folder, join: Join
) -> None:
    """Who waits is looked at, then the folder is taken away, and then the lock is free."""
    in_the_store = os.open(folder.put("file", b"x"), os.O_RDONLY)
    fcntl.flock(in_the_store, fcntl.LOCK_EX)
    ben = join("ben", "view")
    ben(locking.remember, ben.path("tests/file"), os.O_RDONLY)
    ben.shell.begin(locking.flock, "exclusive")
    with tracing.stopped_before(tracing.thread_named(stage.guard.pid, "locks"), "flock"):
        fcntl.flock(in_the_store, fcntl.LOCK_UN)
        number = stage.control.begin("remove", session=ben.id, folder=folder.id, why="revoked")
        tracing.wait_for_call(stage.guard.pid, "futex")
    stage.control.finish(number)
    assert outcome(ben.shell.end) == "EACCES"
    assert outcome(fcntl.flock, in_the_store, fcntl.LOCK_EX | fcntl.LOCK_NB) == "ok"
    os.close(in_the_store)


def test_others_notice_nothing(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"x" * 4096)
    ben, dan = join("ben", "edit"), join("dan", "edit")
    descriptor = dan(os.open, dan.path("tests/file"), os.O_RDWR)
    stage.take(ben, folder)
    assert dan(os.pwrite, descriptor, b"still", 0) == 5
    assert dan(steps.read, dan.path("tests/file"))[:5] == b"still"


def test_another_session_of_the_same_person_is_taken_for_itself(
    stage: Stage, folder: Folder, join: Join
) -> None:
    folder.put("file", b"content")
    first, second = join("ben", "edit"), join("ben", "edit")
    stage.take(first, folder, why="unmounted")
    assert second(steps.read, second.path("tests/file")) == b"content"
    stage.take(second, folder)
    assert outcome(second, steps.read, second.path("tests/file")) in {"ENOENT", "EACCES"}


def test_a_new_grant_gives_access_again(stage: Stage, folder: Folder, join: Join) -> None:
    folder.put("file", b"content")
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    stage.take(ben, folder)
    stage.grants.pop(("ben", folder.id))
    stage.give(ben, folder, "view")
    assert ben(steps.read, ben.path("tests/file")) == b"content"
    assert outcome(ben, os.pread, descriptor, 7, 0) == "EACCES"
