"""What one session does, another sees at once: before the call that did it returns."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.mounts.guard import steps, traffic
from tests.mounts.guard.program import Identity, Program, outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]


@dataclass(frozen=True)
class Change:
    """ana's call, and how ben's view of it is taken; `{}` stands for their own `shared/tests`."""

    do: Callable[..., Any]
    args: tuple[Any, ...]
    look: str
    then: object

    def by(self, session: Session) -> None:
        """Do it in a session."""
        session(self.do, *(_there(session, arg) for arg in self.args))


def _there(session: Session, arg: object) -> object:
    return arg.format(session.path("tests")) if isinstance(arg, str) and "{}" in arg else arg


CHANGES = {
    "create": Change(steps.make, ("{}/new",), "new", True),
    "mkdir": Change(os.mkdir, ("{}/new",), "new", True),
    "symlink": Change(os.symlink, ("x", "{}/new"), "new", True),
    "link": Change(os.link, ("{}/file", "{}/new"), "new", True),
    "rename to": Change(os.rename, ("{}/file", "{}/new"), "new", True),
    "rename from": Change(os.rename, ("{}/file", "{}/new"), "file", False),
    "rename from another directory": Change(os.rename, ("{}/sub/deep", "{}/new"), "new", True),
    "rename to another directory": Change(os.rename, ("{}/file", "{}/sub/new"), "file", False),
    "rename a directory": Change(os.rename, ("{}/sub", "{}/new"), "sub/deep", False),
    "unlink": Change(os.unlink, ("{}/file",), "file", False),
    "rmdir": Change(os.rmdir, ("{}/empty",), "empty", False),
}


def lists(session: Session, name: str) -> bool:
    """Whether the name is in its directory's list."""
    parent, base = os.path.split(session.path("tests", name))
    try:
        return base in session(os.listdir, parent)
    except FileNotFoundError:
        return False


def finds(session: Session, name: str) -> bool:
    """Whether the name can be looked up."""
    return session(os.path.lexists, session.path("tests", name))


def has(session: Session, name: str, content: bytes) -> bool:
    """Whether the file is read as this."""
    return session(steps.read, session.path("tests", name)) == content


@pytest.fixture
def people(folder: Folder, join: Join) -> tuple[Session, Session]:
    """ana and ben, in a folder with something in it."""
    folder.put("file", b"before" * 1000)
    folder.put("sub/deep", b"deep")
    folder.make("empty")
    return join("ana", "edit_delete"), join("ben", "edit_delete")


@pytest.mark.parametrize("look", [finds, lists])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_names(people: tuple[Session, Session], change: Change, look: Callable[..., bool]) -> None:
    ana, ben = people
    assert look(ben, change.look) is not change.then
    change.by(ana)
    assert look(ben, change.look) is change.then
    assert look(ana, change.look) is change.then


def test_a_replaced_file_is_the_new_one(people: tuple[Session, Session]) -> None:
    ana, ben = people
    path = ben.path("tests/file")
    ben(steps.read, path)
    old = ben(os.open, path, os.O_RDONLY)
    ana(steps.write, ana.path("tests/draft"), b"after")
    ana(os.rename, ana.path("tests/draft"), ana.path("tests/file"))
    assert ben(steps.read, path) == b"after"
    assert ben(os.stat, path).st_size == 5
    assert ben(os.pread, old, 6, 0) == b"before"


@pytest.mark.parametrize("how", ["write", "append", "truncate", "O_TRUNC"])
def test_content(people: tuple[Session, Session], how: str) -> None:
    """Size, pages, an open descriptor and a mapping of ben's after ana's close."""
    ana, ben = people
    before, path = b"before" * 1000, ana.path("tests/file")
    reader = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    mapping = ben(steps.map_file, reader, len(before))
    assert ben(steps.peek, mapping, 0, 6) == b"before"
    assert ben(os.pread, reader, 10000, 0) == before
    match how:
        case "write":
            after = b"AFTER!" + before[6:]
            ana(steps.write, path, b"AFTER!", 0)
        case "append":
            after = before + b"more"
            ana(steps.write, path, b"more", os.O_APPEND)
        case "truncate":
            after = before[:100]
            ana(os.truncate, path, 100)
        case _:
            after = b"after"
            ana(steps.write, path, b"after", os.O_TRUNC)
    assert ben(os.stat, ben.path("tests/file")).st_size == len(after)
    assert ben(os.fstat, reader).st_size == len(after)
    assert ben(os.pread, reader, 10000, 0) == after
    assert ben(steps.peek, mapping, 0, min(100, len(after))) == after[:100]


def test_two_who_have_it_open_for_writing_see_each_other_s_writes(
    people: tuple[Session, Session],
) -> None:
    ana, ben = people
    files = {who: who(os.open, who.path("tests/file"), os.O_RDWR) for who in (ana, ben)}
    ana(os.pwrite, files[ana], b"ANA", 0)
    assert ben(os.pread, files[ben], 6, 0) == b"ANAore"
    ben(os.pwrite, files[ben], b"BEN", 3)
    assert ana(os.pread, files[ana], 6, 0) == b"ANABEN"


def test_who_reads_sees_what_is_written_by_who_has_it_open(people: tuple[Session, Session]) -> None:
    ana, ben = people
    reader = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    assert ben(os.pread, reader, 3, 0) == b"bef"
    writer = ana(os.open, ana.path("tests/file"), os.O_RDWR)
    ana(os.pwrite, writer, b"ANA", 0)
    ana(os.fsync, writer)
    assert ben(os.pread, reader, 3, 0) == b"ANA"
    ana(os.pwrite, writer, b"ana", 0)
    ana(os.close, writer)
    assert ben(os.pread, reader, 3, 0) == b"ana"


def test_appends_of_two_lose_nothing(people: tuple[Session, Session], folder: Folder) -> None:
    programs = [session.program() for session in people for _ in range(2)]
    folder.put("log", b"")
    for number, program in enumerate(programs):
        path = f"{program.identity.home}/shared/tests/log"
        program.begin(steps.append_lines, path, f"writer {number}" + "." * 80, 300)
    for program in programs:
        program.end()
    lines = (folder.disk / "log").read_text().splitlines()
    assert sorted(lines) == sorted(
        f"writer {n}{'.' * 80} line {i}" for n in range(4) for i in range(300)
    )


def test_exclusive_creation_has_one_winner(people: tuple[Session, Session]) -> None:
    programs = [session.program() for session in people for _ in range(2)]
    for program in programs:
        program.begin(steps.claim, f"{program.identity.home}/shared/tests", 100)
    won = [name for program in programs for name in program.end()]
    assert sorted(won) == sorted(f"claim{number}" for number in range(100))


def test_attributes(people: tuple[Session, Session]) -> None:
    ana, ben = people
    path = ben.path("tests/file")
    ben(os.stat, path)
    ana(os.chmod, ana.path("tests/file"), 0o640)
    assert stat.S_IMODE(ben(os.stat, path).st_mode) == 0o640
    ana(os.utime, ana.path("tests/file"), (1_000_000, 2_000_000))
    assert ben(os.stat, path).st_mtime == 2_000_000
    assert ben(os.listxattr, path) == []
    ana(os.setxattr, ana.path("tests/file"), "user.note", b"value")
    assert ben(os.getxattr, path, "user.note") == b"value"


# --- changes in the store -------------------------------------------------------------------------


def sees_new_content(ben: Session, folder: Folder) -> Callable[[], bool]:
    ben(steps.read, ben.path("tests/sub/deep"))
    (folder.disk / "sub/deep").write_bytes(b"changed in the store")
    return lambda: ben(steps.read, ben.path("tests/sub/deep")) == b"changed in the store"


def sees_a_new_name(ben: Session, folder: Folder) -> Callable[[], bool]:
    assert not finds(ben, "sub/new")
    folder.put("sub/new", b"x")
    return lambda: finds(ben, "sub/new")


def lists_a_new_name(ben: Session, folder: Folder) -> Callable[[], bool]:
    assert not lists(ben, "sub/new")
    folder.put("sub/new", b"x")
    return lambda: lists(ben, "sub/new")


def sees_removal(ben: Session, folder: Folder) -> Callable[[], bool]:
    assert finds(ben, "sub/deep")
    (folder.disk / "sub/deep").unlink()
    return lambda: not finds(ben, "sub/deep") and not lists(ben, "sub/deep")


def sees_a_rename(ben: Session, folder: Folder) -> Callable[[], bool]:
    assert finds(ben, "sub/deep")
    assert not finds(ben, "moved")
    (folder.disk / "sub/deep").rename(folder.disk / "moved")
    return lambda: finds(ben, "moved") and not finds(ben, "sub/deep")


def sees_a_replaced_file(ben: Session, folder: Folder) -> Callable[[], bool]:
    """As the explorer saves: a draft that is renamed over the file."""
    ben(steps.read, ben.path("tests/file"))
    folder.put(".draft", b"a new one").rename(folder.disk / "file")
    return lambda: ben(steps.read, ben.path("tests/file")) == b"a new one"


def sees_a_mode(ben: Session, folder: Folder) -> Callable[[], bool]:
    ben(os.stat, ben.path("tests/file"))
    (folder.disk / "file").chmod(0o751)
    return lambda: stat.S_IMODE(ben(os.stat, ben.path("tests/file")).st_mode) == 0o751


def descriptor_sees_new_content(ben: Session, folder: Folder) -> Callable[[], bool]:
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    ben(os.pread, descriptor, 4096, 0)
    with (folder.disk / "file").open("r+b") as file:
        file.write(b"changed")
    return lambda: ben(os.pread, descriptor, 7, 0) == b"changed"


def descriptor_sees_that_its_name_is_gone(ben: Session, folder: Folder) -> Callable[[], bool]:
    """Also of a file that the session has read nothing of."""
    descriptor = ben(os.open, ben.path("tests/file"), os.O_WRONLY)
    assert ben(os.fstat, descriptor).st_nlink == 1
    folder.put(".draft", b"a new one").rename(folder.disk / "file")
    return lambda: ben(os.fstat, descriptor).st_nlink == 0


def a_writer_sees_new_content(ben: Session, folder: Folder) -> Callable[[], bool]:
    """Who has written before, through the descriptor that is still open."""
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDWR)
    ben(os.pread, descriptor, 4096, 0)
    ben(os.pwrite, descriptor, b"written", 0)
    ben(os.pread, descriptor, 4096, 0)
    with (folder.disk / "file").open("r+b") as file:
        file.write(b"changed")
    return lambda: ben(os.pread, descriptor, 7, 0) == b"changed"


def all_of(ben: Session) -> bytes:
    """What is read of the file without asking for its attributes, as `open` of Python does."""
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    content: bytes = ben(os.pread, descriptor, 1 << 16, 0)
    ben(os.close, descriptor)
    return content


def sees_content_after_an_attribute_of_its_own(ben: Session, folder: Folder) -> Callable[[], bool]:
    all_of(ben)
    ben(os.setxattr, ben.path("tests/file"), "user.note", b"x")
    with (folder.disk / "file").open("ab") as file:
        file.write(b" and more")
    return lambda: all_of(ben).endswith(b" and more")


def sees_content_after_a_change_that_failed(ben: Session, folder: Folder) -> Callable[[], bool]:
    all_of(ben)
    with pytest.raises(OSError, match="too large"):
        ben(os.truncate, ben.path("tests/file"), 1 << 60)
    with (folder.disk / "file").open("ab") as file:
        file.write(b" and more")
    return lambda: all_of(ben).endswith(b" and more")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.__name__.replace("_", " "))
        for change in (
            sees_new_content, sees_a_new_name, lists_a_new_name, sees_removal, sees_a_rename,
            sees_a_replaced_file, sees_a_mode, descriptor_sees_new_content,
            descriptor_sees_that_its_name_is_gone, a_writer_sees_new_content,
            sees_content_after_an_attribute_of_its_own, sees_content_after_a_change_that_failed,
        )
    ],
)  # fmt: skip
def test_what_changes_in_the_store_is_seen_soon(
    people: tuple[Session, Session],
    folder: Folder,
    change: Callable[[Session, Folder], Callable[[], bool]],
) -> None:
    """Within a second, by the contract; ten are waited for."""
    _, ben = people
    seen = change(ben, folder)
    wait_until(seen, within=10)


def test_a_new_directory_has_nothing_to_do_with_one_that_is_gone(
    people: tuple[Session, Session], folder: Folder
) -> None:
    """What somebody has done in that, just before it went, hides no change in the store."""
    _, ben = people
    top = ben.path("tests")
    ben(steps.make_directories, top, "gone", 60)
    ben(steps.remove_directories, top, "gone", 60)
    ben(steps.make_directories, top, "new", 60)
    for number in range(60):
        (folder.disk / f"new{number}/file").unlink()
    paths = [f"{top}/new{number}/file" for number in range(60)]
    wait_until(lambda: ben(steps.which_are_there, paths) == [])


def test_of_two_who_move_to_one_name_the_last_is_seen(
    stage: Stage, people: tuple[Session, Session], folder: Folder
) -> None:
    """A session's, and right after it one from elsewhere: inotify makes one event of both."""
    ana, ben = people
    elsewhere = stage.store / "uploaded"
    for number in range(5):
        name = f"file{number}"
        ana(steps.write, ana.path("tests/draft"), b"draft")
        assert not finds(ben, name)
        elsewhere.write_bytes(b"from elsewhere")
        elsewhere.chmod(0o644)
        ana(os.rename, ana.path("tests/draft"), ana.path("tests", name))
        elsewhere.rename(folder.disk / name)
        for session in (ana, ben):
            wait_until(partial(has, session, name, b"from elsewhere"))


def put_twice(folder: Folder, names: list[str]) -> list[Path]:
    """Files that have a second name in a directory where nobody has looked: inotify says nothing
    of what is written there."""
    folder.make("elsewhere")
    for name in names:
        os.link(folder.put(f"here/{name}", b"old"), folder.disk / "elsewhere" / name)
    return [folder.disk / "elsewhere" / name for name in names]


def test_however_many_files_are_open_their_changes_are_seen(
    people: tuple[Session, Session], folder: Folder
) -> None:
    _, ben = people
    names = [str(number) for number in range(300)]
    elsewhere = put_twice(folder, names)
    held = ben(steps.hold, [ben.path("tests/here", name) for name in names])
    assert ben(steps.look, held) == [b"old"] * 300
    for path in elsewhere:
        path.write_bytes(b"new")
    wait_until(lambda: ben(steps.look, held) == [b"new"] * 300)


def test_a_busy_directory_hides_no_other_change(
    people: tuple[Session, Session], folder: Folder
) -> None:
    """Something is written all the time where inotify tells of it."""
    _, ben = people
    (elsewhere,) = put_twice(folder, ["name"])
    held = ben(steps.hold, [ben.path("tests/here/name")])
    assert ben(steps.look, held) == [b"old"]
    assert ben(os.listdir, ben.path("tests/sub")) == ["deep"]
    busy = Program(Identity(0, 0, "/", None, hold_root=True))
    try:
        busy.begin(traffic.write_for_ever, str(folder.disk / "sub/deep"))
        elsewhere.write_bytes(b"new")
        wait_until(lambda: ben(steps.look, held) == [b"new"])
    finally:
        busy.close()


def test_what_was_removed_in_the_store_is_no_ghost(
    people: tuple[Session, Session], folder: Folder
) -> None:
    """A name that is gone can be made again, at once once it is known to be gone."""
    _, ben = people
    ben(os.stat, ben.path("tests/file"))
    (folder.disk / "file").unlink()
    wait_until(lambda: not finds(ben, "file"))
    assert outcome(ben, steps.make, ben.path("tests/file")) == "ok"
