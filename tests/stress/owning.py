"""Whose each file is, and what its person may therefore do with its name at Edit.

The contract's words (`mount_operations.csv`): *own* is what a person has made; *fresh* is what is
own and nobody else has opened. That is never too long ago here: the guard is told to wait for ever.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from tests.stress.calls import Call


@dataclass
class _Made:
    by: int
    seen: bool = False


@dataclass
class Owning:
    """What was made in the tree of the file system beside the mount."""

    root: Path
    made: dict[int, _Made] = field(default_factory=dict)

    def status(self, path: str, *, follow: bool = False) -> os.stat_result | None:
        """What is there, if anything is."""
        with contextlib.suppress(OSError):
            return (self.root / path).stat() if follow else (self.root / path).lstat()
        return None

    def is_own(self, seen: os.stat_result, who: int) -> bool:
        """Whether that person has made it."""
        made = self.made.get(seen.st_ino)
        return made is not None and made.by == who

    def is_refused(self, call: Call) -> bool:
        """Whether Edit does not allow this change of names."""
        seen = self.status(call.path)
        if seen is None:
            return False
        own = self.is_own(seen, call.who)
        match call.what:
            case "unlink" | "rmdir":
                if stat.S_ISDIR(seen.st_mode) != (call.what == "rmdir"):
                    return False
                return not own or self.made[seen.st_ino].seen
            case "chmod":
                followed = self.status(call.path, follow=True)
                return followed is not None and not self.is_own(followed, call.who)
            case "link":
                return not own and self.status(call.other) is None
            case "rename":
                return self._may_not_move(call, seen, own=own)
        return False

    def _may_not_move(self, call: Call, seen: os.stat_result, *, own: bool) -> bool:
        target = self.status(call.other)
        if target is not None and (target.st_ino == seen.st_ino or call.flags == 1):
            return False
        if call.flags == 2:
            return target is not None
        if not own or self._holds_others(self.root / call.path, call.who):
            return True
        places = (
            self.status(os.path.dirname(path), follow=True) for path in (call.path, call.other)
        )
        one, other = places
        elsewhere = one is None or other is None or one.st_ino != other.st_ino
        return target is not None and elsewhere and not self.is_own(target, call.who)

    def _holds_others(self, path: Path, who: int) -> bool:
        if path.is_symlink() or not path.is_dir():
            return False
        return any(not self.is_own(below.lstat(), who) for below in path.rglob("*"))

    def before(self, call: Call) -> dict[str, os.stat_result | None]:
        """What a call that changes names finds."""
        return {path: self.status(path) for path in (call.path, call.other)} | {
            "followed": self.status(call.path, follow=True)
        }

    def after(self, call: Call, before: dict[str, os.stat_result | None]) -> None:
        """The call was made."""
        match call.what:
            case "open" | "contents":
                self._opened(call, before["followed"])
            case "mkdir" | "symlink":
                self._was_made(self.status(call.path), call.who)
            case "readdir":
                self._opened(call, before["followed"])
            case "rename" if call.flags != 2:
                self._moved(call, before[call.path], before[call.other])
            case "unlink" | "rmdir":
                self._went(before[call.path])

    def _was_made(self, seen: os.stat_result | None, who: int) -> None:
        if seen is not None:
            self.made[seen.st_ino] = _Made(who)

    def _opened(self, call: Call, before: os.stat_result | None) -> None:
        if before is None:
            self._was_made(self.status(call.path, follow=True), call.who)
        elif before.st_ino in self.made and self.made[before.st_ino].by != call.who:
            self.made[before.st_ino].seen = True

    def _moved(
        self, call: Call, source: os.stat_result | None, target: os.stat_result | None
    ) -> None:
        if source is None or target is None or source.st_ino == target.st_ino:
            return
        if not self.is_own(target, call.who):
            # It takes the place of somebody else's: it is theirs from now on, with their mode.
            self.made.pop(source.st_ino, None)
            if stat.S_ISREG(source.st_mode) and stat.S_ISREG(target.st_mode):
                (self.root / call.other).chmod(stat.S_IMODE(target.st_mode))
        self._went(target)

    def _went(self, seen: os.stat_result | None) -> None:
        if seen is not None and (seen.st_nlink == 1 or stat.S_ISDIR(seen.st_mode)):
            self.made.pop(seen.st_ino, None)
