"""How each row of the contract is done as system calls. A row without one fails the test."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Final

from tests.mounts.guard import kernel, steps
from tests.mounts.guard.scene import Scene

Procedure = Callable[[Scene], None]
PROCEDURES: Final[dict[str, Procedure]] = {}
SHORT_FRESH: Final = "unlink own that is no longer fresh"


def row(operation: str) -> Callable[[Procedure], Procedure]:
    """This is how the row with this text is done."""

    def remember(do: Procedure) -> Procedure:
        assert operation not in PROCEDURES, operation
        PROCEDURES[operation] = do
        return do

    return remember


# --- reading and writing ------------------------------------------------------------------------


@row("open for reading; read; list; stat; readlink")
def _read(scene: Scene) -> None:
    file = scene.established("sub/file", b"content")
    os.symlink("file", scene.folder.disk / "sub/link")
    scene.settle()
    scene.tries("open", steps.touch_open, file)
    scene.tries("read", steps.read, file)
    scene.tries("list", os.listdir, scene.at("sub"))
    scene.tries("stat", os.stat, file)
    scene.tries("readlink", os.readlink, scene.at("sub/link"))
    scene.tries("access", steps.may, file, os.R_OK)


@row("open for writing or appending; O_TRUNC; write; truncate; fallocate")
def _write(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    scene.settle()
    for whose, file in files.items():
        scene.tries(f"truncate {whose}", os.truncate, file, 3)
        scene.tries(f"open {whose} for appending", steps.write, file, b"more", os.O_APPEND)
        scene.tries(f"write {whose}", steps.write, file, b"new", 0)
        scene.tries(f"fallocate {whose}", steps.allocate, file, 8192)
        scene.tries(f"open {whose} O_RDONLY|O_TRUNC", steps.touch_open, file, os.O_TRUNC)
        scene.tries(f"open {whose} O_TRUNC", steps.touch_open, file, os.O_WRONLY | os.O_TRUNC)


@row("write on a descriptor opened before the level was lowered to View")
def _write_after_lowering(scene: Scene) -> None:
    files = {"established": scene.established(), "own": scene.own()}
    opened = {whose: scene.ben(os.open, file, os.O_RDWR) for whose, file in files.items()}
    before = {whose: (scene.folder.disk / os.path.basename(file)).read_bytes()
              for whose, file in files.items()}  # fmt: skip
    scene.settle()
    for whose, descriptor in opened.items():
        scene.tries(f"a byte of {whose}", os.pwrite, descriptor, b"x", 1)
        scene.tries(f"a page of {whose}", os.pwrite, descriptor, b"x" * 4096, 0)
        scene.tries(f"past the end of {whose}", os.pwrite, descriptor, b"x", 1 << 20)
        scene.tries(f"ftruncate {whose}", os.ftruncate, descriptor, 0)
        scene.tries(f"fallocate {whose}", kernel.fallocate, descriptor, 0, 0, 8192)
        now = (scene.folder.disk / os.path.basename(files[whose])).read_bytes()
        scene.says(f"the store's {whose}", "same" if now == before[whose] else "changed", "same")


@row(
    "shared writable mmap (ENODEV while another session has the file open for writing;"
    " EACCES on a read-only descriptor)"
)
def _map(scene: Scene) -> None:
    file, busy = scene.established("free", b"x" * 4096), scene.established("busy", b"x" * 4096)
    scene.settle()
    if scene.wanted.at_open:
        scene.tries("open", steps.touch_open, file, os.O_RDWR)
        return
    for whose, path in (("established", file), ("own", scene.own("own", b"x" * 4096))):
        scene.tries(f"map {whose}", steps.map_path, path, os.O_RDWR, writable=True)
    read_only = scene.ben(os.open, file, os.O_RDONLY)
    answer = scene.outcome(steps.map_file, read_only, 4096, writable=True)
    scene.says("map a read-only descriptor", answer, "EACCES")
    ana = scene.stage.session("ana")
    scene.stage.give(ana, scene.folder, "edit_delete")
    ana(os.open, ana.path("tests/busy"), os.O_RDWR)
    answer = scene.outcome(steps.map_path, busy, os.O_RDWR, writable=True)
    scene.says("map while ana has it open for writing", answer, "ENODEV")


@row("store through a shared mapping made before the level was lowered (must not reach the store)")
def _store_after_lowering(scene: Scene) -> None:
    for whose in ("established", "own"):
        make = scene.established if whose == "established" else scene.own
        file = make(f"{whose}.bin", b"before".ljust(8192))
        program = scene.ben.program()
        mapping = program(steps.map_path, file, os.O_RDWR, writable=True)
        program(steps.poke, mapping, b"lawful")
        scene.settle()
        scene.outcome_of(program, steps.poke, mapping, b"UNLAWFUL", 4096)
        scene.outcome_of(program, steps.poke, mapping, b"UNLAWFUL")
        scene.outcome_of(program, steps.sync, mapping)
        program.close()
        now = (scene.folder.disk / f"{whose}.bin").read_bytes()
        scene.says(f"a store to {whose}", "effect" if b"UNLAWFUL" in now else "no_effect")
        scene.says(f"what was lawful in {whose}", now[:6].decode(), "lawful")
        scene.stage.give(scene.ben, scene.folder, "edit")


# --- making -------------------------------------------------------------------------------------


@row("create a file; mkdir; symlink")
def _create(scene: Scene) -> None:
    scene.settle()
    scene.tries("create", steps.make, scene.at("new"))
    scene.tries("mkdir", os.mkdir, scene.at("directory"))
    scene.tries("symlink", os.symlink, "anywhere", scene.at("link"))
    scene.tries("mknod of a plain file", os.mknod, scene.at("plain"), stat.S_IFREG | 0o644)


@row("O_TMPFILE")
def _tmpfile(scene: Scene) -> None:
    scene.settle()
    scene.tries("O_TMPFILE", os.open, scene.at(""), kernel.O_TMPFILE | os.O_RDWR)


@row("create; remove or rename in the mount's virtual root")
def _virtual_root(scene: Scene) -> None:
    own = scene.own()
    scene.settle()
    top = scene.ben.path
    scene.tries("create", steps.make, top("new"))
    scene.tries("mkdir", os.mkdir, top("new"))
    scene.tries("symlink", os.symlink, "anywhere", top("new"))
    answer = scene.outcome(os.rename, own, top("new"))
    scene.says("rename into it", "refused" if answer in ("EROFS", "EXDEV") else answer, "refused")
    scene.says("its names", ",".join(scene.ben(os.listdir, scene.ben.top)), "tests")


@row("mknod of a device or fifo")
def _mknod(scene: Scene) -> None:
    scene.settle()
    scene.tries("fifo", os.mkfifo, scene.at("fifo"))
    scene.tries("device", os.mknod, scene.at("device"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    scene.tries("socket", os.mknod, scene.at("socket"), stat.S_IFSOCK | 0o666)
    scene.says("what is there", ",".join(sorted(scene.folder.names())), "")


# --- renaming -----------------------------------------------------------------------------------


@row("rename own to a new name in the same or another directory")
def _rename_own(scene: Scene) -> None:
    scene.directory("sub")
    here, there, tree = scene.own("here"), scene.own("there"), scene.own_directory("tree")
    scene.own("tree/inside")
    scene.settle()
    scene.tries("in the same", os.rename, here, scene.at("new"))
    scene.tries("to another", os.rename, there, scene.at("sub/new"))
    scene.tries("a directory with own names", os.rename, tree, scene.at("sub/tree"))


@row(
    "rename own over established in the same directory"
    " (becomes established; keeps the old owner and mode)"
)
def _rename_over_established(scene: Scene) -> None:
    target, own = scene.established("target", mode=0o640), scene.own("own", b"of ben")
    before = scene.ben(steps.identify, target)
    scene.settle()
    if scene.tries("rename", os.rename, own, target) != "ok":
        return
    after = scene.ben(steps.identify, target)
    scene.says("mode, uid and gid", str(after[:3]), str(before[:3]))
    scene.says("mode in the store", oct((scene.folder.disk / "target").stat().st_mode), "0o100640")
    content = scene.ben(steps.read, target).decode()
    scene.says("content", content, "of ben")
    if scene.level == "edit":
        scene.says("unlink it then", scene.outcome(os.unlink, target), "EPERM")
        scene.says("rename it then", scene.outcome(os.rename, target, own), "EPERM")


@row("rename own over established in another directory")
def _rename_over_established_elsewhere(scene: Scene) -> None:
    target, own = scene.established("sub/target"), scene.own("own")
    scene.settle()
    scene.tries("rename", os.rename, own, target)


@row("rename own over own in any directory")
def _rename_over_own(scene: Scene) -> None:
    scene.directory("sub")
    first, second, third = scene.own("first"), scene.own("second"), scene.own("sub/third")
    scene.settle()
    scene.tries("in the same", os.rename, first, second)
    scene.tries("in another", os.rename, second if scene.level != "view" else first, third)


@row("rename own directory that holds names of others")
def _rename_shared_directory(scene: Scene) -> None:
    scene.directory("sub")
    flat, deep = scene.own_directory("flat"), scene.own_directory("deep")
    scene.own_directory("deep/below")
    scene.established("flat/of ana")
    scene.established("deep/below/of ana")
    scene.settle()
    scene.tries("in the same", os.rename, flat, scene.at("new"))
    scene.tries("to another", os.rename, deep, scene.at("sub/new"))


@row("rename established")
def _rename_established(scene: Scene) -> None:
    scene.directory("sub")
    files = [scene.established() for _ in range(2)]
    directory = scene.directory("directory")
    scene.settle()
    scene.tries("in the same", os.rename, files[0], scene.at("new"))
    scene.tries("to another", os.rename, files[1], scene.at("sub/new"))
    scene.tries("a directory", os.rename, directory, scene.at("moved"))


@row("rename with RENAME_EXCHANGE")
def _exchange(scene: Scene) -> None:
    own, other, established = scene.own(), scene.own(), scene.established()
    scene.settle()
    scene.tries("own, own", kernel.renameat2, own, other, kernel.RENAME_EXCHANGE)
    scene.tries("own, established", kernel.renameat2, own, established, kernel.RENAME_EXCHANGE)


@row("rename or link from one shared folder to another; or out of the mount")
def _across(scene: Scene) -> None:
    second = scene.stage.folder()
    scene.stage.give(scene.ben, second, scene.level, name="second")
    own, outside = scene.own(), f"{scene.ben.home}/outside"
    scene.ben(steps.write, f"{scene.ben.home}/inside", b"from outside")
    scene.settle()
    for call in (os.rename, os.link):
        scene.tries(f"{call.__name__} to another folder", call, own, scene.ben.path("second/new"))
        scene.tries(f"{call.__name__} out of the mount", call, own, outside)
        scene.tries(f"{call.__name__} into the mount", call, f"{scene.ben.home}/inside",
                    scene.at("new"))  # fmt: skip
