"""What outlives the agent: the last orders, on disk, for root alone.

``<run>/state.json`` is written before an order is obeyed. An agent that dies in between finds it
there and goes on; what was taken away is never given back by one that starts later. Where it can't
be written (a full disk) it is removed and the order is obeyed all the same: the next agent then
begins with nothing, until the service has said everything anew.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from jupyterhub_vmshare.mounts.fields import BadMessage, Fields
from jupyterhub_vmshare.mounts.messages import FolderWanted, SessionWanted
from jupyterhub_vmshare.words import LEVELS, ThingKind

_log = logging.getLogger("vmshare.agent")
_VERSION: Final = 1
# So many ended sessions are remembered; no order is under way for longer than that.
_REMEMBERED: Final = 2000
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS[ThingKind.FOLDER])}
_HIGHEST: Final = LEVELS[ThingKind.FOLDER][-1]


@dataclass(slots=True)
class Held:
    """One session: what was ordered, what of it is over, and whether anybody has used it yet.

    ``direct``: the folders that it had directly at any time, each with the highest level at which
    it did. What programs have open of these outlives every order.
    """

    wanted: SessionWanted
    over: dict[str, float] = field(default_factory=dict)
    used: bool = False
    direct: dict[str, str] = field(default_factory=dict)

    def live(self, now: float) -> dict[str, FolderWanted]:
        """The folders whose end has not come. It has come, whatever the clock says, where the
        guard said so once."""
        return {
            folder.folder: folder
            for folder in self.wanted.folders
            if folder.until is None or folder.until > max(now, self.over.get(folder.folder, -1.0))
        }

    def beyond(self, now: float) -> list[str]:
        """The folders of which something that was opened directly would be more than there is."""
        live = self.live(now)
        return [
            folder for folder, level in self.direct.items() if _is_beyond(level, live.get(folder))
        ]

    def note_direct(self) -> None:
        """Write down what is ordered directly."""
        for folder in self.wanted.folders:
            highest = self.direct.get(folder.folder, folder.level)
            if folder.direct:
                self.direct[folder.folder] = max(highest, folder.level, key=_RANK.__getitem__)

    def let_go(self, folder: str, now: float) -> None:
        """Nobody has anything open of it that was opened before."""
        left = self.live(now).get(folder)
        if left is not None and left.direct:
            self.direct[folder] = left.level
        else:
            self.direct.pop(folder, None)


class Orders:
    """All sessions of this node, as they should be.

    Args:
        path: The state file.
        now: The clock, in Unix seconds.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._draft = path.with_suffix(".new")
        self._now = now
        self.held: dict[str, Held] = {}
        self.ended: dict[str, float] = {}

    def load(self) -> None:
        """Read what an earlier agent left. What can't be read is put aside: nothing is guessed."""
        try:
            fields = Fields(json.loads(self._path.read_bytes()), "the state")
            fields.whole("version", least=_VERSION, most=_VERSION)
            self.ended = {str(name): float(at) for name, at in fields.take("ended").items()}
            self.held = {held.wanted.id: held for held in map(_held, fields.items("sessions"))}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError, BadMessage) as error:
            aside = self._path.with_suffix(".unreadable")
            _log.error("%s can't be read (%s), and is put aside as %s", self._path, error, aside)
            os.replace(self._path, aside)

    def save(self) -> None:
        """Write it all; what can't be written leaves no older file behind."""
        try:
            self._write()
        except OSError as error:
            _log.error("%s can't be written: %s", self._path, error)
            for path in (self._path, self._draft):
                with suppress(OSError):
                    path.unlink()

    def _write(self) -> None:
        # At any moment either the old or the new file is there.
        remembered = sorted(self.ended.items(), key=lambda item: item[1])[-_REMEMBERED:]
        self.ended = dict(remembered)
        found: dict[str, Any] = {
            "version": _VERSION,
            "sessions": [asdict(held) for held in self.held.values()],
            "ended": self.ended,
        }
        fd = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            json.dump(found, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._draft, self._path)

    def hold(self, wanted: SessionWanted) -> Held:
        """Take an order down. What is over stays over, unless the order names a later end."""
        held = self.held.setdefault(wanted.id, Held(wanted))
        held.wanted = wanted
        held.note_direct()
        ordered = {folder.folder for folder in wanted.folders}
        held.over = {folder: at for folder, at in held.over.items() if folder in ordered}
        self.save()
        return held

    def now_over(self, session: str) -> list[str]:
        """The folders of a session whose end has come since this was asked last."""
        held = self.held[session]
        live = held.live(self._now())
        found = {
            folder.folder: folder.until
            for folder in held.wanted.folders
            if folder.until is not None
            and folder.folder not in live
            and held.over.get(folder.folder, -1.0) < folder.until
        }
        self._note_over(held, found)
        return list(found)

    def end_folder(self, session: str, folder: str, until: float) -> bool:
        """Note that the guard has ended a folder at the date that it was told. False: known.

        A later date may have been ordered meanwhile: that one has not come.
        """
        held = self.held.get(session)
        if held is None or held.over.get(folder, -1.0) >= until:
            return False
        self._note_over(held, {folder: until})
        return True

    def _note_over(self, held: Held, found: dict[str, float]) -> None:
        if found:
            held.over.update(found)
            self.save()

    def note_used(self, session: str) -> None:
        """Somebody has the session's view: from now on, nobody having it means that it is over."""
        held = self.held.get(session)
        if held is not None and not held.used:
            held.used = True
            self.save()

    def let_go(self, session: str, folders: Iterable[str]) -> None:
        """Nobody in a session has anything open of these that is more than they may have."""
        held = self.held.get(session)
        if held is None:
            return
        before = dict(held.direct)
        for folder in folders:
            held.let_go(folder, self._now())
        if held.direct != before:
            self.save()

    def end(self, session: str, *, for_good: bool) -> None:
        """Forget a session; ``for_good``: and never take an order for it again."""
        if for_good:
            self.ended[session] = self._now()
        self.held.pop(session, None)
        self.save()


def _held(raw: object) -> Held:
    fields = Fields(raw, "a session held")
    wanted = SessionWanted.parse(fields.take("wanted"))
    over = {str(folder): float(at) for folder, at in fields.take("over").items()}
    held = Held(wanted, over, fields.truth("used"))
    if fields.has("direct"):
        held.direct = {str(folder): str(level) for folder, level in fields.take("direct").items()}
    return held


def _is_beyond(level: str, left: FolderWanted | None) -> bool:
    if left is None or _RANK[level] > _RANK[left.level]:
        return True
    # Through the guard writes are counted; through what is open directly they are not.
    return not left.direct and level == _HIGHEST
