"""One cell of the contract: ben in ana's folder, first at Edit, then at the cell's level."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from jupyterhub_vmshare.policy.mount_operations import Outcome
from tests.mounts.guard import steps
from tests.mounts.guard.program import Program, outcome
from tests.mounts.guard.stage import Folder, Session, Stage


@dataclass(frozen=True, slots=True)
class Seen:
    """What one call answered, and what it should have."""

    call: str
    answer: str
    wanted: Outcome | str

    @property
    def wanted_text(self) -> str:
        """As the table writes it."""
        if isinstance(self.wanted, str):
            return self.wanted
        return " or ".join(self.wanted.names) or self.wanted.kind

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        if isinstance(self.wanted, str):
            return self.answer == self.wanted
        if self.wanted.kind == "errno":
            return getattr(errno, self.answer, -1) in self.wanted.numbers
        if self.wanted.kind == "signal":
            return self.answer in self.wanted.names
        return self.answer == self.wanted_text


@dataclass
class Scene:
    """ben's session at Edit, until `settle`."""

    stage: Stage
    folder: Folder
    ben: Session
    level: str
    wanted: Outcome
    seen: list[Seen] = field(default_factory=list)
    _names: Any = field(default_factory=lambda: count(1))

    @classmethod
    def of(cls, stage: Stage, level: str, wanted: Outcome) -> Scene:
        """A folder of its own for each cell."""
        folder, ben = stage.folder(), stage.session("ben")
        stage.give(ben, folder, "edit")
        return cls(stage, folder, ben, level, wanted)

    def settle(self) -> None:
        """From here on ben is at the cell's level."""
        self.stage.give(self.ben, self.folder, self.level)

    def end_grant(self) -> None:
        """ben's grant ends."""
        self.stage.take(self.ben, self.folder)

    def at(self, name: str) -> str:
        """A path in the folder, as ben sees it."""
        return self.ben.path("tests", name)

    def established(
        self, name: str = "", content: bytes = b"established", mode: int = 0o644
    ) -> str:
        """A file that ana has made; its path for ben."""
        name = name or f"established{next(self._names)}"
        self.folder.put(name, content, mode)
        return self.at(name)

    def directory(self, name: str) -> str:
        """A directory that ana has made."""
        self.folder.make(name)
        return self.at(name)

    def own(self, name: str = "", content: bytes = b"own") -> str:
        """A file that ben makes now."""
        path = self.at(name or f"own{next(self._names)}")
        self.ben(steps.write, path, content)
        return path

    def own_directory(self, name: str) -> str:
        """A directory that ben makes now."""
        self.ben(os.mkdir, self.at(name))
        return self.at(name)

    def tries(self, call: str, do: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        """ben does it in his shell: what it answers is what the table's cell speaks of."""
        return self.says(call, outcome(self.ben, do, *args, **kwargs))

    def outcome(self, do: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
        """What it answers in ben's shell, for the procedure alone."""
        return outcome(self.ben, do, *args, **kwargs)

    @staticmethod
    def outcome_of(program: Program, do: Callable[..., Any], *args: Any) -> str:
        """What it answers in this program."""
        return outcome(program, do, *args)

    def says(self, call: str, answer: str, wanted: Outcome | str | None = None) -> str:
        """Put down what was seen."""
        self.seen.append(Seen(call, answer, self.wanted if wanted is None else wanted))
        return answer
