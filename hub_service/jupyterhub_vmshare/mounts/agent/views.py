"""The directories that sessions bind, and the FUSE mounts in them.

``<run>/views`` is a file system of its own that is *shared*: what is mounted at
``views/<session>/m`` appears in every session that has bound a part of it. ``<run>/doors`` is the
same once more, as a slave, and is kept free of FUSE mounts, so that the empty ``m`` itself can be
bound there.

Everything here belongs to root, so no session can put a link in the way of a mount.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.agent import system
from jupyterhub_vmshare.mounts.messages import SESSION_ID

_KIND: Final = "fuse.share-guard"
_FUSE: Final = "/dev/fuse"
_READ_AHEAD_KIB: Final = 1024
"""As much as one request may ask of the guard; the kernel's own choice is 128, which makes a first
read take twice as long."""
_OPTIONS: Final = "rootmode=40000,user_id=0,group_id=0,allow_other,max_read=1048576"


class RunDirectoryUnsafe(Exception):
    """Somebody else could change what root mounts; the text says what to do."""


class Views:
    """All views of this node.

    Args:
        run: The agent's run directory.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._views = run / "views"
        self._doors = run / "doors"

    def prepare(self) -> None:
        """Make the directories, and mount what they lie on unless it is there already."""
        self._run.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._check_owned()
        for directory in (self._views, self._doors):
            directory.mkdir(mode=0o711, exist_ok=True)
        there = {mounted.place: mounted for mounted in system.mounts()}
        if str(self._views) not in there:
            flags = system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
            # A file system of its own, and no bind of the directory: a bind would share its mounts
            # with whatever the directory lies on.
            system.mount("vmshare", str(self._views), "tmpfs", flags, "mode=0711,size=4m")
            self._close_doors()
            there.pop(str(self._doors), None)
        system.mount("", str(self._views), "", system.MS_SHARED)
        if str(self._doors) not in there:
            system.mount(str(self._views), str(self._doors), "", system.MS_BIND)
        # Again at every start: should the last one have ended in between.
        system.mount("", str(self._doors), "", system.MS_SLAVE)
        for session in self.mounted():
            self._free_door(session)

    def _check_owned(self) -> None:
        found = os.stat(self._run, follow_symlinks=False)
        if found.st_uid != 0 or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
            raise RunDirectoryUnsafe(
                f"{self._run} must be a directory of root's that nobody else can write to"
                f" (chown root {self._run} && chmod 711 {self._run}), or choose another with --run."
            )

    def path(self, session: str) -> str:
        """The directory that the session binds; the mount is at ``m`` in it."""
        return str(self._views / session)

    def add(self, session: str, uid: int, gid: int) -> None:
        """Make a session's directories, which its own account can go through."""
        view = self.path(session)
        with suppress(FileExistsError):
            os.mkdir(view, 0o700)
        with suppress(FileExistsError):
            os.mkdir(f"{view}/m", 0o755)
        try:
            system.let_in(view, uid)
        except OSError:  # a kernel without ACLs on tmpfs: the account's group, then
            os.chown(view, 0, gid)
            os.chmod(view, 0o710)  # noqa: S103 (never for others)

    def mount(self, session: str) -> int:
        """Mount for a session; the descriptor is for the guard, which must answer soon."""
        place = f"{self.path(session)}/m"
        self.unmount(session)
        fuse = os.open(_FUSE, os.O_RDWR | os.O_CLOEXEC)
        try:
            flags = system.MS_NOSUID | system.MS_NODEV
            system.mount("share-guard", place, _KIND, flags, f"fd={fuse},{_OPTIONS}")
        except BaseException:
            os.close(fuse)
            raise
        read_ahead(place)
        self._free_door(session)
        return fuse

    def unmount(self, session: str) -> None:
        """Take a session's mount away, everywhere. Its guard must have let go of it."""
        while system.unmount(f"{self.path(session)}/m"):
            pass
        self._free_door(session)

    def _free_door(self, session: str) -> None:
        while system.unmount(str(self._doors / session / "m")):
            pass

    def remove(self, session: str) -> None:
        """Leave nothing of a session."""
        self.unmount(session)
        for directory in (f"{self.path(session)}/m", self.path(session)):
            with suppress(FileNotFoundError):
                os.rmdir(directory)

    def mounted(self) -> set[str]:
        """The sessions that have a mount."""
        pattern = re.compile(re.escape(str(self._views)) + f"/({SESSION_ID})/m")
        found = (pattern.fullmatch(mounted.place) for mounted in system.mounts())
        return {match[1] for match in found if match}

    def there(self) -> set[str]:
        """The sessions that have a directory."""
        return {name for name in os.listdir(self._views) if re.fullmatch(SESSION_ID, name)}

    def device(self) -> str:
        """The device of the file system that all views lie on, as a mountinfo writes it."""
        number = os.stat(self._views).st_dev
        return f"{os.major(number)}:{os.minor(number)}"

    def close(self) -> None:
        """Take everything away, for good: what sessions have bound gets no mount any more."""
        for session in self.there():
            self.remove(session)
        self._close_doors()
        while system.unmount(str(self._views)):
            pass

    def _close_doors(self) -> None:
        while system.unmount(str(self._doors)):
            pass


def read_ahead(place: str, process: str = "self") -> None:
    """Have the kernel read as far ahead as one request goes, on a mount that a process sees."""
    # By mountinfo: a stat of the mount would wait for the guard. Where /sys is read-only, reading
    # is slower and as right.
    devices = [mounted.device for mounted in system.mounts(process) if mounted.place == place]
    with suppress(OSError, IndexError):
        Path(f"/sys/class/bdi/{devices[-1]}/read_ahead_kb").write_text(str(_READ_AHEAD_KIB))
