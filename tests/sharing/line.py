"""What a machine or a drive that people give on to each other should be: a small model of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from jupyterhub_vmshare.sharing.ticks import first
from jupyterhub_vmshare.words import LEVELS, ThingKind


@dataclass
class Given:
    """A live grant of the model."""

    id: str
    receiver: str
    giver: str
    level: str
    ticks: frozenset[str]
    parent: str | None
    team: str
    ends_at: datetime | None = None
    accepted: bool = False


@dataclass
class Line:
    """What should be: live grants by id, in the order in which they were given."""

    kind: ThingKind
    owner: str = "ana"
    given: dict[str, Given] = field(default_factory=dict)
    teams: dict[str, set[str]] = field(default_factory=dict)

    def held(self, person: str) -> list[Given]:
        """What somebody accepted, the strongest first."""
        mine = [g for g in self.given.values() if g.receiver == person and g.accepted]
        return sorted(mine, key=lambda one: -self.rank(one.level))

    def rank(self, level: str) -> int:
        return LEVELS[self.kind].index(level)

    def is_owner(self, person: str) -> bool:
        return person == self.owner or any(g.level == "co_own" for g in self.held(person))

    def common(self, *names: str) -> set[str]:
        return set.intersection(*(self.teams[name] for name in names))

    def through(self, person: str, level: str) -> Given | str | None:
        """From what somebody gives at a level: a grant of theirs, ownership, or not at all."""
        if person == self.owner:
            return "ownership"
        for grant in self.held(person):
            to_use = self.kind is ThingKind.MACHINE and level == "use"
            may_use = grant.level != "use" or "invite" in grant.ticks
            if grant.level == "co_own" or (to_use and may_use):
                return grant
        return None

    def is_own(self, person: str, grant: Given) -> bool:
        above: Given | None = grant
        while above is not None:
            if above.giver == person:
                return True
            above = self.given.get(above.parent or "")
        return False

    def may_revoke(self, person: str, grant: Given) -> bool:
        if self.is_owner(person):
            return True
        is_machine = self.kind is ThingKind.MACHINE
        return is_machine and bool(self.held(person)) and self.is_own(person, grant)

    def end(self, ids: list[str]) -> set[str]:
        ended: set[str] = set()
        while ids:
            ended |= set(ids)
            for one in ids:
                self.given.pop(one, None)
            ids = [g.id for g in self.given.values() if g.parent in ids]
        return ended

    def lower(self, above: Given) -> None:
        """Nobody has more than the one from whom they have it."""
        for grant in [g for g in self.given.values() if g.parent == above.id]:
            before = (grant.level, grant.ticks)
            if self.rank(grant.level) > self.rank(above.level):
                self.put_at(grant, above.level)
            if above.level != "co_own":
                grant.ticks &= above.ticks
            if before != (grant.level, grant.ticks):
                self.lower(grant)

    def put_at(self, grant: Given, level: str) -> None:
        """Another level; what is usual there takes the place of what was usual."""
        usual = frozenset(first(self.kind, grant.level) or ())
        if level == "co_own" or grant.level == "co_own" or grant.ticks == usual:
            grant.ticks = frozenset(first(self.kind, level) or ())
        grant.level = level

    def change_hands(self, to: str) -> None:
        for grant in self.given.values():
            grant.parent = None if grant.giver == to else grant.parent
        self.end([g.id for g in self.given.values() if g.receiver == to])
        for grant in list(self.given.values()):
            hers = [g for g in self.given.values() if g.giver == to]
            other = next((g for g in hers if g.receiver == grant.receiver), None)
            if grant.giver == self.owner and other is not None:
                pair = sorted((grant, other), key=lambda g: (g.accepted, self.rank(g.level), g.id))
                for child in self.given.values():
                    child.parent = pair[1].id if child.parent == pair[0].id else child.parent
                self.lower(pair[1])
                self.end([pair[0].id])
        for grant in self.given.values():
            grant.giver = to if grant.giver == self.owner else grant.giver
        self.owner = to
        for grant in list(self.given.values()):
            common = self.common(to, grant.giver, grant.receiver)
            if grant.id in self.given and not common:
                self.end([grant.id])
            elif grant.team not in common:
                grant.team = min(common, default="")
