"""File systems of programs (FUSE) in a machine, which nobody in it may mount by themselves.

Elsewhere ``fusermount3`` does this, as root. In a sandbox root may mount nothing either, so the
shim does it for whoever asks at a socket of the machine's, with the rules of ``fusermount3``: onto
a directory of one's own, for nobody else's eyes (no ``allow_other``), ``nosuid``, ``nodev``.
Each request is obeyed in a short process of its own, which dies if the machine makes it wait.

A request is a line of JSON, ``{"do": "mount" | "unmount", "path": …}``, its answer one as well:
``{"because": null}``, with a descriptor of ``/dev/fuse`` for a mount, or why not, in a sentence.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
from typing import Any, Final

from jupyterhub_vmshare.cloud.keeper import kernel
from jupyterhub_vmshare.cloud.keeper.processes import Process

NAME: Final = "mounts.sock"
"""In the machine's ``/run/vmshare``, where nobody on it can put another one."""
MOST: Final = 64
"""Mounts of this kind in one machine."""
_AT_A_TIME: Final = 4
_WITHIN: Final = 5.0
_LONGEST: Final = 8192


class Refused(Exception):
    """A request that is not obeyed; the sentence is for who asked."""


def open_socket() -> socket.socket:
    """Not bound yet: its place is in the machine."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)


def bind(listener: socket.socket, directory: int) -> None:
    """Have it in a directory, for everybody there."""
    listener.bind(f"/proc/self/fd/{directory}/{NAME}")
    os.chmod(NAME, 0o666, dir_fd=directory)  # noqa: S103 (whose it is, the kernel says)
    listener.listen(16)


def serve(listener: socket.socket, machine: int, base: int) -> None:
    """Answer who asks, in threads that end with this process.

    Args:
        listener: Bound in the machine.
        machine: Its first process.
        base: The host's id that is its root.
    """
    process = Process.of(machine)
    whom = {"pid": process.pid, "started": process.started, "boot": process.boot, "base": base}

    def answer() -> None:
        while True:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                connection, _ = listener.accept()
                with connection:
                    _answer(connection, whom)

    for _ in range(_AT_A_TIME):
        threading.Thread(target=answer, name="mounts", daemon=True).start()


def _answer(connection: socket.socket, whom: dict[str, Any]) -> None:
    connection.settimeout(_WITHIN)
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, gid = struct.unpack("3i", told)
    subprocess.run(
        [sys.executable, "-I", "-m", __name__],
        input=json.dumps({**whom, "uid": uid, "gid": gid, "asked": _line(connection)}).encode(),
        stdout=connection.fileno(),
        stderr=subprocess.DEVNULL,
        timeout=_WITHIN,
        check=False,
    )


def _line(connection: socket.socket) -> str:
    """One line, in one go: requests are short."""
    return connection.recv(_LONGEST).decode(errors="replace")


# --- the short process ---


def _main() -> None:
    told = json.loads(sys.stdin.read())
    connection = socket.socket(fileno=os.dup(1))
    try:
        handed = _obey(told)
        socket.send_fds(connection, [b'{"because": null}\n'], handed)
    except Refused as refused:
        connection.sendall(json.dumps({"because": str(refused)}).encode() + b"\n")
    except OSError as error:
        because = f"The machine's host could not mount it: {error.strerror}."
        connection.sendall(json.dumps({"because": because}).encode() + b"\n")


def _obey(told: dict[str, Any]) -> list[int]:
    process = Process(told["pid"], told["started"], told["boot"])
    held = process.hold()
    if held is None:
        raise Refused("The machine has ended.")
    try:
        asked = json.loads(told["asked"])
        do, path = str(asked["do"]), str(asked["path"])
    except (ValueError, KeyError, TypeError):
        raise Refused("This is no request.") from None
    uid, gid = told["uid"] - told["base"], told["gid"] - told["base"]
    if uid <= 0 or gid < 0:
        raise Refused("Only accounts of people have folders mounted.")
    proc = os.open(f"/proc/{process.pid}", os.O_PATH | os.O_DIRECTORY)
    mounts, ids = (os.open(f"ns/{kind}", os.O_RDONLY, dir_fd=proc) for kind in ("mnt", "user"))
    devices = os.open("/dev", os.O_PATH | os.O_DIRECTORY)
    theirs = _theirs(os.open("mountinfo", os.O_RDONLY, dir_fd=proc))
    # What lies in the machine's mounts is the machine's: nothing more of Python is loaded there.
    sys.meta_path.clear()
    sys.path.clear()
    kernel.enter(mounts, kernel.NEW_NS)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    if do == "unmount":
        _unmount(root, path, uid, theirs)
        return []
    if do != "mount":
        raise Refused("This is no request.")
    if len(theirs) >= MOST:
        raise Refused(f"This machine has {MOST} mounts of programs already.")
    target = _target(root, path, told["uid"])
    device, mount = _made(ids, devices, uid, gid)
    kernel.put(mount, target)
    return [device]


def _target(root: int, path: str, uid: int) -> int:
    """The directory, on the machine's own disk; nothing on the way is a link."""
    place = _opened(root, path, os.O_PATH | os.O_DIRECTORY)
    found = os.fstat(place)
    if found.st_uid != uid or not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{path} is not a directory of yours.")
    if found.st_dev != os.fstat(root).st_dev:
        raise Refused(f"{path} is not on the machine's own disk.")
    return place


def _opened(root: int, path: str, flags: int) -> int:
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise Refused("The place has to be an absolute path.")
    try:
        return kernel.within(root, path.lstrip("/") or ".", flags)
    except OSError as error:
        raise Refused(f"{path} can't be used: {os.strerror(error.errno or 0)}.") from None


def _made(ids: int, devices: int, uid: int, gid: int) -> tuple[int, int]:
    """The device, and the mount that is not yet in place: both of the machine's own users.

    A file system is of the user namespace in which it was made, and needs mounts of that namespace
    while it is; those of the machine are the host's.
    """
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            kernel.enter(ids, kernel.NEW_USER)
            kernel.unshare(kernel.NEW_NS)
            device = os.open("fuse", os.O_RDWR | os.O_CLOEXEC, dir_fd=devices)
            options = {"source": "vmshare", "subtype": "sshfs", "fd": str(device)}
            options |= {"rootmode": "40000", "user_id": str(uid), "group_id": str(gid)}
            mount = kernel.filesystem("fuse", options, flags=kernel.NO_SUID | kernel.NO_DEV)
            socket.send_fds(there, [b"!"], [device, mount])
        except OSError as error:
            there.sendall(str(error.errno).encode())
        finally:
            os._exit(0)
    there.close()
    told, found, _, _ = socket.recv_fds(here, 16, 2)
    os.waitpid(child, 0)
    if len(found) != 2:
        raise OSError(int(told or b"5"), os.strerror(int(told or b"5")))
    return found[0], found[1]


def _theirs(lines: int) -> list[tuple[str, str]]:
    """All mounts of programs in the machine: where, and with which options."""
    found = []
    with os.fdopen(lines, "rb") as file:
        for line in file.read().split(b"\n"):
            before, _, after = line.partition(b" - ")
            if after.startswith(b"fuse"):
                place = before.split()[4].decode("unicode_escape").encode("latin-1")
                options = after.split()[-1].decode(errors="replace")
                found.append((os.fsdecode(place), options))
    return found


def _unmount(root: int, path: str, uid: int, theirs: list[tuple[str, str]]) -> None:
    """Take off what this account has mounted there, whoever is in it."""
    if not any(at == path and f"user_id={uid}" in has.split(",") for at, has in theirs):
        raise Refused(f"Nothing of yours is mounted at {path}.")
    parent, _, name = path.rpartition("/")
    os.fchdir(_opened(root, parent or "/", os.O_RDONLY | os.O_DIRECTORY))
    kernel.unmount(name, lazily=True)


if __name__ == "__main__":
    try:
        _main()
    finally:
        os._exit(0)
