"""What is to be shown where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wanted:
    """A folder of this session, and where it should be on a machine.

    Attributes:
        directory: The folder in this session, absolute; the same is tried there.
        below_home: Where it is in the home there, if that is of no use.
    """

    directory: Path
    below_home: str

    @classmethod
    def of(cls, shared: Path, name: str, home: Path) -> Wanted:
        """The folder that the session has as ``shared/name``."""
        inside = shared != home and shared.is_relative_to(home)
        below = shared.relative_to(home) if inside else Path("shared")
        return cls(shared / name, str(below / name))
