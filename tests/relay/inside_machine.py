"""The first process of a test's machine: Debian's own sshd, a connection at a time from a socket.

With Debian's Python alone; see ``machine.py``, which starts it.
"""

import os
import signal
import socket
import subprocess
import sys


def reap(*_signal: object) -> None:
    """It is the machine's pid 1, so what was left behind is its own to bury."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def main() -> None:
    told = subprocess.run(["/usr/local/sbin/vmshare-machine", "setup"], capture_output=True)
    if told.returncode:
        sys.exit(told.stderr.decode())
    subprocess.run(["ip", "link", "set", "lo", "up"])
    for daemon in ("cron", "atd"):
        subprocess.run([daemon])
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("/run/outside/ssh.sock")
    listening.listen(100)
    signal.signal(signal.SIGCHLD, reap)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            with open("/run/outside/sshd.log", "ab") as log:
                os.dup2(log.fileno(), 2)
            os.dup2(connection.fileno(), 0)
            os.dup2(connection.fileno(), 1)
            os.set_inheritable(0, True)
            os.execv(  # noqa: S606
                "/usr/sbin/sshd", ["/usr/sbin/sshd", "-i", "-e", "-f", "/etc/vmshare/sshd_config"]
            )
        connection.close()


main()
