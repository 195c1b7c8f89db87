"""A program of a session: a process of its own, as a person's uid, in a namespace of its own.

It is forked from the tests, so it can do whatever a function of theirs does, and keeps what it has
open between two calls. Every call has a deadline: a mount that hangs makes a test fail.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, ParamSpec, TypeVar

from tests.mounts.guard import kernel
from tests.mounts.guard.steps import close_all_but

DEADLINE = 20.0
P = ParamSpec("P")
T = TypeVar("T")


class Died(Exception):
    """The program ended before it answered; `signal` says of what."""

    def __init__(self, status: int) -> None:
        self.signal = signal.Signals(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None
        super().__init__(f"the program died of {self.signal or status}")


class Stuck(Exception):
    """The program had not answered at its deadline, and was killed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a program runs as, and where it begins."""

    uid: int
    gid: int
    home: str
    namespace: int | None
    """A descriptor of the mount namespace that it joins; None: the one of the tests."""
    hold_root: bool = False
    """Keep root: what prepares a namespace needs it."""

    def become(self) -> None:
        """Take this identity, for good."""
        if self.namespace is not None:
            kernel.setns(self.namespace, kernel.CLONE_NEWNS)
        os.chdir(self.home)
        if self.hold_root:
            return
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        kernel.no_new_privileges()
        os.environ.update(HOME=self.home, USER="somebody", TMPDIR="/tmp")


class Program:
    """One process that does what it is told, one call after the other."""

    def __init__(self, identity: Identity, *, deadline: float = DEADLINE) -> None:
        self.deadline = deadline
        self.identity = identity
        self._ours, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live(identity, theirs)
        theirs.close()
        self._status: int | None = None
        self._receive(DEADLINE)

    def __call__(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `do` returns or raises there. It must be a function that pickle can name."""
        self.begin(do, *args, **kwargs)
        answer: T = self.end()
        return answer

    def begin(self, do: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Start a call, and let it run beside the test."""
        try:
            self._ours.send((do, args, kwargs))
        except (BrokenPipeError, ConnectionResetError):
            raise Died(self._reap()) from None

    def end(self, deadline: float | None = None) -> Any:
        """The answer of the call that `begin` started."""
        value, error = self._receive(deadline or self.deadline)
        if error is not None:
            raise error
        return value

    def has_ended(self, within: float = 0.0) -> bool:
        """Whether the call that `begin` started has an answer."""
        return self._ours.poll(within)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status is None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal. Dead already is fine."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        """End it, whatever it does."""
        self.kill()
        with contextlib.suppress(TimeoutError):
            self._reap()
        self._ours.close()

    def _receive(self, deadline: float) -> Any:
        if not self._ours.poll(deadline):
            where = _wait_channel(self.pid)
            self.kill()
            raise Stuck(f"no answer after {deadline} s; it was in {where}")
        try:
            return self._ours.recv()
        except (EOFError, ConnectionResetError):
            raise Died(self._reap()) from None

    def _reap(self) -> int:
        until = time.monotonic() + DEADLINE
        while self.alive:
            if time.monotonic() > until:
                raise TimeoutError(f"process {self.pid} can't be ended: {_wait_channel(self.pid)}")
            time.sleep(0.005)
        assert self._status is not None
        return self._status


def _wait_channel(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stack") as stack:
            return stack.read().strip().replace("\n", ", ") or "user space"
    except OSError as problem:
        return str(problem)


def _live(identity: Identity, line: Connection) -> NoReturn:
    """The life of the forked process: take orders until the line is closed."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.disable()
        own = line.fileno()
        keep = {own, 0, 1, 2} | ({identity.namespace} if identity.namespace is not None else set())
        close_all_but(keep)
        identity.become()
        if identity.namespace is not None:
            os.close(identity.namespace)
        # Last: the kernel forgets it when a process changes its uid.
        kernel.die_with_parent()
        line.send((None, None))
        _serve(line)
        code = 0
    finally:
        os._exit(code)


def _serve(line: Connection) -> None:
    while True:
        try:
            do, args, kwargs = line.recv()
        except EOFError:
            return
        try:
            answer: tuple[Any, BaseException | None] = (do(*args, **kwargs), None)
        except BaseException as error:
            answer = (None, _plain(error))
        line.send(answer)


def _plain(error: BaseException) -> BaseException:
    """The error as something that surely travels."""
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(error.errno, os.strerror(error.errno), error.filename)
    more = getattr(error, "sqlite_errorname", "")
    return RuntimeError(f"{type(error).__name__}: {error} {more}".strip())


def outcome(do: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """`ok`, the errno's name, or the signal of which the program died."""
    try:
        do(*args, **kwargs)
    except OSError as problem:
        if problem.errno == errno.EOPNOTSUPP:  # has two names
            return "EOPNOTSUPP"
        return errno.errorcode.get(problem.errno or 0, str(problem))
    except Died as death:
        return death.signal.name if death.signal else str(death)
    return "ok"


def wait_until(holds: Callable[[], Any], within: float = 10.0, every: float = 0.02) -> None:
    """Return when `holds` is true; raises TimeoutError after `within` seconds."""
    until = time.monotonic() + within
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError(f"not so after {within} s")
        time.sleep(every)
