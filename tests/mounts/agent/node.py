"""A node in namespaces of its own: an agent, its guard, and sessions in bubblewrap.

Whatever happens, all of it is gone with the node's first process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.ids import new_id
from tests.fixtures.guard_binary import guard_binary

STANDIN: Final = Path(__file__).with_name("standin.py")
SERVICE: Final = 2900
BEN: Final = 2002
PATIENCE: Final = 20.0
_LOOK: Final = 0.02
PROGRAMS: Final = ("bwrap", "nsenter", "unshare")
_PDEATHSIG: Final = 1
# Process 1: it takes care of orphans, and its end is everybody's end.
_FIRST: Final = (
    "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\nwhile 1: signal.pause()"
)


def await_(
    what: Callable[[], Any], within: float = PATIENCE, *, story: Callable[[], str] = str
) -> Any:
    """What a question answers once that is something; it is asked again and again.

    So many times and not until then: a machine that stood still as a whole is given its time.
    `story` tells more about what did not come.
    """
    for _ in range(int(within / _LOOK)):
        if found := what():
            return found
        time.sleep(_LOOK)
    raise AssertionError(f"nothing came of it within {within} s. {story()}")


class Node:
    """One node, and the store."""

    def __init__(self, *, real: bool = False, net: bool = False) -> None:
        self.where = Path(tempfile.mkdtemp(prefix="vma-", dir="/tmp"))
        self.where.chmod(0o755)
        self.store = self.where / "store"
        self.store.mkdir(0o700)
        self.run = self.where / "run"
        self.state = self.where / "guard-state"
        self.state.mkdir(0o700)
        os.chown(self.store, SERVICE, SERVICE)
        os.chown(self.state, SERVICE, SERVICE)
        self.guard = guard_binary()
        if not real:
            self.guard = self.where / "share-guard"
            self.guard.write_text(f"#!{sys.executable}\n{STANDIN.read_text('utf-8')}", "utf-8")
            self.guard.chmod(0o755)
        self._space = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", *(["--net"] if net else []),
             sys.executable, "-c", _FIRST],
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        children = Path(f"/proc/{self._space.pid}/task/{self._space.pid}/children")
        self.first = int(await_(children.read_text).split()[0])
        await_(lambda: Path(f"/proc/{self.first}/root/proc/1/comm").exists())
        self._let_go_of_other_nodes()
        self.agent: subprocess.Popen[bytes] | None = None
        self.sessions: list[subprocess.Popen[bytes]] = []

    def _let_go_of_other_nodes(self) -> None:
        """What other tests have mounted meanwhile was copied with everything else."""
        for place in self._fuse_mounts():
            # It may be gone by itself in between.
            subprocess.run(
                self.inside("umount", "-l", place), stderr=subprocess.DEVNULL, timeout=20
            )

    # --- processes

    def inside(self, *command: str) -> list[str]:
        """A command that runs in the node."""
        return ["nsenter", "-t", str(self.first), "-m", "-p", "-n", "--", *command]

    def start(self, *more: str, wait: bool = True, store: Path | None = None) -> None:
        """Start an agent, and wait until it listens; ``store``: what the node calls it."""
        with (self.where / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                self.inside(
                    *(sys.executable, "-m", "jupyterhub_vmshare", "agent"),
                    *(
                        f"--run={self.run}",
                        f"--store={store or self.store}",
                        f"--guard={self.guard}",
                    ),
                    *(f"--guard-state={self.state}", *more),
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            await_(lambda: self.hello() is not None)

    def log(self) -> str:
        """What agent and guard wrote."""
        return (self.where / "agent.log").read_text(errors="replace")

    def pids(self, *words: str) -> list[int]:
        """Processes in the node whose command line has all of these words; numbers in the node."""
        found = []
        proc = Path(f"/proc/{self.first}/root/proc")
        for pid in filter(str.isdigit, os.listdir(proc)):
            try:
                command = (proc / pid / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if all(any(word.encode() in part for part in command) for word in words):
                found.append(int(pid))
        return found

    def standing(self, pid: int) -> str:
        """Where each thread of a process is in the kernel."""
        found = []
        for thread in sorted(self.seen(f"/proc/{pid}/task").iterdir()):
            said = [str(pid), thread.name]
            for what in ("comm", "wchan", "syscall", "stack"):
                with contextlib.suppress(OSError):
                    said.append((thread / what).read_text().strip())
            found.append(" ".join(said))
        return "\n".join(found)

    def agent_pids(self) -> list[int]:
        return self.pids("jupyterhub_vmshare", "agent")

    def guard_pids(self) -> list[int]:
        return self.pids("--control", "guard.sock")

    def send(self, pids: Sequence[int], number: int = signal.SIGKILL) -> None:
        """Send a signal to processes of the node."""
        assert pids, self.log()
        what = [f"-{number}", *map(str, pids)]
        subprocess.run(self.inside("kill", *what), check=True, timeout=PATIENCE)

    def kill_guard(self) -> None:
        self.send(await_(self.guard_pids))

    def kill_agent(self, number: int = signal.SIGKILL) -> None:
        assert self.agent is not None
        self.send(self.agent_pids(), number)
        self.agent.wait(PATIENCE)

    # --- orders

    def connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(str(self.run / "agent.sock"))
        return connection

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """One order on a connection of its own, and its answer."""
        with self.connected() as connection:
            connection.sendall(json.dumps({"order": 1, "do": do, **words}).encode() + b"\n")
            for line in connection.makefile("rb"):
                answer = json.loads(line)
                if answer.get("order") == 1:
                    return dict(answer)
        raise AssertionError(f"no answer to {do}: {self.log()}")

    def hello(self) -> dict[str, Any] | None:
        try:
            return self.ask("hello", version=1)
        except (FileNotFoundError, ConnectionError):
            return None

    def orders(self) -> list[str]:
        """What the stand-in was told, but for hellos."""
        told = self.state / "orders"
        lines = told.read_text().splitlines() if told.exists() else []
        return [line for line in lines if not line.startswith("hello")]

    def end_dates(self) -> list[float | None]:
        """Of the folders that the agent was told of, from what it keeps for its next start."""
        held = json.loads((self.run / "state.json").read_text())["sessions"]
        return [folder["until"] for one in held for folder in one["wanted"]["folders"]]

    # --- the store, and what is mounted

    def folder(self) -> str:
        """A new folder with a file in it."""
        name = new_id("fld")
        shard, home = self.store / name[-2:], self.store / name[-2:] / name
        (home / "files").mkdir(parents=True)
        (home / "files" / "hello.txt").write_text("hello")
        for path in (shard, home, home / "files", home / "files" / "hello.txt"):
            os.chown(path, SERVICE, SERVICE)
        return name

    def seen(self, path: Path | str) -> Path:
        """A path of the node, as it can be looked at from here."""
        return Path(f"/proc/{self.first}/root{path}")

    def mountinfo(self) -> list[str]:
        """The mounts of the node itself."""
        return self.seen("/proc/1/mountinfo").read_text().splitlines()

    def _fuse_mounts(self) -> list[str]:
        return [line.split()[4] for line in self.mountinfo() if " fuse.share-guard " in line]

    def mounted(self) -> list[str]:
        """Where its agent has mounted something."""
        return [place for place in self._fuse_mounts() if place.startswith(f"{self.run}/")]

    def used(self) -> dict[str, int]:
        """What agent and guard hold of the machine."""
        (agent,), (guard,) = self.agent_pids(), self.guard_pids()
        listed = {
            "descriptors of the agent": f"/proc/{agent}/fd",
            "descriptors of the guard": f"/proc/{guard}/fd",
            "threads of the guard": f"/proc/{guard}/task",
            "views": f"{self.run}/views",
        }
        found = {what: len(os.listdir(self.seen(path))) for what, path in listed.items()}
        return {**found, "mounts": len(self.mountinfo())}

    def leaks_nothing(self, cycle: Callable[[], None], times: int = 200) -> None:
        """After so many cycles no more is held than after a few."""
        for _ in range(5):
            cycle()
        before = self.used()
        for _ in range(times):
            cycle()
        # The last connection may be closing still.
        await_(lambda: all(now <= before[what] for what, now in self.used().items()))

    def session(
        self, view: str, *, door: bool = False, uid: int | None = None
    ) -> subprocess.Popen[bytes]:
        """A session in bubblewrap that has the view at /mnt, and reads commands of a shell.

        With ``uid``, bubblewrap itself runs under that account, in a user namespace.
        """
        source = f"{self.run}/doors/{Path(view).name}/m" if door else view
        who = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        made = subprocess.Popen(
            self.inside(
                *who,
                *("bwrap", *(["--unshare-user"] if uid else [])),
                *("--dev-bind", "/", "/", "--tmpfs", str(self.run)),
                *("--bind", source, "/mnt", "--", "sh"),
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.sessions.append(made)
        say(made, "echo here")
        return made

    def close(self) -> None:
        """Leave nothing."""
        self._space.kill()
        self._space.wait(PATIENCE)
        for process in (*self.sessions, *([self.agent] if self.agent else [])):
            process.wait(PATIENCE)
        shutil.rmtree(self.where, ignore_errors=True)


def leave(session: subprocess.Popen[bytes]) -> None:
    """The session's first process ends."""
    assert session.stdin is not None
    session.stdin.close()
    session.wait(PATIENCE)


def say(session: subprocess.Popen[bytes], command: str) -> str:
    """What a command in a session prints."""
    assert session.stdin is not None and session.stdout is not None
    session.stdin.write(f"{{ {command}\n}} 2>&1; echo; echo '=end='\n".encode())
    session.stdin.flush()
    lines: list[str] = []
    while (line := session.stdout.readline().decode()) != "=end=\n":
        assert line, "the session has ended"
        lines.append(line)
    return "".join(lines).strip()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
