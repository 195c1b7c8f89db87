"""What sharing should do, small enough to be seen right: dictionaries and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

Key = tuple[str, str]
"""A folder and a receiver: in this world only owners give, so this names one live grant."""


@dataclass
class ModelGrant:
    """A live grant: pending or active, perhaps with an end."""

    level: str
    accepted: bool = False
    ends_at: datetime | None = None

    def counts(self, at: datetime) -> bool:
        return self.ends_at is None or self.ends_at > at


@dataclass
class ModelFolder:
    owner: str
    name: str
    trashed: bool = False


@dataclass
class Model:
    """The world as it should be."""

    at: datetime
    folders: dict[str, ModelFolder] = field(default_factory=dict)
    grants: dict[Key, ModelGrant] = field(default_factory=dict)
    most: dict[str, int | None] = field(default_factory=dict)
    """How many folders somebody may own, those in the trash included."""

    def has_room(self, owner: str) -> bool:
        """For one folder more."""
        most = self.most.get(owner)
        return most is None or sum(it.owner == owner for it in self.folders.values()) < most

    def live(self, folder: str, receiver: str) -> ModelGrant | None:
        grant = self.grants.get((folder, receiver))
        return grant if grant is not None and grant.counts(self.at) else None

    def sees(self, person: str) -> dict[str, str]:
        """The folders in a person's list, each with what they hold."""
        seen = {f: "owner" for f, it in self.folders.items() if it.owner == person}
        seen = {f: level for f, level in seen.items() if not self.folders[f].trashed}
        for (folder, receiver), grant in self.grants.items():
            live = grant.accepted and grant.counts(self.at) and not self.folders[folder].trashed
            if receiver == person and live:
                seen[folder] = grant.level
        return seen

    def invited(self, person: str) -> dict[str, str]:
        """The folders that wait for a person's answer, with the level offered."""
        return {
            folder: grant.level
            for (folder, receiver), grant in self.grants.items()
            if receiver == person and not grant.accepted and grant.counts(self.at)
        }

    def forget_expired(self) -> None:
        """What is past its end may be written down as ended at any time."""
        self.grants = {key: grant for key, grant in self.grants.items() if grant.counts(self.at)}

    def delete(self, folder: str) -> None:
        """Gone, with every grant on it."""
        del self.folders[folder]
        self.grants = {key: grant for key, grant in self.grants.items() if key[0] != folder}
