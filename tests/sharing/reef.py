"""A project's folders as they should be, and what has to hold after each step of its histories.

For everybody, in the panel and on the service's own pages: the list (SQL) equals what `decide` says
of every folder, sessions should have what it says, and all equal the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.folders import listing
from jupyterhub_vmshare.mounts.desired import desired
from jupyterhub_vmshare.policy.decide import decide, effective
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects import life
from jupyterhub_vmshare.sharing import facts
from jupyterhub_vmshare.sharing.listing import invitations, people_of
from jupyterhub_vmshare.words import ThingState
from tests.sharing.model import ORDER
from tests.sharing.played import PEOPLE, Ground, Played


@dataclass
class Direct:
    """What an administrator gave to one person."""

    receiver: str
    giver: str
    level: str
    ends_at: datetime | None
    accepted: bool = False


@dataclass
class Belongs:
    """A folder of the project, as it should be."""

    level: str
    grant: str
    trashed: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    direct: dict[str, Direct] = field(default_factory=dict)


@dataclass
class InIt:
    """A member."""

    administers: bool = False
    ends_at: datetime | None = None


def is_over(end: datetime | None, at: datetime) -> bool:
    return end is not None and end <= at


class ProjectWorld(Played):
    """One project, its people and its folders, beside how they are modelled."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.people: dict[str, InIt] = {"ana": InIt(administers=True)}
        self.ours_: dict[str, Belongs] = {}
        self.project = self.run(self._begin())

    async def _begin(self) -> str:
        async with self.db.write() as tx:
            maker = Person("ana", organizer=True)
            return await life.create(tx, maker, life.Wanted("reef"), [])

    # --- the model ---

    def member(self, name: str, at: datetime | None = None) -> InIt | None:
        found = self.people.get(name)
        return None if found is None or is_over(found.ends_at, at or self.model.at) else found

    def administers(self, name: str) -> bool:
        found = self.member(name)
        return found is not None and found.administers

    def counted(self, folder: str, name: str, at: datetime, *, mounted: bool) -> str | None:
        """The level that counts: the project's or their own, and grants, capped by their own."""
        it, found = self.ours_[folder], []
        is_in = self.member(name, at) is not None
        cap = it.overrides.get(name) if is_in else None
        answer = it.answers.get(name, "none")
        if is_in and (answer == "accepted" or (answer == "none" and not mounted)):
            found.append(cap or it.level)
        for grant in it.direct.values():
            if grant.receiver == name and grant.accepted and not is_over(grant.ends_at, at):
                found.append(min(grant.level, cap or grant.level, key=ORDER.index))
        return max(found, key=ORDER.index, default=None)

    def seen(self, name: str) -> dict[str, str]:
        """In the panel, where everybody is a member at most."""
        levels = {
            folder: self.counted(folder, name, self.model.at, mounted=False)
            for folder, it in self.ours_.items()
            if not it.trashed
        }
        return {folder: level for folder, level in levels.items() if level is not None}

    def mountable(self, name: str) -> dict[str, tuple[str, datetime | None]]:
        """What sessions should have, and when the level drops."""
        found = {}
        for folder in self.seen(name):
            level = self.counted(folder, name, self.model.at, mounted=True)
            if level is not None:
                found[folder] = (level, self._drops(folder, name, level))
        return found

    def _drops(self, folder: str, name: str, level: str) -> datetime | None:
        dates = [grant.ends_at for grant in self.ours_[folder].direct.values()]
        dates += [] if name not in self.people else [self.people[name].ends_at]
        for date in sorted({date for date in dates if date is not None and date > self.model.at}):
            then = self.counted(folder, name, date, mounted=True)
            if then is None or ORDER.index(then) < ORDER.index(level):
                return date
        return None

    def waiting(self, name: str) -> list[tuple[str, str]]:
        """What waits for somebody's answer, with the level offered."""
        found = []
        for folder, it in self.ours_.items():
            if self.member(name) is not None and name not in it.answers:
                found.append((folder, it.level))
            found += [
                (folder, grant.level)
                for grant in it.direct.values()
                if grant.receiver == name
                and not grant.accepted
                and not is_over(grant.ends_at, self.model.at)
            ]
        return sorted(found)

    # --- what has to hold ---

    def as_(self, name: str, on_pages: bool) -> Person:
        """Somebody through the panel, or on the pages, where their projects are known."""
        administered = {self.project} if on_pages and self.administers(name) else set()
        return Person(name, frozenset(self.teams[name]), administers=frozenset(administered))

    async def _agree(self) -> None:
        async with self.db.read() as conn:
            for name in PEOPLE:
                await self._agree_in_panel(conn, name)
                await self._agree_on_pages(conn, name)
            for folder in self.ours_:
                await self._agree_on_people(conn, folder)

    async def _lists(
        self, conn: AsyncConnection, person: Person, state: ThingState = ThingState.LIVE
    ) -> dict[str, str]:
        """What the list has; the same as what is decided."""
        held = await facts.load(conn, person, list(self.ours_))
        decided = {}
        for folder, thing in held.items():
            decision = decide(person, "see_in_list", thing, self.model.at)
            source = effective(thing, self.model.at)
            # What is in the trash may wait for an answer all the same, and is in no list.
            may = decision.allowed and "as_invitation" not in decision.limits
            if may and source is not None and thing.state is state:
                decided[folder] = source.level or "owner"
        at = self.model.at
        page = await listing.page(conn, person, at, state=state, project=self.project, limit=1000)
        assert {seen.id: seen.level for seen in page.items} == decided, person
        everything = await listing.page(conn, person, at, limit=1000)
        labels = [seen.label for seen in everything.items]
        assert len(set(labels)) == len(labels)
        return decided

    async def _agree_in_panel(self, conn: AsyncConnection, name: str) -> None:
        person, at = self.person(name), self.model.at
        assert await self._lists(conn, person) == self.seen(name), name
        assert await self._lists(conn, person, ThingState.TRASHED) == {}, name
        told = await invitations(conn, person, at, before=None, limit=1000)
        assert sorted((one.thing.id, one.grant.level) for one in told) == self.waiting(name), name
        found = await desired(conn, name, at, {})
        mounts = {f: (m.level, m.until) for f, m in found.items() if f in self.ours_}
        assert mounts == self.mountable(name), name

    async def _agree_on_pages(self, conn: AsyncConnection, name: str) -> None:
        person = self.as_(name, True)
        if not self.administers(name):
            return
        live = {folder: "owner" for folder, it in self.ours_.items() if not it.trashed}
        trashed = {folder: "owner" for folder, it in self.ours_.items() if it.trashed}
        assert await self._lists(conn, person) == live
        assert await self._lists(conn, person, ThingState.TRASHED) == trashed

    async def _agree_on_people(self, conn: AsyncConnection, folder: str) -> None:
        """What an administrator is told of everybody."""
        lead = next((name for name in PEOPLE if self.administers(name)), None)
        if lead is None or self.ours_[folder].trashed:
            return
        told = await people_of(conn, self.as_(lead, True), folder, self.model.at)
        levels = {one.person: one.level for one in told.people if one.level is not None}
        at = self.model.at
        modelled = {name: self.counted(folder, name, at, mounted=False) for name in PEOPLE}
        assert levels == {name: level for name, level in modelled.items() if level is not None}
        assert set(told.administrators) == {name for name in PEOPLE if self.administers(name)}
