"""Random histories of one machine, or drive, that people give on to each other.

Beside it a small model: who gave what to whom, until when, and from which grant. After every step
the live rows equal the model's, and so does what each person may do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import grants, team_members, things
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines.listing import listed
from jupyterhub_vmshare.machines.things import insert_thing
from jupyterhub_vmshare.people.membership import Change, Member
from jupyterhub_vmshare.policy.decide import decide, effective
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import (
    answering,
    changing,
    ending,
    facts,
    handing,
    inviting,
    leaving,
    store,
)
from jupyterhub_vmshare.sharing.expiry import Expiry
from jupyterhub_vmshare.sharing.moving import members_changed
from jupyterhub_vmshare.sharing.ticks import first
from jupyterhub_vmshare.words import LEVELS, ThingKind
from tests.sharing.line import Given, Line

PEOPLE = ("ana", "ben", "cleo", "dan", "eve")
TEAMS = ("genomics", "imaging")
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

people = st.sampled_from(PEOPLE)
some_ticks = st.sampled_from((None, None, ("files", "invite"), ("files",)))
which = st.integers(min_value=0, max_value=7)
"""One of the live grants, by its place."""


class Lineages(RuleBasedStateMachine):
    """People give a machine, or a drive, on and take it away, also when they may not."""

    def __init__(self, url: str, kind: ThingKind) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.now = START
        self.db = Database(url, clock=lambda: self.now, check=check)
        self.expiry = Expiry(self.db)
        teams = {name: {"genomics"} for name in PEOPLE}
        teams["cleo"].add("imaging")
        teams["eve"] = {"imaging"}
        self.model, self.thing = Line(kind, teams=teams), ""

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.db.close())
        self.loop.close()

    @initialize()
    def one_thing(self) -> None:
        kind = self.model.kind
        self.thing = new_id("mch" if kind is ThingKind.MACHINE else "drv")
        self.run(self._begin(kind))
        strong, weak = LEVELS[kind][1], LEVELS[kind][0]
        for by, to, level in (("ana", "ben", strong), ("ana", "cleo", "co_own")):
            self.invite(by, to, level, None)
        for grant in list(self.model.given):
            self.answer(list(self.model.given).index(grant), True)
        self.invite("ben", "dan", weak, None)
        self.invite("cleo", "dan", weak, None)

    async def _begin(self, kind: ThingKind) -> None:
        async with self.db.write() as tx:
            for table in reversed(things.metadata.sorted_tables):
                await tx.conn.execute(table.delete())
            for person, teams in self.model.teams.items():
                for team in teams:
                    row = {"person": person, "team": team, "since": tx.at}
                    await tx.conn.execute(team_members.insert().values(row))
            await insert_thing(tx, self.thing, kind, "ana", "gpu-box")

    def person(self, name: str) -> Person:
        return Person(name, teams=frozenset(self.model.teams[name]))

    def attempt(self, act: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
        async def write() -> Any:
            async with self.db.write() as tx:
                return await act(tx, *args, **more)

        try:
            return self.run(write())
        except VMShareError as error:
            return error

    def one(self, place: int) -> Given | None:
        live = list(self.model.given.values())
        return live[place % len(live)] if live else None

    @rule(
        by=people,
        to=people,
        place=st.integers(min_value=0, max_value=2),
        ticks=some_ticks,
        days=st.sampled_from((None, None, 1, 3)),
    )
    def give(
        self, by: str, to: str, place: int, ticks: tuple[str, ...] | None, days: int | None
    ) -> None:
        if self.model.kind is ThingKind.DRIVE or place == 2:
            ticks = None
        ends_at = None if days is None else self.now + timedelta(days=days)
        self.invite(by, to, LEVELS[self.model.kind][place], ticks, ends_at)

    def invite(
        self,
        by: str,
        to: str,
        level: str,
        ticks: tuple[str, ...] | None,
        ends_at: datetime | None = None,
    ) -> None:
        it = self.model
        wanted = [inviting.Wanted(to, level, ends_at, ticks=ticks, confirmed=True)]
        known = {name: frozenset(teams) for name, teams in it.teams.items()}
        told = self.attempt(inviting.invite, self.person(by), self.thing, wanted, known)
        result = told if isinstance(told, VMShareError) else told[0]
        through, common = it.through(by, level), it.common(by, it.owner, to)
        doubled = any((g.receiver, g.giver) == (to, by) for g in it.given.values())
        mine = through.ticks if isinstance(through, Given) and through.level != "co_own" else None
        too_much = mine is not None and not set(ticks or ()) <= mine
        if not through or not common or doubled or to in (by, it.owner) or too_much:
            assert isinstance(result, VMShareError), result
            return
        assert not isinstance(result, VMShareError), result
        usual = set((first(it.kind, level) or ()) if ticks is None else ticks)
        has = frozenset(usual if mine is None else usual & mine)
        parent = through.id if isinstance(through, Given) else None
        it.given[result.id] = Given(result.id, to, by, level, has, parent, min(common), ends_at)

    @rule(place=which, yes=st.sampled_from((True, True, True, False)))
    def answer(self, place: int, yes: bool) -> None:
        grant = self.one(place)
        if grant is None:
            return
        act = answering.accept if yes else answering.decline
        result = self.attempt(act, self.person(grant.receiver), grant.id)
        if not yes and grant.accepted:
            assert isinstance(result, VMShareError), result
            return
        assert not isinstance(result, VMShareError), result
        if yes:
            grant.accepted = True
        else:
            self.model.end([grant.id])

    @rule(by=people, place=which)
    def revoke(self, by: str, place: int) -> None:
        grant = self.one(place)
        if grant is None:
            return
        shown = self.run(self._lineage(grant.id))
        result = self.attempt(ending.revoke, self.person(by), grant.id)
        if not self.model.may_revoke(by, grant):
            assert isinstance(result, VMShareError), result
            return
        assert {one.id for one in result} == self.model.end([grant.id]) == shown

    async def _lineage(self, grant_id: str) -> set[str]:
        async with self.db.read() as conn:
            found = await ending.would_end(conn, await store.by_id(conn, grant_id))
        return {one.id for one in found}

    @rule(place=which, to=st.integers(min_value=0, max_value=2), ticks=some_ticks)
    def change(self, place: int, to: int, ticks: tuple[str, ...] | None) -> None:
        grant, it = self.one(place), self.model
        if grant is None:
            return
        level = LEVELS[it.kind][to]
        if it.kind is ThingKind.DRIVE or level == "co_own":
            ticks = None
        result = self.changed(it.owner, grant, level=level, ticks=ticks, confirmed=True)
        if it.rank(level) > it.rank(grant.level) and not it.teams[it.owner]:
            assert isinstance(result, VMShareError), result
            return
        assert not isinstance(result, VMShareError), result
        if level == "co_own" != grant.level:
            grant.parent = None
        if level != grant.level:
            it.put_at(grant, level)
        grant.ticks = grant.ticks if ticks is None else frozenset(ticks)
        it.lower(grant)

    @rule(by=people, place=which, ticks=some_ticks)
    def tick(self, by: str, place: int, ticks: tuple[str, ...] | None) -> None:
        """Somebody who is no owner chooses what theirs may do, of what they may themselves."""
        grant, it = self.one(place), self.model
        if grant is None or it.is_owner(by) or it.kind is ThingKind.DRIVE or not ticks:
            return
        if grant.level == "co_own" or not all(set(ticks) <= one.ticks for one in it.held(by)):
            return
        result = self.changed(by, grant, ticks=ticks)
        assert isinstance(result, VMShareError) != it.may_revoke(by, grant), result
        if it.may_revoke(by, grant):
            grant.ticks = frozenset(ticks)
            it.lower(grant)

    def changed(self, by: str, grant: Given, **wished: Any) -> Any:
        row = self.run(self._row(grant.id))
        return self.attempt(changing.change, self.person(by), grant.id, row.version, **wished)

    @rule(days=st.integers(min_value=1, max_value=2))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.run(self.expiry.catch_up())
        over = [g for g in self.model.given.values() if g.ends_at and g.ends_at <= self.now]
        self.model.end([g.id for g in over])

    async def _row(self, grant_id: str) -> Any:
        async with self.db.read() as conn:
            return (await conn.execute(grants.select().where(grants.c.id == grant_id))).one()

    @rule(by=people)
    def leave(self, by: str) -> None:
        it = self.model
        if by == it.owner:
            return  # that is an offer: tests/machines/test_sharing.py
        result = self.attempt(leaving.leave, self.person(by), self.thing)
        mine = [g.id for g in it.held(by)]
        assert isinstance(result, VMShareError) == (not mine), result
        it.end(mine)

    @rule(by=people)
    def stop_sharing(self, by: str) -> None:
        it = self.model
        result = self.attempt(ending.stop_sharing, self.person(by), self.thing)
        assert isinstance(result, VMShareError) != it.is_owner(by), result
        if it.is_owner(by):
            it.end([g.id for g in it.given.values() if g.level != "co_own"])

    @rule(person=people, team=st.sampled_from(TEAMS))
    def a_team_changes(self, person: str, team: str) -> None:
        it, joins = self.model, team not in self.model.teams[person]
        self.attempt(self._join_or_leave, person, team, joins)
        it.teams[person] ^= {team}
        for grant in list(it.given.values()):
            concerned = grant.team == team and person in (grant.giver, grant.receiver)
            if not joins and concerned and grant.id in it.given:
                it.end([grant.id])

    @staticmethod
    async def _join_or_leave(tx: Any, person: str, team: str, joins: bool) -> None:
        member = (Member(team, person),)
        if joins:
            row = {"person": person, "team": team, "since": tx.at}
            await tx.conn.execute(team_members.insert().values(row))
        else:
            await tx.conn.execute(team_members.delete().filter_by(person=person, team=team))
        await members_changed(tx, Change(member, ()) if joins else Change((), member))

    @rule(to=people)
    def hand_over(self, to: str) -> None:
        it = self.model
        if to == it.owner:
            return
        owner, offer = self.person(it.owner), handing.Offer(to)
        made = self.attempt(handing.offer, owner, self.thing, offer)
        done = self.attempt(handing.accept, self.person(to), made.id, kind=it.kind)
        assert not isinstance(done, VMShareError), done
        it.change_hands(to)

    @invariant()
    def rows_and_decisions_and_the_model_agree(self) -> None:
        if self.thing:
            self.run(self._agree())

    async def _agree(self) -> None:
        it, names = self.model, ("receiver", "giver", "level", "team", "parent_id")
        async with self.db.read() as conn:
            live = await store.live_on(conn, self.thing)
            rows = {one.id: tuple(getattr(one, name) for name in names) for one in live}
            for person in PEOPLE:
                await self._agree_on(conn, person)
        assert rows == {
            g.id: (g.receiver, g.giver, g.level, g.team, g.parent) for g in it.given.values()
        }
        assert {one.id: frozenset(one.ticks or ()) for one in live} == {
            g.id: g.ticks for g in it.given.values()
        }

    async def _agree_on(self, conn: Any, name: str) -> None:
        it, person = self.model, self.person(name)
        thing = (await facts.load(conn, person, [self.thing]))[self.thing]
        held = effective(thing, self.now)
        best = next((one.level for one in it.held(name)), None)
        expected = "owner" if name == it.owner else best
        assert (None if held is None else held.level) == expected, name
        found = await conn.execute(
            listed(it.kind).select(), {"asker": name, "at": self.now, "administers": []}
        )
        assert bool(found.all()) == (expected is not None), name
        action = "invite_user" if it.kind is ThingKind.MACHINE else "invite"
        may = decide(person, action, thing, self.now).allowed
        through = it.through(name, LEVELS[it.kind][0])
        assert may == (through is not None and bool(it.common(name, it.owner))), name
