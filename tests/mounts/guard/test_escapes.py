"""Ways out of a shared folder, and around its level. Each is tried, and none is one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mounts.guard import handing, kernel, steps
from tests.mounts.guard.program import Identity, Program, outcome, wait_until
from tests.mounts.guard.stage import Folder, Session, Stage

pytestmark = pytest.mark.scenario("M5")
Join = Callable[[str, str], Session]
SECRET = b"nobody was invited to this"


@pytest.fixture
def secret(stage: Stage) -> Path:
    """A file of another folder, that only its owner should ever read. Everybody may, on disk."""
    return stage.folder(owner="dan").put("secret", SECRET, mode=0o666)


def tells(session: Session, path: str) -> str:
    """What opening and reading gives: an errno, or whether it was the secret."""
    try:
        return "the secret" if SECRET in session(steps.read, path) else "something else"
    except OSError as problem:
        return f"errno {problem.errno}"


# --- links --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param(["{secret}"], id="an absolute one"),
        pytest.param(["../../{folder}/files/secret"], id="one that is right in the store"),
        pytest.param(["b", "c", "{secret}"], id="a chain"),
        pytest.param(["/proc/self/root{secret}"], id="one through /proc/self/root"),
        pytest.param(["/proc/{guard}/root{secret}"], id="one through the guard's root"),
        pytest.param(["/proc/{guard}/cwd/secret"], id="one through the guard's working directory"),
    ],
)
@pytest.mark.parametrize("maker", ["the session", "the store"])
def test_a_planted_link_leads_nowhere(
    stage: Stage, folder: Folder, join: Join, secret: Path, chain: list[str], maker: str
) -> None:
    ben = join("ben", "edit")
    words = {"secret": secret, "folder": secret.parent.parent.name, "guard": stage.guard.pid}
    for name, target in zip("abc", chain, strict=False):
        target = target.format(**words)
        if maker == "the session":
            ben(os.symlink, target, ben.path("tests", name))
        else:
            os.symlink(target, folder.disk / name)
    assert tells(ben, ben.path("tests/a")).startswith("errno")
    assert ben(os.readlink, ben.path("tests/a")) == chain[0].format(**words)


def test_a_link_to_a_directory_is_no_way_either(join: Join, secret: Path) -> None:
    ben = join("ben", "edit")
    ben(os.symlink, str(secret.parent), ben.path("tests/link"))
    ben(os.symlink, f"../../{secret.parent.parent.name}/files", ben.path("tests/near"))
    assert tells(ben, ben.path("tests/link/secret")).startswith("errno")
    assert tells(ben, ben.path("tests/near/secret")).startswith("errno")


def test_a_directory_that_becomes_a_link_is_not_followed(
    folder: Folder, join: Join, secret: Path
) -> None:
    """What the session has looked up is a directory; in the store it is a link by now."""
    ben = join("ben", "edit")
    folder.put("sub/secret", b"harmless")
    descriptor = ben(os.open, ben.path("tests/sub"), os.O_RDONLY)
    assert ben(steps.read, ben.path("tests/sub/secret")) == b"harmless"
    (folder.disk / "sub").rename(folder.disk / "was")
    os.symlink(f"../../{secret.parent.parent.name}/files", folder.disk / "sub")
    for path in (ben.path("tests/sub/secret"), f"/proc/self/fd/{descriptor}/secret"):
        assert tells(ben, path) != "the secret"
    wait_until(lambda: tells(ben, ben.path("tests/sub/secret")).startswith("errno"))


# --- up and across ------------------------------------------------------------------------------


def test_two_dots_end_at_the_session_s_own_directories(folder: Folder, join: Join) -> None:
    folder.make("sub/deep")
    ben = join("ben", "edit")
    assert ben(os.listdir, ben.path("tests/sub/deep/../..")) == ["sub"]
    assert ben(os.listdir, ben.path("tests/..")) == ["tests"]
    assert ben(os.listdir, ben.path("tests/../..")) == ["shared"]
    descriptor = ben(os.open, ben.path("tests"), os.O_RDONLY | os.O_DIRECTORY)
    assert ben(os.listdir, f"/proc/self/fd/{descriptor}/..") == ["tests"]


def test_a_link_s_source_can_be_no_descriptor_of_another_folder(stage: Stage, join: Join) -> None:
    ben, second = join("ben", "edit"), stage.folder()
    second.put("established", b"x")
    stage.give(ben, second, "edit", name="second")
    for source in ("second/established", "tests/own"):
        if source == "tests/own":
            ben(steps.write, ben.path(source), b"own")
        descriptor = ben(os.open, ben.path(source), os.O_RDONLY)
        target = "tests/new" if source.startswith("second") else "second/new"
        answer = outcome(ben, kernel.link_descriptor, descriptor, ben.path(target))
        assert answer == "EXDEV"


def test_an_established_file_gets_no_second_name_through_its_descriptor(
    folder: Folder, join: Join
) -> None:
    folder.put("established", b"x")
    ben = join("ben", "edit")
    descriptor = ben(os.open, ben.path("tests/established"), os.O_RDWR)
    answer = outcome(ben, kernel.link_descriptor, descriptor, ben.path("tests/new"))
    assert answer == "EPERM"
    assert folder.names() == {"established"}


@pytest.mark.parametrize("whose", ["another folder's", "one's own, after the revoke"])
def test_a_handle_opens_nothing(stage: Stage, folder: Folder, join: Join, whose: str) -> None:
    """Even root in a session, who may ask, gets nothing that the mount does not show."""
    ben = join("ben", "edit")
    if whose == "another folder's":
        there, dan = stage.folder(owner="dan"), stage.session("dan")
        stage.give(dan, there, "edit_delete")
        there.put("secret", SECRET)
        root, path = dan.program(root=True), dan.path("tests/secret")
    else:
        folder.put("secret", SECRET)
        root, path = ben.program(root=True), ben.path("tests/secret")
    try:
        kind, content = root(kernel.handle_of, path)
    except OSError:
        return  # the mount gives no handles at all
    if whose != "another folder's":
        stage.take(ben, folder)
    attacker = ben.program(root=True)
    assert outcome(ben, steps.read_by_handle, ben.top, kind, content) == "EPERM"
    answer = outcome(attacker, steps.read_by_handle, ben.top, kind, content)
    assert answer in {"ESTALE", "EACCES", "ENOENT", "EOPNOTSUPP"}


def test_an_invented_handle_opens_nothing(folder: Folder, join: Join) -> None:
    """What a kernel calls an inode is the guard's affair; a wrong one must not be believed."""
    folder.put("file", SECRET)
    ben = join("ben", "view")
    root = ben.program(root=True)
    kind, content = root(kernel.handle_of, ben.path("tests/file"))
    for at in range(0, len(content) * 8, 5):
        invented = bytearray(content)
        invented[at // 8] ^= 1 << at % 8
        answer = outcome(root, steps.read_by_handle, ben.top, kind, bytes(invented))
        assert answer in {"ESTALE", "EACCES", "ENOENT", "EINVAL", "EOPNOTSUPP"}
    assert ben(steps.read, ben.path("tests/file")) == SECRET


# --- other people's processes -------------------------------------------------------------------


def test_descriptors_of_another_person_s_process_are_closed_to_one(
    stage: Stage, folder: Folder, join: Join
) -> None:
    folder.put("file", SECRET)
    ben, dan = join("ben", "view"), stage.session("dan")
    descriptor = ben(os.open, ben.path("tests/file"), os.O_RDONLY)
    for what in (f"fd/{descriptor}", f"root{ben.path('tests/file')}", "cwd/shared/tests/file"):
        answer = outcome(dan, steps.touch_open, f"/proc/{ben.shell.pid}/{what}")
        assert answer in {"EACCES", "EPERM", "ENOENT"}, what


def test_a_descriptor_that_was_passed_on_ends_with_the_giver_s_grant(
    stage: Stage, folder: Folder, join: Join
) -> None:
    folder.put("file", SECRET)
    ben, dan = join("ben", "view"), stage.session("dan")
    name = f"guard-test-{ben.id}"
    dan(handing.listen, name)
    ben(handing.give, name, ben(os.open, ben.path("tests/file"), os.O_RDONLY))
    descriptor = dan(handing.take, name)
    reopened = f"/proc/self/fd/{descriptor}"
    assert outcome(dan, steps.touch_open, reopened, os.O_RDWR) in {"EROFS", "EACCES"}
    stage.take(ben, folder)
    assert outcome(dan, os.pread, descriptor, 4096, 0) == "EACCES"
    assert outcome(dan, steps.touch_open, reopened) == "EACCES"


def test_a_directory_that_was_passed_on_ends_with_the_giver_s_grant(
    stage: Stage, folder: Folder, join: Join
) -> None:
    folder.put("sub/file", SECRET)
    ben, dan = join("ben", "view"), stage.session("dan")
    name = f"guard-test-{ben.id}"
    dan(handing.listen, name)
    ben(handing.give, name, ben(os.open, ben.path("tests/sub"), os.O_RDONLY))
    descriptor = dan(handing.take, name)
    stage.take(ben, folder)
    assert outcome(dan, os.listdir, descriptor) == "EACCES"
    assert outcome(dan, steps.open_at, descriptor, "file") == "EACCES"


@pytest.mark.scenario("M7")
def test_who_has_the_same_uid_is_still_somebody_else(stage: Stage, folder: Folder) -> None:
    """Two containers, both uid 1000: what they may do is said by the mount."""
    ben, dan, eve = (stage.session(name, uid=1000) for name in ("ben", "dan", "eve"))
    stage.give(ben, folder, "edit")
    stage.give(dan, folder, "edit")
    ben(steps.write, ben.path("tests/file"), b"of ben")
    assert eve(os.listdir, eve.top) == []
    assert outcome(eve, os.stat, eve.path("tests/file")) == "ENOENT"
    assert outcome(dan, os.unlink, dan.path("tests/file")) == "EPERM"
    stage.take(ben, folder)
    assert dan(steps.read, dan.path("tests/file")) == b"of ben"
    assert outcome(ben, os.stat, ben.path("tests/file")) in {"ENOENT", "EACCES"}


def test_nobody_but_root_may_give_orders(stage: Stage, folder: Folder) -> None:
    path = stage.where / "run/control"
    (stage.where / "run").chmod(0o755)
    path.chmod(0o777)
    ben = Program(Identity(2002, 2002, "/", None))
    try:
        assert ben(steps.ask_control, str(path)) == "refused"
    finally:
        ben.close()
    assert stage.control.order("hello", version=1)["version"] == "1"


# --- what lies in the store ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_what_is_no_file_does_no_harm(folder: Folder, join: Join, kind: int) -> None:
    """Planted in the store: devices stay closed, and a pipe holds up nobody."""
    os.mknod(folder.disk / "odd", kind | 0o666, os.makedev(1, 5))
    ben = join("ben", "edit")
    ben(os.listdir, ben.path("tests"))
    flags = os.O_RDONLY | os.O_NONBLOCK
    answer = outcome(ben, steps.touch_open, ben.path("tests/odd"), flags)
    assert answer != "ok" or kind == stat.S_IFIFO
    assert outcome(ben, steps.write, ben.path("tests/new"), b"x") == "ok"


def test_setuid_bits_in_the_store_do_nothing(folder: Folder, join: Join) -> None:
    folder.put("tool", b"#!/bin/sh\n", mode=0o6755)
    ben = join("ben", "view")
    assert ben(steps.identify, ben.path("tests/tool"))[0] & 0o6000 == 0


@pytest.mark.parametrize("held", ["descriptor", "cwd"])
def test_a_directory_that_was_moved_out_is_gone(
    stage: Stage, folder: Folder, join: Join, held: str
) -> None:
    """Its owner moved it to a private folder, in the store; ben holds on to it."""
    folder.put("sub/file", b"x")
    ben, private = join("ben", "edit"), stage.folder()
    descriptor = ben(os.open, ben.path("tests/sub"), os.O_RDONLY)
    ben(os.chdir, ben.path("tests/sub"))
    assert ben(os.listdir, descriptor) == ["file"]
    (folder.disk / "sub").rename(private.disk / "sub")
    private.put("sub/secret", SECRET)
    at = f"/proc/self/fd/{descriptor}/" if held == "descriptor" else "./"
    wait_until(lambda: outcome(ben, os.stat, f"{at}secret") != "ok")
    assert tells(ben, f"{at}secret").startswith("errno")
    assert outcome(ben, os.listdir, at) != "ok"
    assert outcome(ben, steps.make, f"{at}planted") != "ok"
    assert outcome(ben, os.mkdir, f"{at}planted") != "ok"
    assert private.names() == {"sub", "sub/file", "sub/secret"}


@pytest.mark.parametrize("restarted", [False, True], ids=["guard lives on", "guard was restarted"])
def test_a_reused_inode_is_somebody_else_s(
    stage: Stage, folder: Folder, join: Join, restarted: bool
) -> None:
    """ben's file went in the store, and the owner's new file got its inode's number."""
    ben = join("ben", "edit")
    ben(steps.write, ben.path("tests/mine"), b"of ben")
    number = (folder.disk / "mine").stat().st_ino
    if restarted:
        stage.kill_guard()
    (folder.disk / "mine").unlink()
    if not restarted:  # the inode lives until the guard and ben's kernel have let go of it
        wait_until(lambda: outcome(ben, os.stat, ben.path("tests/mine")) == "ENOENT")
        ben(os.listdir, ben.path("tests"))
    for attempt in range(2000):
        made = folder.put(f"new{attempt}", b"of ana")
        if made.stat().st_ino == number:
            break
    else:
        pytest.skip("This file system does not reuse inode numbers soon.")
    if restarted:
        stage.restart()
    path = ben.path("tests", made.name)
    wait_until(lambda: ben(os.path.exists, path))
    assert outcome(ben, os.unlink, path) == "EPERM"
    assert outcome(ben, os.rename, path, ben.path("tests/other")) == "EPERM"
    assert outcome(ben, os.chmod, path, 0o777) == "EPERM"
    assert made.read_bytes() == b"of ana"


def test_setuid_bits_can_t_be_made(folder: Folder, join: Join) -> None:
    ben = join("ben", "edit")
    ben(steps.make_with_mode, ben.path("tests/file"), 0o6755)
    ben(os.mkdir, ben.path("tests/directory"), 0o6777)
    ben(steps.write, ben.path("tests/own"), b"x")
    ben(os.chmod, ben.path("tests/own"), 0o6777)
    found = {path.name: path.stat().st_mode & 0o6000 for path in folder.disk.iterdir()}
    assert found == {"file": 0, "directory": 0, "own": 0}


@pytest.mark.slow
def test_who_knows_very_much_starves_nobody(stage: Stage, folder: Folder, join: Join) -> None:
    """The guard's descriptors are not one session's to use up: it forgets, or opens anew."""
    limit = stage.descriptor_limit()
    if limit > 50_000:
        pytest.skip(f"The guard may have {limit} descriptors here: that many files take too long.")
    for number in range(limit + 1000):
        (folder.disk / f"file{number}").touch()
    ben, dan = join("ben", "view"), join("dan", "edit")
    greedy = ben.program()
    greedy.deadline = 50
    assert greedy(steps.stat_all, ben.path("tests")) == limit + 1000
    assert outcome(dan, steps.read, dan.path(f"tests/file{limit}")) == "ok"
    assert outcome(dan, steps.write, dan.path("tests/new"), b"x") == "ok"
    stage.take(ben, folder)
    assert outcome(ben, os.listdir, ben.path("tests")) == "ENOENT"
