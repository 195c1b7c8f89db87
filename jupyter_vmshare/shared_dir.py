"""Where shared folders are in this session: the spawner says it in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DIRECTORY_VARIABLE = "VMSHARE_SHARED_DIR"
BECAUSE_VARIABLE = "VMSHARE_MOUNTS_BECAUSE"
NO_MOUNTS = (
    "Shared folders are not mounted in this session: whoever runs the hub has not set that up. "
    "They open in the panel all the same."
)


@dataclass(frozen=True, slots=True)
class SharedDir:
    """The directory that has this session's shared folders in it, one a name.

    Attributes:
        path: Absolute; None in a session without mounts.
        because: Why there are none, in a sentence; None where there are.
    """

    path: Path | None
    because: str | None

    @classmethod
    def of_session(cls, environ: Mapping[str, str] | None = None) -> Self:
        """What the spawner told this session. Looks at no file: a mount may hang."""
        environ = os.environ if environ is None else environ
        because = environ.get(BECAUSE_VARIABLE, "").strip()
        path = environ.get(DIRECTORY_VARIABLE, "").strip()
        if because or not os.path.isabs(path):
            return cls(None, because or NO_MOUNTS)
        return cls(Path(os.path.normpath(path)), None)

    def below(self, root: str | os.PathLike[str]) -> str | None:
        """As a file browser that shows ``root`` spells it; None when it lies outside.

        The directory itself is never looked at, only what is above it.
        """
        tops = (Path(os.path.abspath(root)), Path(root).resolve())
        for place in self._spellings():
            for top in tops:
                if place != top and place.is_relative_to(top):
                    return place.relative_to(top).as_posix()
        return None

    def parts_of(self, path: str | os.PathLike[str]) -> tuple[str, ...] | None:
        """A path's parts from the folder's name on; None when it is not in a shared folder.

        Links are followed, so this looks at files: not for the event loop.
        """
        given = Path(os.path.abspath(path))
        for place in (given, given.parent.resolve() / given.name):
            for shared in self._spellings():
                if shared in place.parents:
                    return place.relative_to(shared).parts
        return None

    def _spellings(self) -> tuple[Path, ...]:
        """The directory as it was told, and with the links above it followed."""
        if self.path is None:
            return ()
        return self.path, self.path.parent.resolve() / self.path.name
