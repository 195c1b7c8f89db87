"""What a file system does: quota, attributes, holes, copies, names, big directories."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from tests.mounts.guard import kernel, steps
from tests.mounts.guard.program import outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

Join = Callable[[str, str], Session]
MIB = 1 << 20


@pytest.fixture
def ben(join: Join) -> Session:
    return join("ben", "edit_delete")


# --- quota --------------------------------------------------------------------------------------


@pytest.mark.scenario("F17")
def test_what_is_over_the_limit_is_refused(stage: Stage, folder: Folder) -> None:
    ben = stage.session("ben")
    stage.give(ben, folder, "edit", limit=4 * MIB, used=1 * MIB)
    path = ben.path("tests/file")
    assert outcome(ben, steps.fill, path, 8 * MIB) == "EDQUOT"
    written = (folder.disk / "file").stat().st_blocks * 512
    assert 2 * MIB <= written <= 3.5 * MIB
    assert outcome(ben, steps.fill_by_allocating, ben.path("tests/other"), 4 * MIB) == "EDQUOT"
    stage.give(ben, folder, "edit", limit=64 * MIB, used=4 * MIB)
    assert outcome(ben, steps.fill, path, 8 * MIB) == "ok"


@pytest.mark.scenario("F17")
def test_room_can_t_be_taken_behind_the_size(stage: Stage, folder: Folder) -> None:
    """fallocate that keeps the size takes the disk's room all the same."""
    ben = stage.session("ben")
    stage.give(ben, folder, "edit", limit=2 * MIB, used=0)
    descriptor = ben(os.open, ben.path("tests/file"), os.O_CREAT | os.O_RDWR, 0o644)
    answer = outcome(ben, kernel.fallocate, descriptor, kernel.FALLOC_FL_KEEP_SIZE, 0, 64 * MIB)
    assert answer in {"EDQUOT", "EOPNOTSUPP"}
    assert (folder.disk / "file").stat().st_blocks * 512 <= 2 * MIB


@pytest.mark.scenario("F17")
def test_what_is_removed_can_be_used_again(stage: Stage, folder: Folder) -> None:
    ben = stage.session("ben")
    stage.give(ben, folder, "edit_delete", limit=2 * MIB, used=0)
    for turn in range(5):
        path = ben.path(f"tests/file{turn}")
        assert outcome(ben, steps.fill, path, MIB) == "ok"
        ben(os.unlink, path)
    assert outcome(ben, steps.fill, ben.path("tests/last"), 4 * MIB) == "EDQUOT"


@pytest.mark.scenario("F17")
def test_statfs_tells_the_limit(stage: Stage, folder: Folder) -> None:
    ben = stage.session("ben")
    stage.give(ben, folder, "edit", limit=64 * MIB, used=16 * MIB)
    found = ben(kernel.statfs, ben.path("tests"))
    assert found["f_blocks"] * found["f_bsize"] == 64 * MIB
    assert found["f_bavail"] * found["f_bsize"] == 48 * MIB
    ben(steps.fill, ben.path("tests/file"), 8 * MIB)
    found = ben(kernel.statfs, ben.path("tests"))
    assert abs(found["f_bavail"] * found["f_bsize"] - 40 * MIB) <= MIB


def test_without_a_limit_statfs_tells_the_disk_s(folder: Folder, ben: Session) -> None:
    disk, seen = os.statvfs(folder.disk), ben(kernel.statfs, ben.path("tests"))
    assert seen["f_blocks"] * seen["f_bsize"] == disk.f_blocks * disk.f_frsize


# --- attributes ---------------------------------------------------------------------------------


def test_extended_attributes(folder: Folder, ben: Session) -> None:
    path = ben.path("tests/file")
    ben(steps.write, path, b"x")
    values = {"user.empty": b"", "user.bytes": bytes(range(256)), "user.long": b"x" * 2000}
    for name, value in values.items():
        ben(os.setxattr, path, name, value)
    assert sorted(ben(os.listxattr, path)) == sorted(values)
    assert {name: ben(os.getxattr, path, name) for name in values} == values
    assert {name: os.getxattr(folder.disk / "file", name) for name in values} == values
    assert outcome(ben, os.setxattr, path, "user.empty", b"", os.XATTR_CREATE) == "EEXIST"
    assert outcome(ben, os.setxattr, path, "user.none", b"", os.XATTR_REPLACE) == "ENODATA"
    ben(os.removexattr, path, "user.long")
    assert outcome(ben, os.getxattr, path, "user.long") == "ENODATA"


def test_files_look_like_the_person_s(folder: Folder, ben: Session) -> None:
    """On disk they are the service's; programs (git, ssh) expect to own what they make."""
    ben(steps.write, ben.path("tests/file"), b"x")
    found = ben(os.stat, ben.path("tests/file"))
    assert (found.st_uid, found.st_gid) == (ben.uid, ben.uid)
    assert (folder.disk / "file").stat().st_uid == folder.disk.stat().st_uid


def test_times_and_links_are_told(folder: Folder, ben: Session) -> None:
    path = ben.path("tests/file")
    ben(steps.write, path, b"x" * 5000)
    ben(os.link, path, ben.path("tests/second"))
    ben(os.utime, path, ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321))
    seen, disk = ben(os.stat, path), (folder.disk / "file").stat()
    for name in ("st_mtime_ns", "st_atime_ns", "st_nlink", "st_size", "st_blocks"):
        assert getattr(seen, name) == getattr(disk, name), name


def test_the_umask_counts(folder: Folder, ben: Session) -> None:
    ben(os.umask, 0o027)
    ben(steps.make, ben.path("tests/file"))
    ben(os.mkdir, ben.path("tests/directory"))
    modes = [(folder.disk / name).stat().st_mode & 0o777 for name in ("file", "directory")]
    assert [oct(mode) for mode in modes] == ["0o640", "0o750"]


# --- content ------------------------------------------------------------------------------------


def test_holes_are_holes(folder: Folder, ben: Session) -> None:
    path = ben.path("tests/sparse")
    descriptor = ben(os.open, path, os.O_CREAT | os.O_RDWR, 0o644)
    ben(os.ftruncate, descriptor, 8 * MIB)
    ben(os.pwrite, descriptor, b"data" * 1024, 4 * MIB)
    ben(os.fsync, descriptor)
    assert ben(os.lseek, descriptor, 0, os.SEEK_DATA) == 4 * MIB
    assert ben(os.lseek, descriptor, 4 * MIB, os.SEEK_HOLE) == 4 * MIB + 4096
    assert (folder.disk / "sparse").stat().st_blocks * 512 < MIB
    punch = kernel.FALLOC_FL_PUNCH_HOLE | kernel.FALLOC_FL_KEEP_SIZE
    ben(kernel.fallocate, descriptor, punch, 4 * MIB, 4096)
    assert ben(os.pread, descriptor, 4, 4 * MIB) == bytes(4)
    assert outcome(ben, os.lseek, descriptor, 0, os.SEEK_DATA) == "ENXIO"


def test_offsets_beyond_four_gibibytes(folder: Folder, ben: Session) -> None:
    descriptor = ben(os.open, ben.path("tests/big"), os.O_CREAT | os.O_RDWR, 0o644)
    far = 5 << 30
    assert ben(os.pwrite, descriptor, b"far away", far) == 8
    assert ben(os.pread, descriptor, 8, far) == b"far away"
    ben(os.close, descriptor)
    assert ben(os.stat, ben.path("tests/big")).st_size == far + 8
    with (folder.disk / "big").open("rb") as file:
        assert os.pread(file.fileno(), 8, far) == b"far away"


def test_copies_by_the_kernel(folder: Folder, ben: Session) -> None:
    content = os.urandom(3 * MIB)
    folder.put("source", content)
    ben(steps.copy_range, ben.path("tests/source"), ben.path("tests/target"))
    assert (folder.disk / "target").read_bytes() == content
    assert ben(steps.read, ben.path("tests/target")) == content


def test_a_file_without_a_name_lives_until_it_is_closed(folder: Folder, ben: Session) -> None:
    path = ben.path("tests/file")
    descriptor = ben(os.open, path, os.O_CREAT | os.O_RDWR, 0o644)
    ben(os.pwrite, descriptor, b"content", 0)
    ben(os.unlink, path)
    assert ben(os.pread, descriptor, 7, 0) == b"content"
    assert ben(os.pwrite, descriptor, b"more", 7) == 4
    assert ben(os.fstat, descriptor).st_nlink == 0
    assert folder.names() == set()


def test_an_unfinished_write_of_a_dead_program_is_there(folder: Folder, ben: Session) -> None:
    program = ben.program()
    descriptor = program(os.open, ben.path("tests/file"), os.O_CREAT | os.O_WRONLY, 0o644)
    program(os.write, descriptor, b"x" * 10000)
    program.kill()
    wait_until(lambda: (folder.disk / "file").read_bytes() == b"x" * 10000)


# --- names and directories ----------------------------------------------------------------------


@pytest.mark.scenario("F16")
def test_names_with_every_byte(folder: Folder, ben: Session) -> None:
    top = os.fsencode(ben.path("tests"))
    names = {bytes([byte]) for byte in range(1, 256)} - {b"/", b"."}
    names |= {
        b"x" * 255,
        b"-rf",
        b"~",
        b"a\nb",
        b"\xff\xfe\xfd",
        "ä€😀".encode(),
        b"...",
        b" ",
        b"%2e",
    }
    for name in names:
        ben(steps.make_bytes, top + b"/" + name)
    assert set(os.listdir(os.fsencode(folder.disk))) == names
    assert set(ben(os.listdir, top)) == names
    for name in names:
        ben(os.unlink, top + b"/" + name)
    assert os.listdir(folder.disk) == []
    assert outcome(ben, steps.make_bytes, top + b"/" + b"x" * 256) == "ENAMETOOLONG"


@pytest.mark.slow
@pytest.mark.scenario("F16")
def test_a_directory_of_20000(folder: Folder, ben: Session) -> None:
    wanted = {f"file{number:05}" for number in range(20_000)}
    for name in wanted:
        (folder.disk / name).touch()
    listed = ben(os.listdir, ben.path("tests"))
    assert len(listed) == 20_000
    assert set(listed) == wanted
    assert ben(steps.stat_all, ben.path("tests")) == 20_000


def test_a_list_that_is_changed_while_it_is_read(folder: Folder, ben: Session) -> None:
    """What was there all the time is listed once."""
    for number in range(3000):
        (folder.disk / f"file{number}").touch()
    seen = ben(steps.list_while_removing, ben.path("tests"), "file1")
    stay = {f"file{number}" for number in range(3000) if not str(number).startswith("1")}
    assert len(seen) == len(set(seen))
    assert stay <= set(seen)


def test_a_directory_that_is_not_empty_stays(folder: Folder, ben: Session) -> None:
    folder.put("sub/file", b"x")
    for call, do, *args in (
        ("rmdir", os.rmdir, ben.path("tests/sub")),
        ("rename over it", os.rename, ben.path("tests/other"), ben.path("tests/sub")),
    ):
        if call != "rmdir":
            ben(os.mkdir, ben.path("tests/other"))
        assert outcome(ben, do, *args) == errno.errorcode[errno.ENOTEMPTY]


def test_a_directory_can_t_go_into_itself(folder: Folder, ben: Session) -> None:
    folder.make("sub/deep")
    answer = outcome(ben, os.rename, ben.path("tests/sub"), ben.path("tests/sub/deep/x"))
    assert answer == "EINVAL"
    flags = kernel.RENAME_NOREPLACE
    folder.put("file", b"x")
    answer = outcome(ben, kernel.renameat2, ben.path("tests/file"), ben.path("tests/sub"), flags)
    assert answer == "EEXIST"
