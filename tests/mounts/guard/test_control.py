"""Orders that make no sense change nothing, and what serves people goes on."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.guard import kernel, steps, tracing
from tests.mounts.guard.control import Control, Refused, decoded, encoded
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]


def refusal(stage: Stage, verb: str, *descriptors: int, **words: object) -> str:
    """The code with which the guard refuses."""
    with pytest.raises(Refused) as caught:
        stage.control.order(verb, descriptors=descriptors, **words)
    assert len(caught.value.because) > 10
    return caught.value.code


def folder_words(session: Session, folder: Folder) -> dict[str, object]:
    """A whole order `folder`."""
    return {
        "session": session.id, "folder": folder.id, "name": "tests", "level": "edit",
        "grant": new_id("gnt"), "owner": "ana", "until": "-", "limit": "-", "used": "-",
    }  # fmt: skip


def test_a_session_that_is_there_is_refused(stage: Stage, join: Join) -> None:
    ben = join("ben", "edit")
    fuse = os.open("/dev/fuse", os.O_RDWR)
    words = {"session": ben.id, "uid": 1, "gid": 1, "person": "ben"}
    assert refusal(stage, "session", fuse, **words) == "exists"
    os.close(fuse)
    assert ben(os.listdir, ben.top) == ["tests"]


def test_a_session_needs_a_mount(stage: Stage) -> None:
    words = {"session": new_id("ses"), "uid": 1000, "gid": 1000, "person": "ben"}
    assert refusal(stage, "session", **words) == "no-descriptor"
    with open("/etc/hostname") as file:
        assert refusal(stage, "session", file.fileno(), **words) in {"failed", "no-descriptor"}
    assert stage.control.report() == []


def test_a_session_that_is_not_mounted_is_refused_or_lost(stage: Stage) -> None:
    words = {"session": new_id("ses"), "uid": 1000, "gid": 1000, "person": "ben"}
    fuse = os.open("/dev/fuse", os.O_RDWR)
    try:
        stage.control.order("session", descriptors=[fuse], **words)
    except Refused as refused:
        assert refused.code in {"failed", "no-descriptor"}
    else:
        stage.control.event("lost", session=str(words["session"]))
    os.close(fuse)
    wait_until(lambda: stage.control.report() == [])


def test_a_folder_needs_a_directory(stage: Stage, folder: Folder) -> None:
    ben = stage.session("ben")
    words = folder_words(ben, folder)
    assert refusal(stage, "folder", **words) == "no-descriptor"
    file = folder.put("file")
    for path, flags in ((file, os.O_RDONLY), (Path("/dev/null"), os.O_RDWR)):
        descriptor = os.open(path, flags)
        assert refusal(stage, "folder", descriptor, **words) in {"failed", "no-descriptor"}
        os.close(descriptor)
    assert ben(os.listdir, ben.top) == []


def test_two_folders_don_t_get_one_name(stage: Stage, folder: Folder, join: Join) -> None:
    ben, second = join("ben", "edit"), stage.folder()
    with pytest.raises(Refused) as caught:
        stage.give(ben, second, "edit", name="tests")
    assert caught.value.code == "name-taken"
    assert ben(os.listdir, ben.top) == ["tests"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"name": "a/b"}, id="a name with a slash"),
        pytest.param({"name": ".."}, id="two dots"),
        pytest.param({"name": ""}, id="no name"),
        pytest.param({"name": "x" * 256}, id="a name that is too long"),
        pytest.param({"name": b"a\0b"}, id="a name with a null byte"),
        pytest.param({"level": "own"}, id="an unknown level"),
        pytest.param({"until": "tomorrow"}, id="an end that is no number"),
        pytest.param({"limit": "-5"}, id="a limit below nothing"),
        pytest.param({"folder": "../x"}, id="an id that is none"),
        pytest.param({"extra": "x"}, id="a key that is not known"),
    ],
)
def test_bad_values_change_nothing(
    stage: Stage, folder: Folder, join: Join, words: dict[str, object]
) -> None:
    ben = join("ben", "view")
    assert refusal(stage, "folder", **folder_words(ben, folder) | words) == "malformed"
    assert ben(os.listdir, ben.top) == ["tests"]
    assert outcome(ben, steps.make, ben.path("tests/new")) == "EROFS"


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"hello", id="no number"),
        pytest.param(b"hello n=1 n=1 version=1", id="a key twice"),
        pytest.param(b"hello n=1 version=%zz", id="what is no percent encoding"),
        pytest.param(b"hello  n=1 version=1", id="two spaces"),
        pytest.param(b"\xff\0\xfe", id="no text"),
        pytest.param(b"hello n=1 version=" + b"1" * 65_000, id="a very long number"),
    ],
)
def test_packets_that_are_none(stage: Stage, packet: bytes) -> None:
    stage.control.send(packet)
    verb, words = stage.control.receive()
    assert (verb, words["code"]) == ("error", "malformed")
    assert stage.control.order("hello", version=1)["version"] == "1"


def test_descriptors_that_nobody_asked_for_are_closed(stage: Stage) -> None:
    fds = Path(f"/proc/{stage.guard.pid}/fd")
    spare = [os.open("/etc/hostname", os.O_RDONLY) for _ in range(10)]
    counts = []
    for _ in range(6):
        number = stage.control.begin("hello", descriptors=spare, version=1)
        verb, words = stage.control.receive()
        assert words["n"] == str(number)
        assert verb in {"ok", "error"}
        counts.append(len(list(fds.iterdir())))
    for descriptor in spare:
        os.close(descriptor)
    wait_until(lambda: len(list(fds.iterdir())) <= min(counts))
    assert max(counts) < min(counts) + 10


def test_a_new_connection_takes_over(stage: Stage, join: Join) -> None:
    ben = join("ben", "edit")
    old = stage.control
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connected.connect(str(stage.where / "run/control"))
    stage.control = Control(connected)
    assert [words["session"] for verb, words in stage.control.report() if verb == "session"] == [
        ben.id
    ]
    old.socket.settimeout(10)
    assert old.socket.recv(4096) == b""
    old.close()


def test_what_a_report_says_can_be_said_again(stage: Stage, folder: Folder, join: Join) -> None:
    """Its keys are those of the order, so an agent can compare."""
    ben = join("ben", "edit")
    said = dict(stage.control.report())
    wanted = {"session": ben.id, "uid": str(ben.uid), "gid": str(ben.uid), "person": "ben"}
    assert wanted.items() <= said["session"].items()
    wanted = {
        "session": ben.id, "folder": folder.id, "name": "tests", "level": "edit",
        "grant": stage.grants["ben", folder.id], "owner": "ana", "until": "-", "limit": "-",
    }  # fmt: skip
    assert wanted.items() <= said["folder"].items()


def test_a_report_that_nobody_reads_holds_up_nobody(stage: Stage, join: Join) -> None:
    ben = join("ben", "edit")
    first = stage.guard.pid
    numbers: list[int] = []
    begin = functools.partial(stage.control.begin, "report")
    with tracing.stopped_before(first, "sendto", times=2, after=lambda: numbers.append(begin())):
        assert ben(os.listdir, ben.top) == ["tests"]
    stage.control.finish(numbers[0])


def test_names_travel_as_they_are(stage: Stage, folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    for name in ("with space = and %", "ä€😀", "-rf", "x" * 255):
        stage.give(ben, folder, "edit", name=name)
        assert ben(os.listdir, ben.top) == [name]
    verb, words = decoded(encoded("folder", {"name": "ä b"}))
    assert (verb, words["name"]) == ("folder", "ä b")


def test_a_session_has_many_folders(stage: Stage) -> None:
    ben = stage.session("ben")
    folders = [stage.folder() for _ in range(50)]
    for number, folder in enumerate(folders):
        folder.put("which", str(number).encode())
        stage.give(ben, folder, "view", name=f"folder{number}")
    assert len(ben(os.listdir, ben.top)) == 50
    for number in range(50):
        assert ben(steps.read, ben.path(f"folder{number}/which")) == str(number).encode()
    stage.take(ben, folders[7])
    assert "folder7" not in ben(os.listdir, ben.top)
    assert len(ben(os.listdir, ben.top)) == 49


def test_what_comes_and_goes_while_folders_are_listed_hides_no_other(stage: Stage) -> None:
    ben = stage.session("ben")
    folders = {f"folder{number}": stage.folder() for number in range(8)}
    for name, folder in folders.items():
        stage.give(ben, folder, "view", name=name)
    descriptor = ben(os.open, ben.top, os.O_RDONLY)
    seen = ben(kernel.entries, descriptor, 100)
    assert 1 <= len(seen) <= 4
    stage.take(ben, folders[seen[0]])
    changes = iter(range(3))
    while more := ben(kernel.entries, descriptor, 100):
        seen += more
        if (number := next(changes, None)) is not None:
            stage.give(ben, stage.folder(), "view", name=f"new{number}")
            stage.take(ben, folders[seen[-1]])
    assert sorted(name for name in seen if name in folders) == sorted(folders)
