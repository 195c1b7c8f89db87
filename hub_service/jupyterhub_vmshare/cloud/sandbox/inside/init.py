"""The first process of a sandbox: prepares it, and serves SSH to whoever comes through its socket.

It runs as the machine's root on the image's own Python, from a mount that nobody there can change.
Descriptor 3 listens where the relay connects; for each connection it starts an SSH server, as
inetd would. It reaps what nobody waits for, and ends everything in order on SIGTERM.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

TOLD = Path("/run/vmshare")
KEPT = Path("/etc/vmshare")
HOST_KEY = KEPT / "ssh_host_ed25519_key"
READY = Path("/run/vmshare.ready")
SSHD_CONFIG = KEPT / "sshd_config"
HAND = Path("/usr/local/sbin")
KERNELS = Path("/usr/local/lib/vmshare_kernels")
FOLDERS = Path("/usr/local/lib/vmshare_folders.py")
SERVICES = (("/usr/sbin/cron",), ("/usr/sbin/atd",))
PATIENCE = 8.0
# What there is until the relay's own part is installed: nobody gets in.
CLOSED = f"HostKey {HOST_KEY}\nUsePAM no\nAuthenticationMethods none\nAllowUsers nobody\n"


def say(text: str) -> None:
    """Write to the console."""
    print(f"vmshare: {text}", flush=True)


def prepare() -> None:
    """Have what the keeper tells in place, and host keys of this disk's own."""
    KEPT.mkdir(mode=0o755, exist_ok=True)
    disk = (TOLD / "disk").read_text()
    known = KEPT / "disk"
    if not known.exists() or known.read_text() != disk:
        # A copy of another machine's disk: what proves that one's identity is not for this one.
        for key in [*KEPT.glob("ssh_host_*"), *Path("/etc/ssh").glob("ssh_host_*")]:
            key.unlink()
        (KEPT / "machine_authorities.pub").unlink(missing_ok=True)
        known.write_text(disk)
    for source, target, mode in (
        (TOLD / "seed.json", KEPT / "seed.json", 0o644),
        (TOLD / "sshd_config", SSHD_CONFIG, 0o644),
        (TOLD / "vmshare_machine.py", HAND / "vmshare-machine", 0o755),
        (TOLD / "vmshare_drives.py", HAND / "vmshare-drives", 0o755),
        (TOLD / "vmshare_folders.py", FOLDERS, 0o644),
    ):
        if source.exists():
            install(source, target, mode)
    for source in TOLD.glob("vmshare_kernels.*.py"):
        install(source, KERNELS / source.name.removeprefix("vmshare_kernels."), 0o644)
    if (TOLD / "vmshare_machine.py").exists():
        command = [str(HAND / "vmshare-machine"), "setup"]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL)
    if not HOST_KEY.exists():
        subprocess.run(
            ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(HOST_KEY)],
            check=False,
            stdin=subprocess.DEVNULL,
        )
    if not SSHD_CONFIG.exists():
        SSHD_CONFIG.write_text(CLOSED)
    share()
    READY.touch()


def install(source: Path, target: Path, mode: int) -> None:
    """Have a file of root's as it was told, whatever was there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.new")
    beside.unlink(missing_ok=True)
    shutil.copyfile(source, beside)
    beside.chmod(mode)
    beside.replace(target)


def share() -> None:
    """A place where work is shared, also without a drive."""
    shared = Path("/srv/shared")
    if not shared.exists():
        shared.mkdir(parents=True)
        shutil.chown(shared, "root", "users")
        shared.chmod(0o2775)


def start_services() -> None:
    """What people expect of a machine: jobs at a time, and again and again."""
    for command in SERVICES:
        if Path(command[0]).exists():
            subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def serve(connection: socket.socket) -> None:
    """An SSH server for one connection."""
    command = ["/usr/sbin/sshd", "-i", "-f", str(SSHD_CONFIG)]
    end = connection.fileno()
    subprocess.Popen(command, stdin=end, stdout=end, start_new_session=True, cwd="/")


def reap() -> int:
    """Take note of everybody who has ended; how many there were."""
    ended = 0
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            ended += 1
    return ended


def end_all() -> None:
    """Ask everybody to end, and then see to it."""
    say("stopping")
    deadline = time.monotonic() + PATIENCE
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
        # Who is stopped hears nothing until he goes on.
        os.kill(-1, signal.SIGCONT)
    while time.monotonic() < deadline and has_children():
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    os.sync()
    say("stopped")


def has_children() -> bool:
    """Whether anybody is left."""
    reap()
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def main() -> None:
    """Prepare, and serve until the end."""
    listener = socket.socket(fileno=os.dup(3))
    os.close(3)
    listener.setblocking(False)
    wake, wake_end = os.pipe()
    for end in (wake, wake_end):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ending.append(number))
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    say("starting")
    prepare()
    start_services()
    say("ready")
    while not ending:
        select.select([listener.fileno(), wake], [], [])
        with suppress(BlockingIOError):
            os.read(wake, 4096)
        reap()
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.setblocking(True)
                serve(connection)
    listener.close()
    end_all()
    sys.exit(0)


if __name__ == "__main__":
    main()
