"""What sharing should do, small enough to be seen right: dictionaries and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.sharing.stored import Stored

Key = tuple[str, str]
"""A folder and a receiver, a person or a team: in this world only owners give, so this names one
live grant."""
ORDER = ("view", "edit", "edit_delete")
Source = tuple[str, datetime | None]
"""A level, and when it ends."""


@dataclass
class ModelGrant:
    """A live grant: pending or active, perhaps with an end. A team's is active from the start."""

    level: str
    accepted: bool = False
    ends_at: datetime | None = None
    id: str = ""

    def counts(self, at: datetime) -> bool:
        return self.ends_at is None or self.ends_at > at


@dataclass
class ModelFolder:
    owner: str
    name: str
    trashed: bool = False
    stored: Stored = field(default_factory=Stored)


@dataclass
class ModelOffer:
    """An offer to hand a folder over, and what became of it."""

    folder: str
    owner: str
    receiver: str
    keep: bool
    state: str = "pending"


@dataclass
class Model:
    """The world as it should be."""

    at: datetime
    folders: dict[str, ModelFolder] = field(default_factory=dict)
    grants: dict[Key, ModelGrant] = field(default_factory=dict)
    teams: dict[str, set[str]] = field(default_factory=dict)
    offers: dict[str, ModelOffer] = field(default_factory=dict)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    """By a team's grant and a member: accepted or declined."""
    most: dict[str, int | None] = field(default_factory=dict)
    """How many folders somebody may own, those in the trash included."""
    most_bytes: dict[str, int | None] = field(default_factory=dict)
    """How much all folders of one owner may hold, with the trash and snapshots."""
    going: dict[str, ModelFolder] = field(default_factory=dict)
    """Deleted for ever; nobody has taken their files away yet."""

    @property
    def every(self) -> dict[str, ModelFolder]:
        """All folders that have files."""
        return {**self.folders, **self.going}

    def all_of(self, owner: str) -> dict[str, Stored]:
        """Everything that is charged to somebody."""
        return {folder: it.stored for folder, it in self.every.items() if it.owner == owner}

    def left(self, owner: str) -> int | None:
        """Bytes that may still come; None: any number."""
        most = self.most_bytes.get(owner)
        used = sum(stored.charged for stored in self.all_of(owner).values())
        return None if most is None else max(0, most - used)

    def fits(self, owner: str, size: int) -> bool:
        """Whether so many bytes more may come."""
        left = self.left(owner)
        return left is None or size <= left

    def taking_asks(self, taker: str, folder: str) -> list[tuple[str, int, int | None]]:
        """What somebody who is to own a folder has too little of: how much is asked, and left."""
        size = self.folders[folder].stored.charged
        lacks: list[tuple[str, int, int | None]]
        lacks = [] if self.has_room(taker) else [("folders", 1, 0)]
        return lacks if self.fits(taker, size) else [*lacks, ("bytes", size, self.left(taker))]

    def owns(self, owner: str) -> int:
        """How many folders."""
        return sum(it.owner == owner for it in self.folders.values())

    def has_room(self, owner: str) -> bool:
        """For one folder more."""
        most = self.most.get(owner)
        return most is None or self.owns(owner) < most

    def live(self, folder: str, receiver: str) -> ModelGrant | None:
        grant = self.grants.get((folder, receiver))
        return grant if grant is not None and grant.counts(self.at) else None

    def of_teams(self, folder: str, person: str) -> dict[str, ModelGrant]:
        """The live grants on a folder to teams of a person who does not own it."""
        if self.folders[folder].owner == person:
            return {}
        found = {team: self.live(folder, team) for team in sorted(self.teams[person])}
        return {team: grant for team, grant in found.items() if grant is not None}

    def offered(self, folder: str) -> ModelOffer | None:
        waiting = (o for o in self.offers.values() if o.folder == folder and o.state == "pending")
        return next(waiting, None)

    def answer(self, grant: ModelGrant, person: str) -> str:
        return self.answers.get((grant.id, person), "none")

    def sources(self, folder: str, person: str, *, mounted: bool) -> list[Source]:
        """What gives somebody else's folder to a person; ``mounted``: what gives it to sessions."""
        direct = self.live(folder, person)
        found = [direct] if direct is not None and direct.accepted else []
        for grant in self.of_teams(folder, person).values():
            answer = self.answer(grant, person)
            if answer == "accepted" or (answer == "none" and not mounted):
                found.append(grant)
        return [(grant.level, grant.ends_at) for grant in found]

    def strongest(self, folder: str, person: str, *, mounted: bool) -> Source | None:
        """The level that counts, and when it drops."""
        found = self.sources(folder, person, mounted=mounted)
        if not found:
            return None
        level = max((level for level, _ in found), key=ORDER.index)
        ends = [end for theirs, end in found if theirs == level]
        dates = [end for end in ends if end is not None]
        return level, max(dates) if len(dates) == len(ends) else None

    def sees(self, person: str) -> dict[str, str]:
        """The folders in a person's list, each with what they hold."""
        seen = {}
        for folder, it in self.folders.items():
            held = self.strongest(folder, person, mounted=False)
            if it.owner == person and not it.trashed:
                seen[folder] = "owner"
            elif it.owner != person and not it.trashed and held is not None:
                seen[folder] = held[0]
        return seen

    def may_know(self, folder: str, person: str) -> bool:
        """Whether the folder is there at all for somebody who does not own it."""
        direct = self.live(folder, person)
        teams = self.of_teams(folder, person).values()
        invited = (direct is not None and not direct.accepted) or any(
            self.answer(grant, person) == "none" for grant in teams
        )
        offer = self.offered(folder)
        invited = invited or (offer is not None and offer.receiver == person)
        return invited or folder in self.sees(person)

    def invited(self, person: str) -> list[tuple[str, str]]:
        """The folders that wait for a person's answer, with the level offered."""
        waiting = []
        for folder in self.folders:
            direct = self.live(folder, person)
            if direct is not None and not direct.accepted:
                waiting.append((folder, direct.level))
            for grant in self.of_teams(folder, person).values():
                if self.answer(grant, person) == "none":
                    waiting.append((folder, grant.level))
        return sorted(waiting)

    def ask_anew(self, team: str, person: str) -> None:
        """Who joins or leaves a team has said nothing to what it has."""
        theirs = {grant.id for (_, receiver), grant in self.grants.items() if receiver == team}
        self.answers = {
            key: said
            for key, said in self.answers.items()
            if key[0] not in theirs or key[1] != person
        }

    def forget_expired(self) -> None:
        """What is past its end may be written down as ended at any time."""
        self.grants = {key: grant for key, grant in self.grants.items() if grant.counts(self.at)}

    def delete(self, folder: str) -> None:
        """Gone, with every grant on it; its files go some time later."""
        self.going[folder] = self.folders.pop(folder)
        for offer in self.offers.values():
            if offer.folder == folder and offer.state == "pending":
                offer.state = "cancelled"
        self.grants = {key: grant for key, grant in self.grants.items() if key[0] != folder}
