"""What people were answered, to be found again at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class KnownFolder:
    """A folder as its owner's last answer told."""

    id: str
    owner: str
    state: str = "live"


@dataclass
class KnownGrant:
    """A grant as the last answer told."""

    id: str
    folder: str
    receiver: str
    giver: str
    level: str
    state: str = "pending"


@dataclass
class Journal:
    """Everything that was answered 2xx, and what was only tried."""

    folders: dict[str, KnownFolder] = field(default_factory=dict)
    grants: dict[str, KnownGrant] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    """Folder ids by the name that they were made with; every name is asked for once."""
    invited: dict[str, set[str]] = field(default_factory=dict)
    """Receivers by their request's end date; no two requests have the same one."""
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(type of event, grant or folder) of each answer."""
    changed: dict[str, str] = field(default_factory=dict)
    """Grants by the end date that a change gave them."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Folders by their new names."""
    tried: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """Content by folder and path."""
    written: set[tuple[str, str]] = field(default_factory=set)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(kind of request, status), to see whether the traffic was worth its name."""

    def ended(self, grant: str, event: str) -> None:
        """A grant is over."""
        self.told[event, grant] += 1
        if grant in self.grants:
            self.grants[grant].state = "ended"
