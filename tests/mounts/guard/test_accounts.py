"""An owner's account, kept by sessions and by the service at once: never over, nothing lost."""

from __future__ import annotations

import errno
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyterhub_vmshare.errors import QuotaExceeded
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.posix.accounts import Accounts
from tests.mounts.agent.node import await_
from tests.mounts.guard import steps
from tests.mounts.guard.control import Refused
from tests.mounts.guard.program import Identity, Program, outcome
from tests.mounts.guard.stage import SERVICE, Folder, Session, Stage

KIB, MIB = 1 << 10, 1 << 20


class Books:
    """The account of a folder's owner, as the service has it."""

    def __init__(self, where: Path) -> None:
        self.where, self.id = where, new_id("acc")
        self.area = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
        self.accounts = Accounts(self.area)

    def limit(self, most: int | None) -> None:
        self.accounts.set_limit(self.id, most)

    @property
    def used(self) -> int:
        return self.accounts.look(self.id).used

    def open(self) -> int:
        return os.open(self.where / self.id, os.O_RDWR)


@pytest.fixture
def books(tmp_path: Path, folder: Folder) -> Iterator[Books]:
    books = Books(tmp_path)
    books.limit(4 * MIB)
    books.accounts.add(books.id, folder.id, 0)
    yield books
    os.close(books.area)


def give(stage: Stage, session: Session, folder: Folder, books: Books, level: str = "edit") -> None:
    account = books.open()
    try:
        stage.give(session, folder, level, account=account)
    finally:
        os.close(account)


def join(stage: Stage, folder: Folder, books: Books, name: str, level: str = "edit") -> Session:
    session = stage.session(name)
    give(stage, session, folder, books, level)
    return session


@pytest.mark.scenario("F17")
def test_a_full_account_answers_edquot_and_keeps_what_was_written(
    stage: Stage, folder: Folder, books: Books
) -> None:
    ben = join(stage, folder, books, "ben")
    ben(steps.write, ben.path("tests/before"), b"kept" * KIB)
    assert outcome(ben, steps.fill, ben.path("tests/file"), 8 * MIB) == "EDQUOT"
    assert ben(steps.read, ben.path("tests/before")) == b"kept" * KIB
    written = (folder.disk / "file").stat().st_size
    assert books.used == written + 4 * KIB <= 4 * MIB

    books.limit(16 * MIB)
    assert outcome(ben, steps.fill, ben.path("tests/file"), 8 * MIB) == "ok"
    assert books.used == 8 * MIB + 4 * KIB


def test_statfs_tells_the_account_s_room(stage: Stage, folder: Folder, books: Books) -> None:
    ben = join(stage, folder, books, "ben")
    other = new_id("fld")
    books.accounts.add(books.id, other, MIB)
    facts = ben(os.statvfs, ben.path("tests"))
    assert facts.f_blocks * facts.f_frsize == 4 * MIB
    assert facts.f_bavail * facts.f_frsize == 3 * MIB


def test_what_goes_is_given_back(stage: Stage, folder: Folder, books: Books) -> None:
    ben = join(stage, folder, books, "ben", "edit_delete")
    path = ben.path("tests/file")
    ben(steps.write, path, b"x" * MIB)
    assert books.used == MIB
    ben(os.truncate, path, 100)
    assert books.used == 100
    ben(os.truncate, path, MIB)
    assert books.used == MIB
    ben(os.link, path, ben.path("tests/too"))
    ben(os.unlink, path)
    assert books.used == MIB
    ben(os.unlink, ben.path("tests/too"))
    assert books.used == 0


def write_nameless(path: str, size: int) -> None:
    """A temporary file as programs make them: its name goes first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.unlink(path)
    os.write(descriptor, b"x" * size)
    os.ftruncate(descriptor, size // 2)
    os.close(descriptor)


def test_what_a_nameless_file_held_goes_with_it(stage: Stage, folder: Folder, books: Books) -> None:
    ben = join(stage, folder, books, "ben", "edit_delete")
    for _ in range(8):
        ben(write_nameless, ben.path("tests/temporary"), MIB)
    stage.take(ben, folder)
    # A kernel tells of a closed file after close has returned.
    await_(lambda: books.used == 0)


def write_once(path: str, size: int) -> int:
    """How much of one write comes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        return os.write(descriptor, b"x" * size)
    finally:
        os.close(descriptor)


def copy_once(source: str, target: str, size: int) -> int:
    """How much of one copy comes."""
    steps.make(target)
    with open(source, "rb") as theirs, open(target, "wb") as ours:
        return os.copy_file_range(theirs.fileno(), ours.fileno(), size)


def test_what_did_not_come_is_not_counted(stage: Stage, folder: Folder, books: Books) -> None:
    """As on a disk that is full, where a part comes still."""
    ben = join(stage, folder, books, "ben")
    folder.put("source", b"x" * (160 * KIB))
    as_service = Program(Identity(SERVICE, SERVICE, "/", None))
    as_service(resource.prlimit, stage.guard.pid, resource.RLIMIT_FSIZE, (100 * KIB, -1))
    as_service.close()
    assert ben(write_once, ben.path("tests/written"), 160 * KIB) == 100 * KIB
    assert books.used == 100 * KIB
    paths = ben.path("tests/source"), ben.path("tests/copied")
    assert ben(copy_once, *paths, 160 * KIB) == 100 * KIB
    assert books.used == 200 * KIB


def add_to(path: str, size: int, times: int) -> int:
    """Writes behind what is there; how many bytes came before there was no room."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    came = 0
    try:
        for _ in range(times):
            came += os.write(descriptor, b"x" * size)
    except OSError as error:
        if error.errno != errno.EDQUOT:
            raise
    finally:
        os.close(descriptor)
    return came


class Racing(threading.Thread):
    """Some writer, in a thread that waits for it."""

    def __init__(self, work: object, *given: object) -> None:
        super().__init__()
        self.work, self.given, self.came = work, given, 0

    def run(self) -> None:
        assert callable(self.work)
        self.came = int(self.work(*self.given))


def test_eight_writers_at_once_are_never_over(stage: Stage, folder: Folder, books: Books) -> None:
    """Six programs in three sessions, some on one file, and two in the service."""
    service_tree = new_id("fld")
    books.accounts.add(books.id, service_tree, 0)

    def service() -> int:
        came = 0
        for _ in range(400):
            try:
                books.accounts.grow(books.id, service_tree, 5000)
                came += 5000
            except QuotaExceeded:
                break
        return came

    sessions = [join(stage, folder, books, name) for name in ("ana", "ben", "dan")]
    sessions = sessions + [stage.session(name) for name in ("ana", "ben", "dan")]
    for session in sessions[3:]:
        give(stage, session, folder, books)
    writers = [
        Racing(session, add_to, session.path(f"tests/{number % 3}"), 5000, 400)
        for number, session in enumerate(sessions)
    ]
    writers += [Racing(service), Racing(service)]
    for writer in writers:
        writer.start()
    most = 0
    while any(writer.is_alive() for writer in writers):
        most = max(most, books.used)
        for writer in writers:
            writer.join(0.002)
    came = sum(writer.came for writer in writers)
    on_disk = sum(path.stat().st_size for path in folder.disk.iterdir())
    assert most <= 4 * MIB
    assert books.used == came == on_disk + sum(writer.came for writer in writers[6:])
    assert 4 * MIB - came < 8 * 5000


def test_a_folder_changes_its_account_while_it_is_open(
    stage: Stage, folder: Folder, books: Books, tmp_path: Path
) -> None:
    ben = join(stage, folder, books, "ben")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_CREAT | os.O_WRONLY)
    ben(os.write, descriptor, b"x" * 1000)
    new = Books(tmp_path)
    new.limit(3000)
    new.accounts.add(new.id, folder.id, books.accounts.remove(books.id, folder.id))
    give(stage, ben, folder, new)
    ben(os.write, descriptor, b"x" * 1000)
    assert (books.used, new.used) == (0, 2000)
    assert outcome(ben, os.write, descriptor, b"x" * 1001) == "EDQUOT"
    os.close(new.area)


def test_an_order_without_its_account_is_refused(
    stage: Stage, folder: Folder, books: Books
) -> None:
    ben = stage.session("ben")
    with pytest.raises(Refused, match="no-descriptor"):
        stage.give(ben, folder, "edit", limit="account")
    read_only = os.open(books.where / books.id, os.O_RDONLY)
    with pytest.raises(Refused, match="no-descriptor"):
        stage.give(ben, folder, "edit", account=read_only)
    os.close(read_only)
