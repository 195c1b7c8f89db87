"""Running things in a real sandbox, as whoever is on it does: by SSH through its own socket.

Who may log in is the relay's matter. Here a key of the test's opens root, which the test puts there
by the host's own means.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.sandboxes import KeeperProcess

PATIENCE = 300.0
_CONFIG = """\
HostKey /etc/vmshare/ssh_host_ed25519_key
AuthorizedKeysFile /etc/vmshare/tests_keys
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
"""
# Hands the connected socket to ssh.
PROXY = (
    "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
    "socket.send_fds(socket.socket(fileno=1), [b'!'], [s.fileno()])"
)


def ssh(
    door: Path, account: str, line: str, *, key: Path, told: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's client through a machine's socket, with a key or with its certificate beside it."""
    proxy = shlex.join([sys.executable, "-c", PROXY, str(door)])
    return subprocess.run(
        ["ssh", "-F", "none", "-i", str(key), "-oStrictHostKeyChecking=no", "-oBatchMode=yes",
         "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-oIdentitiesOnly=yes",
         f"-oProxyCommand={proxy}", "-oProxyUseFdpass=yes", f"{account}@machine", line],
        input=told,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )  # fmt: skip


@dataclass(frozen=True)
class Shell:
    """A way into one machine, as its root."""

    keeper: KeeperProcess
    machine: str
    key: Path

    @classmethod
    def of(cls, keeper: KeeperProcess, machine: str) -> Shell:
        """Open the machine to the test."""
        key = keeper.where / "key"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        shell = cls(keeper, machine, key)
        keeper.wait_until_ready(machine)  # it writes its own configuration before
        shell.put("/etc/vmshare/sshd_config", _CONFIG)
        shell.put("/etc/vmshare/tests_keys", key.with_suffix(".pub").read_text())
        return shell

    def put(self, path: str, content: str) -> None:
        """Write a file, by the host's means."""
        pid = str(self.keeper.pid(self.machine))
        subprocess.run(
            ["nsenter", "-t", pid, "-U", "-m", "-S", "0", "-G", "0", "tee", path],
            input=content.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=PATIENCE,
        )

    def run(
        self, line: str, *, fine: bool = True, told: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """A line of shell, as root; it has to end well unless the test says otherwise."""
        door = self.keeper.run / "ssh" / f"{self.machine}.sock"
        done = ssh(door, "root", line, key=self.key, told=told)
        if fine:
            assert done.returncode == 0, done.stderr.decode()
        return done

    def says(self, line: str) -> str:
        """What a line of shell prints."""
        return self.run(line).stdout.decode().strip()

    def refuses(self, line: str) -> bool:
        """Whether a line of shell fails."""
        return self.run(line, fine=False).returncode != 0

    def python(self, program: str) -> str:
        """What a Python program prints that runs there."""
        return self.run("python3 -", told=program.encode()).stdout.decode().strip()
