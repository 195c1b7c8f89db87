"""One process beside each machine: starts it, keeps its console, and tidies up after it.

It is started by the keeper and outlives it, so that a new keeper blinks no machine. It holds the
machine's lock as long as it lives. The machine's first process is its child, in namespaces of the
machine's own, and executes the image's Python as soon as everything is in place.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from jupyterhub_vmshare.cloud.keeper import kernel, records
from jupyterhub_vmshare.cloud.keeper.hands import IDS
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.sandbox.keeper import building, fuse
from jupyterhub_vmshare.cloud.sandbox.keeper.boot import Boot
from jupyterhub_vmshare.cloud.sandbox.keeper.confining import confine

CONSOLE_BYTES: Final = 256 << 10
_AT_A_TIME: Final = 16 << 10
_PAUSE: Final = 0.02
_PROCESSES: Final = 8192
_RESOURCES: Final = (
    (resource.RLIMIT_CORE, 0, 0),
    (resource.RLIMIT_NOFILE, 1024, 65_536),
    (resource.RLIMIT_MEMLOCK, 8 << 20, 8 << 20),
)
_INIT: Final = ("/usr/bin/python3", "-I", "-S", "-B", "/run/vmshare/init.py")
_ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "container": "vmshare",
}


def main() -> None:
    """Read what to start, say in one line of JSON what came of it, and stay until it has ended."""
    boot = Boot.parse(sys.stdin.read())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    lock = _locked(boot)
    if lock is None:
        _answer(None)
        return
    os.umask(0o022)
    mounts = fuse.open_socket()
    try:
        child, console = _start(boot, mounts)
    except Exception as error:
        boot.record.unlink(missing_ok=True)
        _answer(str(error) or type(error).__name__)
        return
    fuse.serve(mounts, child, boot.base)
    _answer(None)
    with suppress(OSError):
        _keep_console(boot.console, console)
    os.waitpid(child, 0)
    boot.socket.unlink(missing_ok=True)
    boot.record.unlink(missing_ok=True)


def _answer(because: str | None) -> None:
    # The keeper may have died: then nobody hears it, and the machine goes on all the same.
    with suppress(OSError):
        os.write(1, json.dumps({"because": because}).encode())
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _locked(boot: Boot) -> int | None:
    """The machine's lock; None when an earlier shim has it and its machine runs."""
    file = os.open(boot.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with suppress(OSError, ValueError):
                told = json.loads(boot.record.read_text())
                if told["ready"] and Process.parse(told).lives():
                    return None
            time.sleep(_PAUSE)
        else:
            return file


def _start(boot: Boot, mounts: socket.socket) -> tuple[int, int]:
    """The machine's first process, and what is read from its console. ``mounts`` is bound in it."""
    listener = _listener(boot)
    ids = _user_namespace(boot.base)
    console, console_end = os.pipe2(os.O_CLOEXEC)
    go, go_end = os.pipe2(os.O_CLOEXEC)
    trouble, trouble_end = os.pipe2(os.O_CLOEXEC)
    kernel.unshare(kernel.NEW_PID)
    child = os.fork()
    if child == 0:
        for end in (console, go_end, trouble):
            os.close(end)
        _be_machine(boot, ids, mounts, listener, console_end, go, trouble_end)
    # What is started from here on is the host's again, and nobody in the machine sees it.
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    kernel.enter(own, kernel.NEW_PID)
    os.close(own)
    for end in (ids, listener, console_end, go, trouble_end):
        os.close(end)
    try:
        _say_which(boot, child, ready=False)
        for group in boot.groups:
            Path(group).write_text(str(child))
        os.write(go_end, b"!")
        _hear(trouble)
        _say_which(boot, child, ready=True)
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(go_end)
        os.close(trouble)
    return child, console


def _hear(trouble: int) -> None:
    told = b""
    while more := os.read(trouble, 4096):
        told += more
    if told:
        raise OSError(told.decode(errors="replace"))


def _say_which(boot: Boot, child: int, *, ready: bool) -> None:
    process = Process.of(child)
    told = {"pid": process.pid, "started": process.started, "boot": process.boot, "ready": ready}
    records.write(boot.record, json.dumps(told).encode())


def _listener(boot: Boot) -> int:
    boot.socket.unlink(missing_ok=True)
    before = os.umask(0o177)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(boot.socket))
        os.umask(before)
        os.chown(boot.socket, boot.relay_uid, -1, follow_symlinks=False)
        listener.listen(128)
        return listener.detach()


def _user_namespace(base: int) -> int:
    """A user namespace in which the host's ``base`` is root."""
    ready, ready_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            # Whoever makes it is whose processes are counted: those of this machine alone.
            kernel.become(base)
            resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
            kernel.unshare(kernel.NEW_USER)
            os.write(ready_end, b"!")
            signal.pause()
        finally:
            os._exit(1)
    os.close(ready_end)
    try:
        if os.read(ready, 1) != b"!":
            raise OSError("This kernel makes no user namespaces.")
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{kind}").write_text(f"0 {base} {IDS}")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _be_machine(
    boot: Boot,
    ids: int,
    mounts: socket.socket,
    listener: int,
    console: int,
    go: int,
    trouble: int,
) -> NoReturn:
    """The machine's first process, until it executes the image's Python."""
    try:
        if os.read(go, 1) != b"!":
            os._exit(1)  # whoever started it died before anybody knew of it
        os.setsid()
        for which, least, most in _RESOURCES:
            most = min(most, resource.getrlimit(which)[1])
            resource.setrlimit(which, (min(least, most), most))
        kernel.private_mounts()
        kernel.become(boot.base)
        root = building.build(boot, ids, mounts)
        kernel.make_root(root)
        _enter(boot, ids)
        _connect(listener, console)
        confine()
        os.execve(_INIT[0], _INIT, _ENVIRONMENT)  # noqa: S606 (the image's own Python)
    except BaseException as error:
        os.write(trouble, (str(error) or type(error).__name__).encode())
    finally:
        os._exit(1)


def _enter(boot: Boot, ids: int) -> None:
    kernel.enter(ids, kernel.NEW_USER)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    kernel.unshare(kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS | kernel.NEW_CGROUP)
    kernel.set_hostname(boot.hostname)
    kernel.loopback_up()


def _connect(listener: int, console: int) -> None:
    """The listener becomes 3; in and out are nothing and the console; all else closes."""
    nothing = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    held = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 64) for file in (nothing, console, listener)]
    for number, file in zip((0, 1, 2, 3), (held[0], held[1], held[1], held[2]), strict=True):
        os.dup2(file, number)


def _keep_console(path: Path, console: int) -> None:
    """Write what the machine says, no faster than a person could ever read; the end of it stays."""
    while told := os.read(console, _AT_A_TIME):
        with path.open("ab") as file:
            file.write(told)
            length = file.tell()
        if length > CONSOLE_BYTES:
            path.replace(path.with_suffix(".old"))
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
