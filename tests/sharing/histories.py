"""Random histories of sharing against a small model, on both databases (DESIGN: D1, D2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import Bundle, consumes, initialize, multiple, precondition, rule

from jupyterhub_vmshare.db.tables import team_members
from jupyterhub_vmshare.errors import (
    BadInput,
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    NotFound,
    VMShareError,
    WrongState,
)
from jupyterhub_vmshare.folders import life
from jupyterhub_vmshare.folders.joining import make_room_for_joined
from jupyterhub_vmshare.people.membership import Change, Member
from jupyterhub_vmshare.sharing import answering, changing, ending, inviting, leaving
from jupyterhub_vmshare.sharing.inviting import NoSuchTeam
from jupyterhub_vmshare.sharing.leaving import Left
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.moving import members_changed
from jupyterhub_vmshare.words import ReceiverKind
from tests.sharing.model import ModelGrant
from tests.sharing.played import PEOPLE, Played

LEVELS = ("view", "edit", "edit_delete")
TEAMS = ("genomics", "imaging")

people = st.sampled_from(PEOPLE)
receivers = st.sampled_from((*PEOPLE, *PEOPLE, *TEAMS))
actors = st.sampled_from((*["who may"] * 12, *PEOPLE))
"""Mostly the one who may, so that histories get somewhere; else anybody, allowed or not."""
levels = st.sampled_from(LEVELS)
ends = st.sampled_from((None, None, None, 24, 72, 1, -1)).map(
    lambda hours: None if hours is None else timedelta(hours=hours)
)
seldom = st.sampled_from((False, False, False, True))


class Histories(Played):
    """People share folders with each other in any order, also when they may not."""

    folders = Bundle("folders")
    given = Bundle("given")

    @initialize(target=folders)
    def two_folders(self) -> Any:
        return multiple(*self.first)

    @initialize(target=given)
    def four_invitations(self) -> Any:
        """So that there is something to answer, and to take away, from the first step on."""
        asked: list[tuple[str, int, str, timedelta | None]]
        asked = [("ana", 0, "cleo", None), ("ana", 0, "ben", None), ("ben", 1, "cleo", None)]
        asked.append(("ben", 1, "ana", timedelta(days=1)))
        asked += [("ana", 0, "genomics", None), ("ben", 1, "genomics", timedelta(days=1))]
        made = [self.invite_(by, self.first[n], to, "edit", end) for by, n, to, end in asked]
        for grant in made[1:4]:
            self.answer_("who may", grant, True)
        return multiple(*made)

    @rule(target=folders, owner=people)
    def create(self, owner: str) -> str:
        return self.make_folder(owner)

    @rule(by=actors, folder=folders, trashed=st.booleans())
    def trash_or_restore(self, by: str, folder: str, trashed: bool) -> None:
        self.trash_or_restore_(by, folder, trashed)

    def trash_or_restore_(self, by: str, folder: str, trashed: bool) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        act = life.trash if trashed else life.restore
        result = self.attempt(self._write(act, self.person(by), folder))
        it = self.model.folders[folder]
        if by != it.owner:
            assert isinstance(result, self.refusal(by, folder)), result
        elif it.trashed == trashed:
            assert isinstance(result, WrongState), result
        else:
            assert result is None, result
            it.trashed = trashed

    @precondition(lambda self: any(it.trashed for it in self.model.folders.values()))
    @rule(by=actors, folder=consumes(folders))
    def delete_for_ever(self, by: str, folder: str) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        result = self.attempt(self._write(life.delete_for_ever, self.person(by), folder))
        it = self.model.folders[folder]
        if by == it.owner and it.trashed:
            assert result is None, result
            self.model.delete(folder)
        else:
            assert isinstance(result, VMShareError), result

    @rule(person=people, team=st.sampled_from(TEAMS), joins=st.booleans())
    def a_team_changes(self, person: str, team: str, joins: bool) -> None:
        if (team in self.teams[person]) == joins:
            return
        self.run(self._join_or_leave(person, team, joins))
        self.teams[person] ^= {team}
        self.model.ask_anew(team, person)

    async def _join_or_leave(self, person: str, team: str, joins: bool) -> None:
        member = (Member(team, person),)
        change = Change(member, ()) if joins else Change((), member)
        async with self.db.write() as tx:
            if joins:
                row = {"person": person, "team": team, "since": tx.at}
                await tx.conn.execute(team_members.insert().values(row))
            else:
                await tx.conn.execute(team_members.delete().filter_by(person=person, team=team))
            await members_changed(tx, change)
            await make_room_for_joined(tx, change)

    @rule(target=given, by=actors, folder=folders, receiver=receivers, level=levels, ends=ends)
    def invite(
        self, by: str, folder: str, receiver: str, level: str, ends: timedelta | None
    ) -> Any:
        by = self.actor(by, self.model.folders[folder].owner)
        return self.invite_(by, folder, receiver, level, ends)

    @rule(target=given, grant=given, level=levels)
    def invite_again(self, grant: str, level: str) -> Any:
        row = self.row(grant)  # the same receiver, whatever became of the first time
        if row.thing_id not in self.model.folders:
            return multiple()
        return self.invite_(row.giver, row.thing_id, row.receiver, level, None)

    def invite_(
        self, by: str, folder: str, receiver: str, level: str, ends: timedelta | None
    ) -> Any:
        ends_at = None if ends is None else self.model.at + ends
        result = self.attempt(self._invite(by, folder, receiver, level, ends_at))
        expected = self.expect_invite(by, folder, receiver, ends_at)
        if expected is not None:
            assert isinstance(result, expected), (result, expected)
            return multiple()
        assert isinstance(result, Grant), result
        is_team = receiver in TEAMS
        self.model.grants[folder, receiver] = ModelGrant(level, is_team, ends_at, result.id)
        self.row(result.id)
        return result.id

    def expect_invite(
        self, by: str, folder: str, receiver: str, ends_at: datetime | None
    ) -> type[VMShareError] | tuple[type[VMShareError], ...] | None:
        it = self.model.folders[folder]
        if by != it.owner:
            return self.refusal(by, folder)
        if it.trashed:
            return Conflict
        if receiver == by or (ends_at is not None and ends_at <= self.model.at):
            return BadInput
        if receiver in TEAMS and receiver not in self.teams[by]:
            return NoSuchTeam
        return Conflict if self.model.live(folder, receiver) else None

    async def _invite(
        self, by: str, folder: str, receiver: str, level: str, ends_at: datetime | None
    ) -> Grant | VMShareError:
        kind = ReceiverKind.TEAM if receiver in TEAMS else ReceiverKind.PERSON
        wanted = inviting.Wanted(receiver, level, ends_at, kind)
        known = {name: frozenset(self.teams[name]) for name in PEOPLE}
        async with self.db.write() as tx:
            results = await inviting.invite(tx, self.person(by), folder, [wanted], known)
        return results[0]

    @rule(by=actors, grant=given, yes=st.booleans())
    def answer(self, by: str, grant: str, yes: bool) -> None:
        self.answer_(by, grant, yes)

    def answer_(self, by: str, grant: str, yes: bool) -> None:
        row = self.row(grant)
        if row.receiver in TEAMS:
            self.answer_for_oneself(self.actor(by, self.a_member(row)), row, yes)
            return
        by = self.actor(by, row.receiver)
        act = answering.accept if yes else answering.decline
        result = self.attempt(self._write(act, self.person(by), grant))
        if by != row.receiver:
            assert isinstance(result, NotFound), result
            return
        if not yes and row.ended_why == "declined":
            # Saying no twice is saying it once.
            assert isinstance(result, Grant) or row.thing_id not in self.model.folders, result
            return
        if self.is_gone(row, result):
            return
        key = (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        if live is None:
            assert isinstance(result, Conflict), result
        elif yes and (live.accepted or not self.model.folders[row.thing_id].trashed):
            assert isinstance(result, Grant), result
            live.accepted = True
        elif not yes and not live.accepted:
            assert isinstance(result, Grant), result
            del self.model.grants[key]
        else:
            assert isinstance(result, Conflict), result

    def a_member(self, row: sa.Row[Any]) -> str:
        """Somebody whom a team's grant may concern."""
        owner = self.owner(row.thing_id)
        found = [name for name in PEOPLE if row.receiver in self.teams[name] and name != owner]
        return found[-1] if found else "cleo"

    def answer_for_oneself(self, by: str, row: sa.Row[Any], yes: bool) -> None:
        act = answering.accept if yes else answering.decline
        result = self.attempt(self._write(act, self.person(by), row.id))
        if self.is_gone(row, result):
            return
        live = self.model.live(row.thing_id, row.receiver) if row.state != "ended" else None
        said = None if live is None else self.model.answer(live, by)
        if row.receiver not in self.teams[by] or by == self.owner(row.thing_id):
            assert isinstance(result, NotFound), result
        elif live is None or (said == "accepted" and not yes):
            assert isinstance(result, Conflict), result
        elif yes and said != "accepted" and self.model.folders[row.thing_id].trashed:
            assert isinstance(result, VMShareError), result
        else:
            assert isinstance(result, Grant), result
            self.model.answers[row.id, by] = "accepted" if yes else "declined"

    @rule(by=actors, grant=given, level=levels, ends=ends, stale=seldom)
    def change(self, by: str, grant: str, level: str, ends: timedelta | None, stale: bool) -> None:
        row = self.row(grant)
        by = self.actor(by, self.owner(row.thing_id))
        ends_at = None if ends is None else self.model.at + ends
        version = row.version - 1 if stale else row.version
        changes = {"level": level, "ends_at": ends_at}
        result = self.attempt(
            self._write(changing.change, self.person(by), grant, version, **changes)
        )
        if self.is_gone(row, result):
            return
        it, key = self.model.folders[row.thing_id], (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        if by != it.owner:
            assert isinstance(result, self.refusal(by, row.thing_id)), result
        elif live is None:
            assert isinstance(result, Conflict), result
        elif stale:
            assert isinstance(result, ChangedMeanwhile), result
        elif ends_at is not None and ends_at <= self.model.at:
            assert isinstance(result, BadInput), result
        else:
            assert isinstance(result, list), result
            assert [one.id for one in result] == [grant]
            live.level, live.ends_at = level, ends_at

    @rule(by=actors, grant=given)
    def revoke(self, by: str, grant: str) -> None:
        row = self.row(grant)
        by = self.actor(by, self.owner(row.thing_id))
        result = self.attempt(self._write(ending.revoke, self.person(by), grant))
        if self.is_gone(row, result):
            return
        if by != self.owner(row.thing_id):
            assert isinstance(result, self.refusal(by, row.thing_id)), result
            return
        key = (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        assert not isinstance(result, VMShareError), result
        assert len(result) == (0 if live is None else 1)
        if live is not None:
            del self.model.grants[key]

    @rule(by=actors, folder=folders)
    def stop_sharing(self, by: str, folder: str) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        result = self.attempt(self._write(ending.stop_sharing, self.person(by), folder))
        if by != self.model.folders[folder].owner:
            assert isinstance(result, self.refusal(by, folder)), result
            return
        assert not isinstance(result, VMShareError), result
        for key in [key for key in self.model.grants if key[0] == folder]:
            del self.model.grants[key]

    @rule(by=actors, grant=given)
    def leave(self, by: str, grant: str) -> None:
        row = self.row(grant)
        who = self.a_member(row) if row.receiver in TEAMS else row.receiver
        by, folder = self.actor(by, who), row.thing_id
        result = self.attempt(self._write(leaving.leave, self.person(by), folder))
        if self.is_gone(row, result):
            return
        if not self.model.sources(folder, by, mounted=False):
            assert isinstance(result, (NotFound, Forbidden)), result
            return
        assert isinstance(result, Left), result
        held = self.model.live(folder, by)
        if held is not None and held.accepted:
            del self.model.grants[folder, by]
        for grant_ in self.model.of_teams(folder, by).values():
            self.model.answers[grant_.id, by] = "declined"

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes(self, hours: int) -> None:
        """Nobody has written the ends down yet."""
        self.model.at += timedelta(hours=hours)

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes_and_ends_are_written(self, hours: int) -> None:
        self.model.at += timedelta(hours=hours)
        self.run(self.expiry.catch_up())
        self.model.forget_expired()
