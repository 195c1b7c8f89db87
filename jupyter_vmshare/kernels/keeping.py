"""What a notebook server leaves of its kernels on machines, so that the next one finds them.

A file each, which nobody else can read, in Jupyter's runtime directory. What is in it opens no
machine: it names the kernel, and has the key of its messages, as the connection file that Jupyter
itself writes beside it has.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


class Keeper:
    """The files of one notebook server.

    Args:
        runtime: Jupyter's runtime directory.
        server: What the hub calls this server of the person.
    """

    def __init__(self, runtime: Path, server: str) -> None:
        name = hashlib.sha256(server.encode()).hexdigest()[:16]
        self.place = runtime / f"vmshare-kernels-{name}"
        self._lock: int | None = None

    def claim(self) -> bool:
        """Whether the files are this server's: two at a time would take each other's kernels."""
        try:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            _log.warning("Kernels on machines are not kept for the next server: %s", error)
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            _log.warning("Another server of the same name keeps its kernels in %s.", self.place)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Another server may have them."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def keep(self, kernel_id: str, info: dict[str, Any]) -> None:
        """From now on the next server finds it."""
        if self._lock is None:
            return
        made = self.place / f".{_name(kernel_id)}"
        with contextlib.suppress(OSError):
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w") as file:
                json.dump({**info, "kernel_id": kernel_id}, file)
            made.rename(self._file(kernel_id))

    def forget(self, kernel_id: str) -> None:
        """There is nothing to find any more."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._file(kernel_id).unlink(missing_ok=True)

    def clear(self) -> None:
        """There is nothing to find at all."""
        if self._lock is not None:
            for file in self.place.glob("*.json"):
                with contextlib.suppress(OSError):
                    file.unlink()

    def kept(self) -> list[dict[str, Any]]:
        """What the last server has left."""
        found = []
        for file in sorted(self.place.glob("*.json")):
            try:
                info = json.loads(file.read_text())
            except (OSError, ValueError):
                continue
            if isinstance(info, dict) and file == self._file(str(info.get("kernel_id"))):
                found.append(info)
        return found

    def _file(self, kernel_id: str) -> Path:
        return self.place / _name(kernel_id)


def _name(kernel_id: str) -> str:
    return f"{hashlib.sha256(kernel_id.encode()).hexdigest()[:32]}.json"
