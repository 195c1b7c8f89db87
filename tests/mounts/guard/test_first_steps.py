"""A folder that the agent gives is a directory of the session, and goes when it is taken."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.guard import steps
from tests.mounts.guard.control import Refused
from tests.mounts.guard.program import outcome
from tests.mounts.guard.stage import Folder, Session, Stage

NOBODY = new_id("ses")
Join = Callable[[str, str], Session]


def test_hello_says_who_answers(stage: Stage) -> None:
    said = stage.control.order("hello", version=1)
    assert (said["version"], said["pid"]) == ("1", str(stage.guard.pid))


def test_a_session_begins_with_an_empty_root(stage: Stage) -> None:
    ben = stage.session("ben")
    assert ben(os.listdir, ben.top) == []


def test_a_folder_appears_reads_and_goes(stage: Stage, folder: Folder) -> None:
    folder.put("hello.txt", b"hello")
    ben = stage.session("ben")
    stage.give(ben, folder, "view")
    assert ben(os.listdir, ben.top) == ["tests"]
    assert ben(steps.read, ben.path("tests/hello.txt")) == b"hello"
    stage.take(ben, folder)
    assert ben(os.listdir, ben.top) == []
    assert outcome(ben, os.stat, ben.path("tests/hello.txt")) == "ENOENT"


def test_what_one_session_writes_lies_in_the_store(folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    ben(steps.write, ben.path("tests/new.txt"), b"from ben")
    assert (folder.disk / "new.txt").read_bytes() == b"from ben"


def test_a_level_is_raised_and_lowered(stage: Stage, folder: Folder, join: Join) -> None:
    ben = join("ben", "view")
    path = ben.path("tests/new.txt")
    assert outcome(ben, steps.write, path, b"x") == "EROFS"
    stage.give(ben, folder, "edit")
    assert outcome(ben, steps.write, path, b"x") == "ok"
    stage.give(ben, folder, "view")
    assert outcome(ben, steps.write, path, b"y") == "EROFS"


def test_report_says_what_is_there(stage: Stage, folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    said = stage.control.report()
    sessions = [words for verb, words in said if verb == "session"]
    folders = [words for verb, words in said if verb == "folder"]
    assert [words["session"] for words in sessions] == [ben.id]
    assert [(words["folder"], words["level"]) for words in folders] == [(folder.id, "edit")]


@pytest.mark.parametrize(
    ("verb", "words", "code"),
    [
        pytest.param("dance", {}, "malformed", id="an unknown verb"),
        pytest.param("session", {"session": NOBODY}, "malformed", id="missing keys"),
        pytest.param("drop", {"session": NOBODY}, "unknown-session", id="an unknown session"),
        pytest.param(
            "remove",
            {"session": NOBODY, "folder": new_id("fld"), "why": "revoked"},
            "unknown-session",
            id="a folder of an unknown session",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    stage: Stage, verb: str, words: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        stage.control.order(verb, descriptors=(), **words)
    assert caught.value.code == code
    assert stage.control.report() == []
