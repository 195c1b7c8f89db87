"""One process beside each virtual machine: starts QEMU, is its door, and keeps its console.

It is started by the keeper and outlives it, so that a new keeper blinks no machine. QEMU outlives
it in turn: where a shim died alone, the keeper starts another one, which finds QEMU running.

QEMU runs as an account that nobody else has, in a network namespace without a network. The shim
is in that namespace, too: what comes through the machine's socket goes to the port there.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from jupyterhub_vmshare.cloud.keeper import kernel, records
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.qemu.keeper.boot import CHANNELS, SSH_PORT, Boot, words

CONSOLE_BYTES: Final = 256 << 10
KEY: Final = re.compile(rb"ssh-ed25519 [A-Za-z0-9+/=]{68,80}")
_AT_A_TIME: Final = 64 << 10
_PAUSE: Final = 0.02
_PATIENCE: Final = 50.0
_ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def main() -> None:
    """Read what to start, say in one line of JSON what came of it, and stay until it has ended."""
    boot = Boot.parse(sys.stdin.read())
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    lock = _locked(boot)
    if lock is None:
        _answer(None)
        return
    os.umask(0o077)
    try:
        listener = _listener(boot.door, boot.relay_uid)
        process, child = _running(boot)
    except Exception as error:
        if _found(boot) is None:  # else it runs, and the next one is its door
            _tidy(boot)
        _answer(str(error) or type(error).__name__)
        return
    _answer(None)
    with suppress(OSError):
        asyncio.run(_keep(boot, process, listener))
    process.wait(None)
    if child is not None:
        os.waitpid(child, 0)
    _tidy(boot)


def _tidy(boot: Boot) -> None:
    for path in (boot.door, *(boot.channel(name) for name in CHANNELS), boot.record):
        path.unlink(missing_ok=True)


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
            if _found(boot) is not None:
                return None
            time.sleep(_PAUSE)
        else:
            return file


def _found(boot: Boot) -> Process | None:
    """QEMU, if it runs already."""
    with suppress(OSError, ValueError):
        told = json.loads(boot.record.read_text())
        process = Process.parse(told)
        if told["ready"] and process.lives():
            return process
    return None


def _running(boot: Boot) -> tuple[Process, int | None]:
    """QEMU, and its number where it is our child."""
    found = _found(boot)
    if found is None:
        kernel.unshare(kernel.NEW_NET)
        kernel.loopback_up()
        child = _start(boot)
        return Process.of(child), child
    network = os.open(f"/proc/{found.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    kernel.enter(network, kernel.NEW_NET)
    os.close(network)
    return found, None


def _start(boot: Boot) -> int:
    files = {
        "disk": os.open(Path(boot.place) / "disk.qcow2", os.O_RDWR | os.O_CLOEXEC),
        **{
            name: os.open(Path(boot.image) / file, os.O_RDONLY | os.O_CLOEXEC)
            for name, file in (("image", "disk.raw"), ("kernel", "vmlinuz"), ("initrd", "initrd"))
        },
        **{name: _listener(boot.channel(name), 0) for name in CHANNELS},
    }
    boot.told.unlink(missing_ok=True)
    go, go_end = os.pipe2(os.O_CLOEXEC)
    trouble, trouble_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(go_end)
        _be_qemu(boot, files, go, trouble_end)
    for end in (go, trouble_end, *files.values()):
        os.close(end)
    try:
        _say_which(boot, child, ready=False)
        os.write(go_end, b"!")
        _wait_until_it_answers(boot, child, trouble)
        _say_which(boot, child, ready=True)
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
        boot.record.unlink(missing_ok=True)
        raise
    finally:
        os.close(go_end)
        os.close(trouble)
    return child


def _be_qemu(boot: Boot, files: dict[str, int], go: int, trouble: int) -> NoReturn:
    try:
        if os.read(go, 1) != b"!":
            os._exit(1)  # whoever started it died before anybody knew of it
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.setgroups([os.stat("/dev/kvm").st_gid] if boot.kvm else [])
        os.setresgid(boot.base, boot.base, boot.base)
        os.setresuid(boot.base, boot.base, boot.base)
        nothing = os.open("/dev/null", os.O_RDWR)
        for number, file in ((0, nothing), (1, nothing), (2, trouble)):
            os.dup2(file, number)
        for file in files.values():
            os.set_inheritable(file, True)
        told = words(boot, files)
        os.execvpe(told[0], told, _ENVIRONMENT)  # noqa: S606 (a list of words, and no shell)
    except BaseException as error:
        os.write(trouble, (str(error) or type(error).__name__).encode())
    finally:
        os._exit(1)


def _wait_until_it_answers(boot: Boot, child: int, trouble: int) -> None:
    """Its monitor greets early, and obeys once all its devices and its kernel are there."""
    deadline, told = time.monotonic() + _PATIENCE, b""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as monitor:
        monitor.settimeout(0.2)
        monitor.connect(str(boot.channel("mon")))
        with suppress(ConnectionError):  # it is about to end, and says why
            monitor.sendall(b'{"execute": "qmp_capabilities"}\n')
        while time.monotonic() < deadline:
            with suppress(TimeoutError, ConnectionError):
                told += (more := monitor.recv(4096))
                if b'"return"' in told:
                    return
                if not more:
                    time.sleep(_PAUSE)  # it hung up, and is about to end
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                raise OSError(os.read(trouble, 4096).decode(errors="replace").strip()[-500:])
    raise OSError("QEMU does not answer.")


def _say_which(boot: Boot, child: int, *, ready: bool) -> None:
    process = Process.of(child)
    told = {"pid": process.pid, "started": process.started, "boot": process.boot, "ready": ready}
    records.write(boot.record, json.dumps(told).encode())


def _listener(path: Path, owner: int) -> int:
    path.unlink(missing_ok=True)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(path))
        os.chmod(path, 0o600)
        os.chown(path, owner, -1, follow_symlinks=False)
        listener.listen(128)
        return listener.detach()


async def _keep(boot: Boot, process: Process, listener: int) -> None:
    """Be its door, and hear what it says, until it has ended."""
    held = process.hold()
    if held is None:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(held, ended.set)
    door = await asyncio.start_unix_server(_lead_in, sock=socket.socket(fileno=listener))
    hearing = [
        asyncio.create_task(_keep_console(boot)),
        asyncio.create_task(_hear_key(boot)),
    ]
    await ended.wait()
    asyncio.get_running_loop().remove_reader(held)
    door.close()
    for task in hearing:
        task.cancel()
    with suppress(OSError):
        os.close(held)


async def _lead_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inside, to_inside = await asyncio.open_connection("127.0.0.1", SSH_PORT)
    except OSError:
        writer.close()
        return
    ways = [
        asyncio.create_task(_carry(reader, to_inside)),
        asyncio.create_task(_carry(inside, writer)),
    ]
    await asyncio.gather(*ways, return_exceptions=True)
    for end in (writer, to_inside):
        end.close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while told := await source.read(_AT_A_TIME):
            target.write(told)
            await target.drain()
    finally:
        with suppress(OSError):
            target.write_eof()


async def _keep_console(boot: Boot) -> None:
    """Write what it says, no faster than a person could ever read; the end of it stays."""
    reader, _ = await asyncio.open_unix_connection(boot.channel("con"))
    while told := await reader.read(_AT_A_TIME // 4):
        with boot.console.open("ab") as file:
            file.write(told)
            length = file.tell()
        if length > CONSOLE_BYTES:
            boot.console.replace(boot.console.with_suffix(".old"))
        await asyncio.sleep(_PAUSE)


async def _hear_key(boot: Boot) -> None:
    """Keep the first key that it tells. What it says later is whoever's is root there by then."""
    reader, _ = await asyncio.open_unix_connection(boot.channel("tol"), limit=4096)
    while not boot.told.exists():
        line = await reader.readline()
        if (found := KEY.match(line)) is not None and line.endswith(b"\n"):
            records.write(boot.told, found[0])
        elif not line:
            return
    while await reader.read(_AT_A_TIME):  # noqa: ASYNC110 (no faster than this)
        await asyncio.sleep(_PAUSE)


if __name__ == "__main__":
    main()
