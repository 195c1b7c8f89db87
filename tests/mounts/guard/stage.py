"""A store, a guard on it, and people's sessions: the tests play the agent.

Everything that is mounted is mounted in namespaces of the sessions' own, so nothing stays behind
when the tests end, however they do.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.mounts.agent.views import read_ahead
from tests.fixtures.guard_binary import guard_binary
from tests.mounts.guard import kernel, steps
from tests.mounts.guard.control import Control, Words
from tests.mounts.guard.program import Identity, Program

ROOT: Final = Path(__file__).parents[3]
SERVICE: Final = 2900
"""The service's uid and gid: whose the files in the store are."""
PEOPLE: Final = {"ana": 2001, "ben": 2002, "dan": 2003}
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Folder:
    """A folder's tree in the store."""

    id: str
    disk: Path
    owner: str = "ana"

    def put(self, path: str, content: bytes = b"", mode: int = 0o644) -> Path:
        """A file that the owner made through the explorer."""
        target = self.disk / path
        self.make(str(Path(path).parent))
        target.write_bytes(content)
        target.chmod(mode)
        os.chown(target, SERVICE, SERVICE)
        return target

    def make(self, path: str) -> Path:
        """A directory that the owner made."""
        target = self.disk / path
        if not target.exists():
            self.make(str(Path(path).parent))
            target.mkdir()
            os.chown(target, SERVICE, SERVICE)
        return target

    def names(self) -> set[str]:
        """Every name in the tree."""
        return {str(path.relative_to(self.disk)) for path in self.disk.rglob("*")}


@dataclass(eq=False)
class Session:
    """One notebook session: a namespace with one mount, and programs in it."""

    id: str
    person: str
    uid: int
    home: Path
    stage: Stage
    holder: Program
    namespace: int
    programs: list[Program] = field(default_factory=list)
    _shell: Program | None = None

    @property
    def top(self) -> str:
        """The mount's virtual root, as the session sees it."""
        return f"{self.home}/shared"

    def path(self, *parts: str) -> str:
        """A path below the mount."""
        return "/".join((self.top, *parts))

    def program(self, *, root: bool = False, uid: int | None = None) -> Program:
        """A new process of this session."""
        who = uid or self.uid
        identity = Identity(who, who, str(self.home), self.namespace, hold_root=root)
        self.programs.append(Program(identity))
        return self.programs[-1]

    @property
    def shell(self) -> Program:
        """The session's first program; a new one when that has died."""
        if self._shell is None or not self._shell.alive:
            self._shell = self.program()
        return self._shell

    def __call__(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self.shell(do, *args, **kwargs)

    def close(self) -> None:
        """End its programs, and let go of its namespace."""
        for program in (*self.programs, self.holder):
            program.close()
        with contextlib.suppress(OSError):
            os.close(self.namespace)


class Stage:
    """One guard and all around it."""

    def __init__(self, *, fresh_seconds: int = 600, store: Path | None = None) -> None:
        # Short: the path of a unix socket ends at 107 bytes.
        self.where = Path(tempfile.mkdtemp(prefix="vmg-", dir="/tmp"))
        self.where.chmod(0o755)
        (self.where / "run").mkdir(0o700)
        (self.where / "state").mkdir(0o700)
        os.chown(self.where / "state", SERVICE, SERVICE)
        above = store or Path(os.environ.get("VMSHARE_TEST_STORE", ROOT / "build/test-stores"))
        above.mkdir(parents=True, exist_ok=True)
        self.store = Path(tempfile.mkdtemp(prefix="store-", dir=above))
        os.chown(self.store, SERVICE, SERVICE)
        self.fresh_seconds = fresh_seconds
        self.sessions: dict[str, Session] = {}
        self.folders: dict[str, Folder] = {}
        self.grants: defaultdict[tuple[str, str], str] = defaultdict(lambda: new_id("gnt"))
        """The grant that decides, by person and folder."""
        self._given: dict[tuple[str, str], dict[str, object]] = {}
        self._numbers = count(1)
        self.start()

    # --- the guard ---------------------------------------------------------------------------

    def start(self) -> None:
        """Start a guard, and say hello."""
        path = self.where / "run/control"
        command = [
            str(guard_binary()),
            *("--control", str(path)),
            *("--state", str(self.where / "state")),
            *("--uid", str(SERVICE), "--gid", str(SERVICE)),
            *("--fresh-seconds", f"{self.fresh_seconds}"),
            *shlex.split(os.environ.get("VMSHARE_GUARD_ARGS", "")),
        ]
        with (self.where / "guard.log").open("ab") as log:
            self.guard = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=True
            )
        self._warden = _warden(self.guard.pid)
        self.control = Control(self._connect(path))
        self.control.order("hello", version=1)

    def _connect(self, path: Path) -> socket.socket:
        until = time.monotonic() + 20
        while True:
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                connected.connect(str(path))
                return connected
            except OSError as problem:
                connected.close()
                if self.guard.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The guard does not run: {self.log()}") from problem
            time.sleep(0.02)

    def log(self) -> str:
        """What the guard wrote to its log."""
        return (self.where / "guard.log").read_text(errors="replace")

    def descriptor_limit(self) -> int:
        """How many descriptors the guard may have open."""
        limits = Path(f"/proc/{self.guard.pid}/limits").read_text()
        (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
        return int(line.split()[3])

    def kill_guard(self) -> None:
        """The guard dies, at once."""
        self.guard.send_signal(signal.SIGKILL)
        self.guard.wait(20)
        self.control.close()
        os.close(self._warden)

    def restart(self) -> None:
        """What the agent does after the guard's death: another one, and every mount again."""
        (self.where / "run/control").unlink(missing_ok=True)
        self.start()
        for session in self.sessions.values():
            session.holder(steps.unmount_fuse, session.top)
            self._serve(session)
        for (session_id, folder_id), words in self._given.items():
            self._order_folder(session_id, folder_id, words, with_tree=True)

    # --- people and folders ------------------------------------------------------------------

    def folder(self, owner: str = "ana") -> Folder:
        """A new folder, empty."""
        disk = self.store / f"folder{next(self._numbers)}" / "files"
        disk.mkdir(parents=True)
        for path in (disk.parent, disk):
            os.chown(path, SERVICE, SERVICE)
        found = Folder(new_id("fld"), disk, owner)
        self.folders[found.id] = found
        return found

    def session(self, person: str, uid: int | None = None) -> Session:
        """A new session of a person, whose virtual root is empty."""
        number, who = next(self._numbers), uid or PEOPLE[person]
        home = self.where / f"home{number}"
        (home / "shared").mkdir(parents=True)
        os.chown(home, who, who)
        holder = Program(Identity(who, who, str(home), None, hold_root=True))
        holder(steps.own_namespace, str(self.store), str(self.where / "run"))
        namespace = os.open(f"/proc/{holder.pid}/ns/mnt", os.O_RDONLY)
        made = Session(new_id("ses"), person, who, home, self, holder, namespace)
        self.sessions[made.id] = made
        self._serve(made)
        return made

    def _serve(self, session: Session) -> None:
        theirs = session.holder(steps.mount_fuse, session.top)
        read_ahead(session.top, str(session.holder.pid))
        ours = kernel.descriptor_of(session.holder.pid, theirs)
        session.holder(os.close, theirs)
        words = {"session": session.id, "uid": session.uid, "gid": session.uid}
        try:
            self.control.order("session", descriptors=[ours], **words, person=session.person)
        finally:
            os.close(ours)

    def give(
        self,
        session: Session,
        folder: Folder,
        level: str,
        name: str = "tests",
        *,
        account: int | None = None,
        **words: Any,
    ) -> Words:
        """The order `folder`: first, or again to change something. Its answer."""
        known = (session.id, folder.id) in self._given
        grant = self.grants[session.person, folder.id]
        if session.person == folder.owner:
            grant = "owner"
        told: dict[str, object] = {
            "name": name,
            "level": level,
            "grant": grant,
            "owner": folder.owner,
        }
        told |= {"until": "-", "limit": "-", "used": "-"} | words
        self._given[session.id, folder.id] = told
        accounts = []
        if account is not None:
            told, accounts = {**told, "limit": "account"}, [account]
        return self._order_folder(session.id, folder.id, told, accounts, with_tree=not known)

    def _order_folder(
        self,
        session: str,
        folder: str,
        told: dict[str, object],
        accounts: Sequence[int] = (),
        *,
        with_tree: bool,
    ) -> Words:
        disk = self.folders[folder].disk
        trees = [os.open(disk, os.O_PATH | os.O_DIRECTORY)] if with_tree else []
        try:
            descriptors = [*trees, *accounts]
            return self.control.order(
                "folder", descriptors=descriptors, session=session, folder=folder, **told
            )
        finally:
            for tree in trees:
                os.close(tree)

    def take(self, session: Session, folder: Folder, why: str = "revoked") -> Words:
        """The order `remove`. Its answer."""
        self._given.pop((session.id, folder.id), None)
        return self.control.order("remove", session=session.id, folder=folder.id, why=why)

    def drop(self, session: Session) -> None:
        """The session has ended."""
        self.control.order("drop", session=session.id)
        session.close()
        del self.sessions[session.id]
        self._given = {key: told for key, told in self._given.items() if key[0] != session.id}

    # --- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Leave no process, no mount and no file, whatever state all this is in."""
        if self.guard.poll() is None:
            self.kill_guard()
        for session in self.sessions.values():
            session.close()
        for path in (self.where, self.store):
            shutil.rmtree(path, ignore_errors=True)


def _warden(pid: int) -> int:
    """A process that ends the guard once the returned descriptor is closed, as when tests die."""
    theirs, ours = os.pipe()
    if os.fork() == 0:
        _watch(pid, theirs)
    os.close(theirs)
    return ours


def _watch(pid: int, until_closed: int) -> None:
    try:
        if os.fork() != 0:  # its child belongs to nobody, so nobody has to wait for it
            os._exit(0)
        os.setsid()
        steps.close_all_but({until_closed})
        guard = os.pidfd_open(pid)
        os.read(until_closed, 1)
        signal.pidfd_send_signal(guard, signal.SIGKILL)
    finally:
        os._exit(0)
