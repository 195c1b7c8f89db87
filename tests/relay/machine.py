"""A machine for tests: Debian's sshd and cron in namespaces of their own, over the host's files.

What it writes goes to a tmpfs that ends with it. It has the machine's part as an image would.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupyterhub_vmshare.relay.machine as machine_part

PATIENCE = 20.0
PYTHON = "/opt/python/bin/python"
"""Of these tests, there: wherever the repository lies, a machine may hide that."""
_PARTS = Path(machine_part.__file__).parent
_INSIDE = Path(__file__).with_name("inside_machine.py")
_ROOT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 machine "$1"
cd "$1"
mkdir upper work root
mount -t overlay machine -o lowerdir=/,upperdir=upper,workdir=work root
outside=$2 python=$3
cd root
mount -t proc proc proc
mount -t tmpfs -o mode=755 dev dev
for each in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  set -- $each
  mknod -m 666 dev/$1 c $2 $3
done
mkdir -p dev/pts dev/disk/by-id
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
for each in run tmp root home srv var/tmp; do
  mkdir -p $each
  mount -t tmpfs -o mode=755 $each $each
done
chmod 1777 tmp var/tmp
chmod 700 root
mkdir -p run/outside etc/vmshare usr/local/sbin opt/python
mount --bind "$outside" run/outside
mount --bind "$python" opt/python
install -m 755 run/outside/vmshare_machine.py usr/local/sbin/vmshare-machine
install -m 755 run/outside/vmshare_drives.py usr/local/sbin/vmshare-drives
install -D -m 644 -t usr/local/lib/vmshare_kernels run/outside/vmshare_kernels/*.py
install -m 644 run/outside/sshd_config run/outside/seed.json etc/vmshare/
hostname machine
# No chroot: whoever is in one may make no user namespaces, which people on machines do.
mkdir -p old
pivot_root . old
umount -l old
exec /usr/bin/env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
  /usr/bin/python3 /run/outside/inside_machine.py
"""


def why_not() -> str | None:
    """What a test machine lacks here."""
    if os.geteuid() != 0:
        return "A machine for tests needs root, for namespaces."
    missing = [each for each in ("sshd", "cron", "atd", "unshare") if not shutil.which(each)]
    return f"A machine for tests needs {', '.join(missing)}." if missing else None


@dataclass
class Machine:
    """One machine. ``authorities`` are public keys whose certificates it takes."""

    machine_id: str
    authorities: list[str]
    where: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="vm-", dir="/tmp")))
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where its SSH server is; short, since 107 bytes is the longest."""
        return self.where / "out" / "ssh.sock"

    @property
    def log(self) -> str:
        """What sshd said."""
        return (self.where / "out" / "sshd.log").read_text("utf-8", "replace")

    @property
    def host_key(self) -> str:
        """As the cloud's own channel would tell it."""
        return self.run("cat", "/etc/vmshare/ssh_host_ed25519_key.pub").strip()

    def start(self) -> None:
        """Returns when it takes connections."""
        out, root = self.where / "out", self.where / "root"
        out.mkdir()
        root.mkdir()
        for part in (*_PARTS.iterdir(), _INSIDE):
            if part.is_file():
                shutil.copy(part, out)
        shutil.copytree(_PARTS / "vmshare_kernels", out / "vmshare_kernels")
        seed = {
            "hostname": "machine",
            "machine_id": self.machine_id,
            "authorities": self.authorities,
        }
        (out / "seed.json").write_text(json.dumps(seed))
        spaces = ("--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child")
        with (out / "machine.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["unshare", *spaces, "sh", "-c", _ROOT, "sh", str(root), str(out), sys.prefix],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), self.connection():
                return
            time.sleep(0.02)
        raise RuntimeError((out / "machine.log").read_text())

    def connection(self) -> sockets.socket:
        """A connection to its SSH server, as the relay has it."""
        found = sockets.socket(sockets.AF_UNIX)
        found.connect(str(self.socket))
        return found

    @property
    def pid(self) -> int:
        """Its first process, as the host knows it."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def run(self, *command: str, given: str = "", fine: tuple[int, ...] = (0,)) -> str:
        """As root on it, from outside."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-u", "-i", "-r", "-w", *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode in fine, done.stderr + done.stdout
        return done.stdout

    def order(self, do: str, **order: Any) -> dict[str, Any]:
        """An order to its helper, without SSH."""
        line = json.dumps({"id": 1, "do": do, **order}) + "\n"
        told = self.run("/usr/local/sbin/vmshare-machine", "serve", given=line)
        answer: dict[str, Any] = json.loads(told)
        return answer

    def of(self, uid: int) -> list[str]:
        """The command lines of what runs as that uid."""
        found = []
        for line in self.run("ps", "-eo", "uid=,stat=,args=").splitlines():
            owner, state, command = line.split(maxsplit=2)
            if int(owner) == uid and not state.startswith("Z"):
                found.append(command)
        return found

    def stop(self) -> None:
        """With everything on it."""
        if self.process is not None:
            with contextlib.suppress(OSError, IndexError):
                os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.where, ignore_errors=True)
