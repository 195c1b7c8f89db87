"""What the directories in a session are called: a person's labels, each once, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from jupyterhub_vmshare.folders.names import MOST_BYTES, alternatives

_KEPT = 20
"""Of a label's alternatives, those under which a directory stays while its label is taken."""


def directory_names(
    labels: Mapping[str, tuple[str, str]], held: Mapping[str, str]
) -> dict[str, str]:
    """A directory's name for each folder, by id; ``labels`` are labels with the folders' owners.

    Labels differ in one person's list, but a team's folder comes without anybody being asked, so
    two may be equal. Who has the name by now keeps it (``held``): a program may be in there.
    """
    safe = {folder: (_safe(label), owner) for folder, (label, owner) in labels.items()}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for folder in sorted(safe, key=lambda id: (held.get(id) != safe[id][0], id not in held, id)):
        label, owner = safe[folder]
        before = held.get(folder, "")
        if label not in taken:
            name = label
        elif before not in taken and before in islice(alternatives(label, owner), _KEPT):
            name = before
        else:
            name = next(choice for choice in alternatives(label, owner) if choice not in taken)
        names[folder] = name
        taken.add(name)
    return names


def _safe(label: str) -> str:
    """The label as one directory's name. Rules for names see to it already; this is the last door
    before a root process."""
    name = label.replace("/", "_").replace("\0", "_")
    name = name.encode(errors="replace")[:MOST_BYTES].decode(errors="ignore")
    return name if name not in ("", ".", "..") else "_"
