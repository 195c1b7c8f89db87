"""A root daemon beside the demonstration: started again whenever it dies, ended with it."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from deploy.demo.processes import end, ends_with_us, like

SECONDS: Final = 15.0
_PAUSE: Final = 0.5


class Supervised:
    """One of the service's daemons.

    Its directory is in /run: root's alone, and short enough for the path of a socket.

    Args:
        directory: The demonstration's own.
        suffix: What tells its directory in /run from another daemon's.
    """

    ends_by: ClassVar[signal.Signals]

    def __init__(self, directory: Path, suffix: str = "") -> None:
        name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
        self.run_dir = Path(f"/run/vmshare-demo-{name}{suffix}")
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def running(self, log: Path) -> Iterator[None]:
        """On leaving, it has ended, and nothing of it is left."""
        # What a demonstration left behind that was killed.
        self._clean()
        supervisor = threading.Thread(target=self._supervise, args=(log,), daemon=True)
        supervisor.start()
        try:
            yield
        finally:
            self._ending.set()
            if self._process is not None:
                end({self._process.pid}, self.ends_by, SECONDS)
            supervisor.join(SECONDS)
            self._clean()

    def _supervise(self, log: Path) -> None:
        while not self._ending.is_set():
            with log.open("ab") as out:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "jupyterhub_vmshare", *self._words()],
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    preexec_fn=ends_with_us(self.ends_by),
                )
            self._process.wait()
            self._ending.wait(_PAUSE)

    def _words(self) -> list[str]:
        """The command that it is, with ``--run``."""
        raise NotImplementedError

    def _clean_up(self) -> None:
        """End what it may have left, while its directory is there."""
        raise NotImplementedError

    def _clean(self) -> None:
        end(like(f"--run={self.run_dir}"), self.ends_by, SECONDS)
        self._clean_up()
        shutil.rmtree(self.run_dir, ignore_errors=True)
