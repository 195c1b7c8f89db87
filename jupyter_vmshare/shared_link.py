"""In a container: a link to the session's shared folders, in the file browser's root.

The hub can put the view into a container, and can't know where people's files are in there.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from jupyter_vmshare.shared_dir import BECAUSE_VARIABLE, DIRECTORY_VARIABLE

VIEW_VARIABLE: Final = "VMSHARE_VIEW"
NAMES: Final = ("shared", "shared-folders", *(f"shared-folders-{n}" for n in range(2, 10)))


def link_view(root: str, environ: MutableMapping[str, str] | None = None) -> None:
    """Make the link, and tell everything that this server starts where it is.

    What the person keeps there is never covered. Does nothing in a session that has its folders
    otherwise, or not at all.
    """
    environ = os.environ if environ is None else environ
    view = environ.get(VIEW_VARIABLE, "").strip()
    if not os.path.isabs(view) or environ.get(DIRECTORY_VARIABLE):
        return
    for name in NAMES:
        place = Path(root) / name
        try:
            if _is_made(place, view):
                environ[DIRECTORY_VARIABLE] = str(place)
                return
        except OSError as error:
            because = f"Shared folders have no place in {root}: {error.strerror}."
            environ[BECAUSE_VARIABLE] = because
            return
    environ[BECAUSE_VARIABLE] = f"Shared folders have no place in {root}: {NAMES[0]} is in use."


def _is_made(place: Path, view: str) -> bool:
    if place.is_symlink():
        # Of an earlier session of this home; what it points to is another one's view by now.
        return os.readlink(place) == view
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()
    if place.exists():
        return False
    place.symlink_to(view)
    return True
