"""What is one's own, what is fresh, and for how long."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.mounts.guard import steps
from tests.mounts.guard.program import outcome
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]


def removes(session: Session, name: str) -> str:
    """What unlink answers."""
    return outcome(session, os.unlink, session.path("tests", name))


def moves(session: Session, name: str) -> str:
    """What a rename answers."""
    return outcome(session, os.rename, session.path("tests", name), session.path("tests/moved"))


def makes(session: Session, name: str) -> None:
    """A file of the session's person."""
    session(steps.write, session.path("tests", name), b"x")


def test_own_is_known_in_the_person_s_other_session(join: Join) -> None:
    first, second = join("ben", "edit"), join("ben", "edit")
    for name in "ab":
        makes(first, name)
        second(steps.read, second.path("tests", name))
    assert removes(second, "a") == "ok"
    assert moves(second, "b") == "ok"


def test_own_is_known_in_the_next_session(stage: Stage, join: Join) -> None:
    first = join("ben", "edit")
    for name in "ab":
        makes(first, name)
    stage.drop(first)
    second = join("ben", "edit")
    assert removes(second, "a") == "ok"
    assert moves(second, "b") == "ok"


@pytest.mark.parametrize("how", ["taken and given anew", "superseded"])
def test_own_ends_with_its_grant(stage: Stage, folder: Folder, join: Join, how: str) -> None:
    ben = join("ben", "edit")
    for name in "ab":
        makes(ben, name)
    if how == "taken and given anew":
        stage.take(ben, folder)
    stage.grants.pop(("ben", folder.id))
    stage.give(ben, folder, "edit")
    assert (removes(ben, "a"), moves(ben, "b")) == ("EPERM", "EPERM")


def test_another_person_s_is_not_own(join: Join) -> None:
    ben, dan = join("ben", "edit"), join("dan", "edit")
    makes(ben, "file")
    assert (removes(dan, "file"), moves(dan, "file")) == ("EPERM", "EPERM")


@pytest.mark.parametrize("by", ["reading", "writing"])
def test_what_another_person_has_opened_is_not_fresh(join: Join, by: str) -> None:
    ben, dan = join("ben", "edit"), join("dan", "edit")
    makes(ben, "file")
    flags = os.O_RDONLY if by == "reading" else os.O_WRONLY
    dan(steps.touch_open, dan.path("tests/file"), flags)
    assert removes(ben, "file") == "EPERM"
    assert moves(ben, "file") == "ok"


def test_what_another_person_only_looks_at_stays_fresh(join: Join) -> None:
    ben, dan = join("ben", "edit"), join("dan", "edit")
    makes(ben, "file")
    dan(os.listdir, dan.path("tests"))
    dan(os.stat, dan.path("tests/file"))
    assert removes(ben, "file") == "ok"


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(os.O_RDONLY | os.O_TRUNC, id="to cut it"),
        pytest.param(os.O_WRONLY, id="to write it"),
    ],
)
def test_what_another_person_could_not_open_stays_fresh(join: Join, flags: int) -> None:
    ben, dan = join("ben", "edit"), join("dan", "edit")
    makes(ben, "file")
    ben(os.chmod, ben.path("tests/file"), 0o444)
    assert outcome(dan, steps.touch_open, dan.path("tests/file"), flags) == "EACCES"
    assert removes(ben, "file") == "ok"


def test_what_its_maker_has_open_is_fresh(hasty_stage: Stage) -> None:
    folder, ben = hasty_stage.folder(), hasty_stage.session("ben")
    hasty_stage.give(ben, folder, "edit")
    for name in ("open", "closed"):
        makes(ben, name)
    ben(os.open, ben.path("tests/open"), os.O_RDONLY)
    time.sleep(2 * hasty_stage.fresh_seconds)
    assert (removes(ben, "open"), removes(ben, "closed")) == ("ok", "EPERM")


def test_what_was_made_elsewhere_is_established(folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    folder.put("file", b"x")
    assert (removes(ben, "file"), moves(ben, "file")) == ("EPERM", "EPERM")


def test_a_second_name_of_own_is_own(folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    makes(ben, "file")
    ben(os.link, ben.path("tests/file"), ben.path("tests/second"))
    assert removes(ben, "file") == "ok"
    assert removes(ben, "second") == "ok"
    assert folder.names() == set()


def test_a_name_that_is_used_again_starts_anew(folder: Folder, join: Join) -> None:
    """ben's file is gone, and ana has made one under its name."""
    ben, ana = join("ben", "edit"), join("ana", "edit_delete")
    makes(ben, "file")
    ana(os.unlink, ana.path("tests/file"))
    makes(ana, "file")
    assert (removes(ben, "file"), moves(ben, "file")) == ("EPERM", "EPERM")
    assert folder.names() == {"file"}


def test_what_replaced_established_is_nobody_s_own(folder: Folder, join: Join) -> None:
    """Otherwise a rename over a file and an unlink would remove the file."""
    folder.put("target", b"of ana")
    ben = join("ben", "edit")
    makes(ben, "own")
    ben(os.rename, ben.path("tests/own"), ben.path("tests/target"))
    assert (removes(ben, "target"), moves(ben, "target")) == ("EPERM", "EPERM")
    assert folder.names() == {"target"}


def test_a_second_name_does_not_undo_what_replaced_established(folder: Folder, join: Join) -> None:
    """The same through a hard link that was made before the rename."""
    folder.put("target", b"of ana")
    ben = join("ben", "edit")
    makes(ben, "own")
    ben(os.link, ben.path("tests/own"), ben.path("tests/second"))
    ben(os.rename, ben.path("tests/own"), ben.path("tests/target"))
    assert removes(ben, "target") == "EPERM"
    assert "target" in folder.names()


def test_renaming_own_onto_its_own_second_name_removes_nothing_established(
    folder: Folder, join: Join
) -> None:
    folder.put("sub/target", b"of ana")
    ben = join("ben", "edit")
    makes(ben, "own")
    answer = outcome(ben, os.link, ben.path("tests/sub/target"), ben.path("tests/second"))
    assert answer == "EPERM"
    assert outcome(ben, os.rename, ben.path("tests/sub/target"), ben.path("tests/own")) == "EPERM"
    assert folder.names() == {"sub", "sub/target", "own"}


def test_a_directory_is_not_replaced_by_an_own_one(folder: Folder, join: Join) -> None:
    """An empty directory of ana's is a name that must not disappear either."""
    folder.make("theirs")
    ben = join("ben", "edit")
    ben(os.mkdir, ben.path("tests/own"))
    answer = outcome(ben, os.rename, ben.path("tests/own"), ben.path("tests/theirs"))
    assert (answer, "theirs" in folder.names()) in {("EPERM", True), ("ok", True)}
    assert outcome(ben, os.rmdir, ben.path("tests/theirs")) == "EPERM"
