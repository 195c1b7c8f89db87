"""The rest of the table: links, removal, attributes, and what is left after the grant."""

from __future__ import annotations

import os
import stat
import time

from tests.mounts.guard import steps
from tests.mounts.guard.operations import SHORT_FRESH, row
from tests.mounts.guard.scene import Scene

# --- links and removal --------------------------------------------------------------------------


@row("link own inside the folder")
def _link_own(scene: Scene) -> None:
    scene.directory("sub")
    own = scene.own()
    scene.settle()
    scene.tries("in the same", os.link, own, scene.at("new"))
    scene.tries("in another", os.link, own, scene.at("sub/new"))


@row("link established")
def _link_established(scene: Scene) -> None:
    established = scene.established()
    scene.settle()
    scene.tries("link", os.link, established, scene.at("new"))


@row("unlink or rmdir established")
def _remove_established(scene: Scene) -> None:
    file, directory = scene.established(), scene.directory("directory")
    os.symlink("anywhere", scene.folder.disk / "link")
    scene.settle()
    scene.tries("unlink", os.unlink, file)
    scene.tries("rmdir", os.rmdir, directory)
    scene.tries("unlink a link", os.unlink, scene.at("link"))


@row("unlink or rmdir fresh own")
def _remove_fresh(scene: Scene) -> None:
    file, opened, directory = scene.own(), scene.own(), scene.own_directory("directory")
    scene.ben(os.symlink, "anywhere", scene.at("link"))
    scene.ben(os.open, opened, os.O_RDWR)
    scene.settle()
    scene.tries("unlink", os.unlink, file)
    scene.tries("unlink while open", os.unlink, opened)
    scene.tries("rmdir", os.rmdir, directory)
    scene.tries("unlink a link", os.unlink, scene.at("link"))


@row(SHORT_FRESH)
def _remove_own(scene: Scene) -> None:
    file, directory = scene.own(), scene.own_directory("directory")
    scene.ben(os.symlink, "anywhere", scene.at("link"))
    time.sleep(2 * scene.stage.fresh_seconds)
    scene.settle()
    scene.tries("unlink", os.unlink, file)
    scene.tries("rmdir", os.rmdir, directory)
    scene.tries("unlink a link", os.unlink, scene.at("link"))


# --- attributes ---------------------------------------------------------------------------------


@row("chmod established")
def _chmod_established(scene: Scene) -> None:
    file, directory = scene.established(), scene.directory("directory")
    scene.settle()
    scene.tries("chmod", os.chmod, file, 0o600)
    scene.tries("chmod a directory", os.chmod, directory, 0o700)


@row("chmod own (setuid and setgid bits are dropped)")
def _chmod_own(scene: Scene) -> None:
    own = scene.own("own")
    scene.settle()
    if scene.tries("chmod", os.chmod, own, 0o6751) == "ok":
        scene.says("mode", oct(stat.S_IMODE(scene.ben(os.stat, own).st_mode)), "0o751")
        on_disk = (scene.folder.disk / "own").stat().st_mode
        scene.says("bits in the store", oct(on_disk & 0o6000), "0o0")


@row("chown to another id")
def _chown(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    scene.settle()
    for whose, file in files.items():
        scene.tries(f"{whose} to a uid", os.chown, file, 65534, -1)
        scene.tries(f"{whose} to a gid", os.chown, file, -1, 65534)


@row("setxattr user.*")
def _user_xattr(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    scene.settle()
    for whose, file in files.items():
        answer = scene.tries(f"set on {whose}", os.setxattr, file, "user.note", b"value")
        if answer == "ok":
            scene.says("read back", scene.ben(os.getxattr, file, "user.note").decode(), "value")
            scene.tries(f"remove from {whose}", os.removexattr, file, "user.note")


@row("setxattr other than user.*; FS_IOC_SETFLAGS")
def _other_xattr(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    immutable = 0x10
    scene.settle()
    for whose, file in files.items():
        for name in ("trusted.note", "security.note", "system.posix_acl_access", "note"):
            scene.tries(f"{name} on {whose}", os.setxattr, file, name, b"value")
        scene.tries(f"FS_IOC_SETFLAGS on {whose}", steps.set_flags, file, immutable)


@row("utimens")
def _utimens(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    scene.settle()
    for whose, file in files.items():
        if scene.tries(f"{whose} to a time", os.utime, file, (1_000_000, 2_000_000)) == "ok":
            scene.says("mtime", str(scene.ben(os.stat, file).st_mtime), "2000000.0")
        scene.tries(f"{whose} to now", os.utime, file)


@row("rename or remove the mounted folder itself")
def _the_folder_itself(scene: Scene) -> None:
    scene.settle()
    scene.tries("rename", os.rename, scene.at(""), scene.ben.path("other"))
    scene.tries("rmdir", os.rmdir, scene.ben.path("tests"))


# --- after the end ------------------------------------------------------------------------------


@row("new access by path after the grant ended")
def _by_path(scene: Scene) -> None:
    file, own = scene.established("sub/file"), scene.own()
    scene.settle()
    scene.ben(steps.read, file)
    scene.ben(os.listdir, scene.at("sub"))
    scene.end_grant()
    scene.tries("open", steps.touch_open, file)
    scene.tries("open own", steps.touch_open, own)
    scene.tries("list", os.listdir, scene.at("sub"))
    scene.tries("stat", os.stat, file)
    scene.tries("create", steps.make, scene.at("new"))
    scene.tries("the folder itself", os.stat, scene.ben.path("tests"))


@row(
    "access after the grant ended through an open descriptor; a working directory;"
    " a reopened /proc/self/fd"
)
def _by_descriptor(scene: Scene) -> None:
    file = scene.established("sub/file", b"x" * 8192)
    scene.settle()
    program = scene.ben.program()
    descriptor = program(os.open, file, os.O_RDONLY)
    directory = program(os.open, scene.at("sub"), os.O_RDONLY)
    program(os.pread, descriptor, 8192, 0)
    program(os.chdir, scene.at("sub"))
    scene.end_grant()
    for call, do, *args in (
        ("read", os.pread, descriptor, 4096, 0),
        ("fstat", os.fstat, descriptor),
        ("list a directory's descriptor", os.listdir, directory),
        ("open relative to a descriptor", steps.open_at, directory, "file"),
        ("list the working directory", os.listdir, "."),
        ("open in the working directory", steps.touch_open, "file"),
        ("stat the working directory", os.stat, "."),
        ("reopen the file", steps.touch_open, f"/proc/self/fd/{descriptor}"),
        ("reopen the directory", os.listdir, f"/proc/self/fd/{directory}"),
        ("getxattr", os.listxattr, descriptor),
    ):
        scene.says(call, scene.outcome_of(program, do, *args))


@row("access after the grant ended through a mapping")
def _by_mapping(scene: Scene) -> None:
    file = scene.established("file", b"x" * 8192)
    scene.settle()
    programs = [scene.ben.program() for _ in range(2)]
    mappings = [program(steps.map_path, file, os.O_RDONLY) for program in programs]
    programs[0](steps.peek, mappings[0], 0, 8192)
    scene.end_grant()
    scene.says("a page that was read", scene.outcome_of(programs[0], steps.peek, mappings[0]))
    scene.says("a page that was not", scene.outcome_of(programs[1], steps.peek, mappings[1], 4096))
