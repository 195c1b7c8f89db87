"""A folder in two sessions, and beside it the same on the file system: every call is made on both.

What the guard promises (`docs/reference/posix.md`, `docs/explanation/mounts.md`) is that both
answer the same, at each call, whichever session makes it, but for

- names that Edit protects (`owning.py`);
- a shared mapping, which is refused while another session has the file open for writing;
- what is stored through a mapping: others see it after `msync`, or when they open the file. So
  before another session reads through what it has open already, `msync` is called here; before it
  writes it is not, since what was stored must come first;
- a directory that this session has open and another has moved: while a kernel renames from one
  directory to another it can't learn that, and says ESTALE until the name has been looked up. So
  it is looked up here, and then the answer has to be right.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tests.mounts.guard.program import Died, Identity, Program, wait_until
from tests.mounts.guard.stage import SERVICE, Folder, Session, Stage
from tests.stress import acting
from tests.stress.acting import Answer
from tests.stress.calls import Call
from tests.stress.owning import Owning

EXPLORER: Final = 2
_SHOWS_BYTES: Final = {"read", "copy", "peek"}
"""What shows a file's bytes without opening it."""
_READS: Final = {
    "read", "peek", "fstat", "seek_end", "stat", "lstat", "contents", "readdir", "readlink",
    "getxattr", "statfs", "close", "unmap", "sync", "fsync",
}  # fmt: skip
"""What View allows, too."""
_SOONER: Final = {
    "EPERM", "EISDIR", "ENOTDIR", "EINVAL", "ENOTEMPTY", "EEXIST", "ENOENT", "ELOOP",
}  # fmt: skip
"""What a call that Edit refuses may answer: some mistakes the kernel finds before it asks."""
_NAMES: Final = {"unlink", "rmdir", "rename", "link", "chmod"}


class Wrong(Exception):
    """The two differ."""


@dataclass(frozen=True)
class Opened:
    """A descriptor or a mapping: of which file, and what it can be used for."""

    inode: int
    writes: bool
    direct: bool = False
    """It was opened while another session may have had it open for writing, or to append."""
    beside: bool = False
    """It was opened while another session surely had it open for writing."""


@dataclass
class World:
    """The two trees, and the programs in both."""

    stage: Stage
    folder: Folder
    sessions: tuple[Session, Session]
    beside: Path
    level: str
    opens: dict[tuple[int, str, int], Opened] = field(default_factory=dict)
    dirty: dict[int, set[int]] = field(default_factory=lambda: {0: set(), 1: set()})
    ever_written: dict[int, set[int]] = field(default_factory=lambda: {0: set(), 1: set()})
    poked: set[int] = field(default_factory=set)
    at_view: bool = False
    patience: float = 10.0
    """Seconds within which what the explorer does is seen."""

    @classmethod
    def of(cls, stage: Stage, level: str) -> World:
        """A new folder, which ben has at this level and dan at Edit+Delete."""
        folder = stage.folder()
        sessions = (stage.session("ben"), stage.session("dan"))
        beside = stage.store / f"beside-{folder.id}"
        beside.mkdir()
        os.chown(beside, SERVICE, SERVICE)
        stage.store.chmod(0o755)
        stage.give(sessions[0], folder, level)
        stage.give(sessions[1], folder, "edit_delete")
        return cls(stage, folder, sessions, beside, level)

    def __post_init__(self) -> None:
        who = Identity(SERVICE, SERVICE, "/", None)
        self.owning = Owning(self.beside)
        self.mounted = [session.program() for session in self.sessions]
        self.reference = [Program(who) for _ in self.sessions]
        self.explorer = (Program(who), Program(who))
        for number, session in enumerate(self.sessions):
            self.mounted[number](acting.begin, session.path("tests"))
            self.reference[number](acting.begin, str(self.beside))
        self.explorer[0](acting.begin, str(self.folder.disk))
        self.explorer[1](acting.begin, str(self.beside))

    def close(self) -> None:
        """Both sessions end."""
        for program in (*self.reference, *self.explorer):
            program.close()
        for session in self.sessions:
            self.stage.drop(session)

    def names(self) -> list[str]:
        """Every path that there is."""
        return sorted(str(path.relative_to(self.beside)) for path in self.beside.rglob("*"))

    # --- one call --------------------------------------------------------------------------------

    def play(self, call: Call) -> None:
        """Make the call on both.

        Raises:
            Wrong: They differ.
        """
        if call.what in ("lower", "raise", "revoke"):
            self._of_the_stage(call)
        elif call.what in ("replace", "append", "remove"):
            self._of_the_explorer(call)
        elif call.who == 0 and self.at_view and not self._only_reads(call):
            self._refused_at_view(call)
        elif self._at_edit(call) and call.what in _NAMES and self.owning.is_refused(call):
            self._refused_at_edit(call)
        else:
            self._on_both(call)

    def _at_edit(self, call: Call) -> bool:
        return call.who == 0 and self.level == "edit"

    def _only_reads(self, call: Call) -> bool:
        if call.what == "open":
            return not call.flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC)
        return call.what in _READS

    def _mounted(self, call: Call) -> Answer:
        try:
            answer: Answer = self.mounted[call.who](acting.act, call)
            if (call.what, answer[0]) == ("rename", "ESTALE"):
                for path in (call.path, call.other):
                    self.mounted[call.who](acting.act, replace(call, what="lstat", path=path))
                answer = self.mounted[call.who](acting.act, call)
        except Died as death:
            raise Wrong(f"{call}: {death}") from death
        return answer

    def _refused_at_view(self, call: Call) -> None:
        """Nothing is changed, which the next calls show."""
        if call.what in ("open", "map", "poke", "access"):
            return
        answer, told = self._mounted(call)
        if answer == "ok" and told != 0 and not self._is_nothing(call):
            raise Wrong(f"{call}: allowed at View")

    def _is_nothing(self, call: Call) -> bool:
        """The kernel renames a file to itself without asking anybody."""
        one, other = (self.owning.status(path) for path in (call.path, call.other))
        return (
            call.what == "rename"
            and one is not None
            and other is not None
            and one.st_ino == other.st_ino
        )

    def _refused_at_edit(self, call: Call) -> None:
        answer, _ = self._mounted(call)
        if answer not in _SOONER:
            raise Wrong(f"{call}: {answer} where Edit answers EPERM")

    def _on_both(self, call: Call) -> None:
        if call.what in _SHOWS_BYTES:
            self._settle_mappings(call.who)
        before = self.owning.before(call)
        wanted: Answer = self.reference[call.who](acting.act, call)
        got = self._mounted(call)
        if call.what == "map" and self._map_is_refused(call, wanted, got):
            return
        if self._as_compared(call, wanted) != self._as_compared(call, got):
            raise Wrong(f"{call}: {_short(got)} instead of {_short(wanted)}")
        if wanted[0] == "ok" or (call.what, wanted[0]) == ("contents", "EISDIR"):
            self.owning.after(call, before)
            self._keep_books(call, wanted[1])

    def _as_compared(self, call: Call, answer: Answer) -> Answer:
        """Without what stores through mappings leave open, and without what View hides."""
        if call.what not in ("stat", "lstat", "fstat") or answer[0] != "ok":
            return answer
        mode, links, size, when = answer[1]
        if self.poked:
            when = None
        if call.who == 0 and self.at_view:
            mode = mode.replace("w", "-")
        return answer[0], (mode, links, size, when)

    # --- mappings --------------------------------------------------------------------------------

    def _settle_mappings(self, who: int) -> None:
        """What another session has stored is promised to be there once it has said `msync`."""
        other = 1 - who
        if self.dirty[other]:
            self._on_both(Call(other, "sync"))

    def _map_is_refused(self, call: Call, wanted: Answer, got: Answer) -> bool:
        opened = self.opens.get((call.who, "file", call.slot))
        if opened is None or not wanted[1]:
            return False
        if got[0] == "ENODEV" and opened.direct:
            self.reference[call.who](acting.act, replace(call, what="unmap", slot=call.second))
            self.mounted[call.who](acting.act, replace(call, what="unmap", slot=call.second))
            self.opens.pop((call.who, "map", call.second), None)
            return True
        if got[0] == "ok" and opened.beside:
            raise Wrong(f"{call}: mapped a file that another session had open for writing")
        return False

    # --- who has what open -----------------------------------------------------------------------

    def _keep_books(self, call: Call, told: Any) -> None:
        key = (call.who, "file", call.slot)
        match call.what:
            case "open":
                self._book_open(call)
            case "close":
                self.opens.pop(key, None)
            case "map" if told:
                writes = call.seed % 3 > 0
                self.opens[call.who, "map", call.second] = replace(self.opens[key], writes=writes)
            case "unmap":
                self.opens.pop((call.who, "map", call.slot), None)
            case "poke" if (mapped := self.opens.get((call.who, "map", call.slot))) is not None:
                self.dirty[call.who].add(mapped.inode)
                self.poked.add(mapped.inode)
            case "sync":
                self.dirty[call.who].clear()

    def _book_open(self, call: Call) -> None:
        seen = self.owning.status(call.path, follow=True)
        assert seen is not None
        other, writes = 1 - call.who, bool(call.flags & os.O_ACCMODE)
        beside = any(
            it.inode == seen.st_ino and it.writes
            for (who, _, _), it in self.opens.items()
            if who == other
        )
        direct = bool(call.flags & os.O_APPEND) or seen.st_ino in self.ever_written[other]
        self.opens[call.who, "file", call.slot] = Opened(seen.st_ino, writes, direct, beside)
        if writes:
            self.ever_written[call.who].add(seen.st_ino)

    # --- the stage and the explorer --------------------------------------------------------------

    def _of_the_stage(self, call: Call) -> None:
        """ben's level goes down, or up again, or his access ends and comes back."""
        ben = self.sessions[0]
        if call.what == "revoke":
            self.stage.take(ben, self.folder)
            self._programs_lose_everything()
        self.at_view = call.what == "lower"
        self.stage.give(ben, self.folder, "view" if self.at_view else self.level)
        if call.what != "raise":
            self.dirty[0].clear()  # lowering writes back what was lawful

    def _programs_lose_everything(self) -> None:
        for slot in [slot for who, kind, slot in self.opens if (who, kind) == (0, "file")]:
            answer, _ = self._mounted(Call(0, "fstat", slot=slot))
            read, _ = self._mounted(Call(0, "read", slot=slot, size=1))
            if answer == "ok" or read == "ok":
                raise Wrong(f"slot {slot} works after the grant has ended")
        self.mounted[0].close()
        self.mounted[0] = self.sessions[0].program()
        self.mounted[0](acting.begin, self.sessions[0].path("tests"))
        self.reference[0](acting.begin, str(self.beside))
        self.opens = {key: it for key, it in self.opens.items() if key[0] != 0}

    def _of_the_explorer(self, call: Call) -> None:
        """A change in the store, which the sessions see soon."""
        for who in (0, 1):
            self._settle_mappings(who)
        inode = self.owning.status(call.path)
        wanted, got = (program(acting.act, call) for program in self.explorer[::-1])
        if wanted != got:
            raise Wrong(f"{call}: {got} in the store instead of {wanted}")
        gone = inode is not None and inode.st_nlink == 1 and call.what != "append"
        if wanted[0] == "ok" and inode is not None and gone:  # with its last name
            self.owning.made.pop(inode.st_ino, None)
        try:
            wait_until(lambda: self._unseen(call) is None, within=self.patience)
        except TimeoutError as late:
            before = self._unseen(call)
            time.sleep(self.patience)
            after = "nor later" if self._unseen(call) else "but later"
            raise Wrong(f"{call}: not seen in {self.patience} s, {after}: {before}") from late

    def _unseen(self, call: Call) -> str | None:
        """What a session still sees as it was."""
        looks = [Call(0, "lstat", path) for path in (call.path, *self.names())]
        looks += [Call(0, "contents", call.path), Call(0, "readdir", os.path.dirname(call.path))]
        for _, kind, slot in self.opens:
            if kind == "file":
                looks += [Call(0, "fstat", slot=slot), Call(0, "read", slot=slot, size=1 << 18)]
        for one in (replace(it, who=who) for who in (0, 1) for it in looks):
            wanted = self._as_compared(one, self.reference[one.who](acting.act, one))
            got = self._as_compared(one, self._mounted(one))
            if wanted != got:
                return f"{one}: {_short(got)} instead of {_short(wanted)}"
        return None

    # --- all of it -------------------------------------------------------------------------------

    def compare(self, *, opens: bool) -> None:
        """Both sessions and the store have what the file system beside has."""
        for who in (0, 1):
            self._on_both(Call(who, "sync"))
        wanted = _plain(acting.look(str(self.beside), opens=True), times=not self.poked)
        store = _plain(acting.look(str(self.folder.disk), opens=True), times=not self.poked)
        _same("the store", store, wanted)
        for who, session in enumerate(self.sessions):
            root = session.path("tests")
            if opens:
                found = self.mounted[who](acting.look, root, True)
                seen = wanted
            else:
                found = self.mounted[who](acting.find, root, sorted(wanted))
                seen = {path: _kind(what) for path, what in wanted.items()}
            hides = who == 0 and self.at_view
            found = _plain(found, times=not self.poked, writable=not hides)
            _same(session.person, found, _plain(seen, writable=not hides))


def _kind(what: Any) -> Any:
    return what[0] if isinstance(what[0], tuple) else what


def _plain(found: dict[str, Any], *, times: bool = True, writable: bool = True) -> dict[str, Any]:
    return {path: _plain_one(what, times, writable) for path, what in found.items()}


def _plain_one(what: Any, times: bool, writable: bool) -> Any:
    if isinstance(what[0], tuple):
        return (_plain_one(what[0], times, writable), *what[1:])
    mode, links, size, when = what
    if not writable and not mode.startswith("l"):
        mode = mode.replace("w", "-")
    return mode, links, size, when if times else None


def _same(whose: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for path in sorted(found.keys() | wanted.keys()):
        one, other = found.get(path), wanted.get(path)
        if one != other:
            raise Wrong(f"{whose}: {path} is {_short(one)} instead of {_short(other)}")


def _short(what: Any) -> str:
    text = repr(what)
    return text if len(text) < 300 else f"{text[:200]}… ({hash(text):x}, {len(text)} signs)"
