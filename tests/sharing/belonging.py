"""Random histories of a project: members, roles, end dates, answers, overrides, grants."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from jupyterhub_vmshare.db.projects import owner_of
from jupyterhub_vmshare.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NotFound,
    VMShareError,
    WrongState,
)
from jupyterhub_vmshare.folders import life as folder_life
from jupyterhub_vmshare.folders import quota
from jupyterhub_vmshare.projects import folders as project_folders
from jupyterhub_vmshare.projects import members
from jupyterhub_vmshare.projects.expiry import end_what_is_over
from jupyterhub_vmshare.projects.model import Member
from jupyterhub_vmshare.projects.standing import Asker, locked, member_of
from jupyterhub_vmshare.sharing import answering, changing, ending, inviting, store
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.parting import Lost
from jupyterhub_vmshare.words import ProjectRole, ReceiverKind
from tests.sharing.model import ORDER
from tests.sharing.played import PEOPLE
from tests.sharing.reef import Belongs, Direct, InIt, ProjectWorld, is_over

NOT_FOR_THEM: Final = (Forbidden, NotFound)
people = st.sampled_from(PEOPLE)
levels = st.sampled_from(ORDER)
pages = st.sampled_from((True, True, True, False))
"""Mostly where administrators count."""
admins = st.sampled_from((*["ana"] * 6, *PEOPLE))
ends = st.sampled_from((None, None, 24, 48)).map(
    lambda hours: None if hours is None else timedelta(hours=hours)
)


class ProjectHistories(ProjectWorld):
    """One project, whose people come and go, and whose administrators act in any order."""

    ours = Bundle("ours")
    given = Bundle("given")

    @initialize(target=ours)
    def a_member_and_two_folders(self) -> Any:
        self.joins_("ben", None)
        first, second = self.make_("ana", "edit", True), self.make_("ana", "view", True)
        self.answer_("ben", first, True)
        return multiple(first, second)

    # --- people come and go ---

    @rule(name=people, ends=ends)
    def joins(self, name: str, ends: timedelta | None) -> None:
        self.joins_(name, ends)

    def joins_(self, name: str, ends: timedelta | None) -> None:
        if self.member(name) is not None:
            return
        until = None if ends is None else self.model.at + ends
        self.run(self._joins(name, until))
        self.people[name] = InIt(ends_at=until)
        for it in self.ours_.values():
            it.answers.pop(name, None)
            it.overrides.pop(name, None)

    async def _joins(self, name: str, until: datetime | None) -> None:
        async with self.db.write() as tx:
            project = await locked(tx, self.project)
            assert await member_of(tx.conn, self.project, name, tx.at) is None
            await members.join(tx, project, name, until, "ana")

    @rule(by=admins, name=people, on_pages=pages)
    def is_removed(self, by: str, name: str, on_pages: bool) -> None:
        act = self._write(members.remove, Asker(by, on_pages), self.project, name)
        result = self.attempt(act)
        if not self._may_lead(by, on_pages):
            assert isinstance(result, NOT_FOR_THEM), result
        elif self.member(name) is None:
            assert isinstance(result, NotFound), result
        elif self._is_needed(name):
            assert isinstance(result, Forbidden), result
        else:
            assert isinstance(result, Lost), result
            self._is_out(name)

    @rule(name=people)
    def leaves(self, name: str) -> None:
        result = self.attempt(self._write(members.leave, Asker(name, True), self.project))
        if self.member(name) is None:
            assert isinstance(result, NotFound), result
        elif self._is_needed(name):
            assert isinstance(result, Forbidden), result
        else:
            assert isinstance(result, Lost), result
            self._is_out(name)

    def _is_out(self, name: str) -> None:
        del self.people[name]
        for it in self.ours_.values():
            it.overrides.pop(name, None)

    def _is_needed(self, name: str) -> bool:
        """Whether the project would have no administrator for good without them."""
        others = (
            other for other in PEOPLE
            if other != name and self.administers(other) and self.people[other].ends_at is None
        )  # fmt: skip
        return self.administers(name) and next(others, None) is None

    def _may_lead(self, by: str, on_pages: bool) -> bool:
        return self.administers(by) and on_pages

    @rule(by=admins, name=people, administers=st.booleans(), ends=ends)
    def is_changed(self, by: str, name: str, administers: bool, ends: timedelta | None) -> None:
        until = None if ends is None else self.model.at + ends
        role = ProjectRole.ADMINISTRATOR if administers else ProjectRole.MEMBER
        result = self.attempt(self._change(by, name, role, until))
        if not self.administers(by):
            assert isinstance(result, NOT_FOR_THEM), result
        elif self.member(name) is None:
            assert isinstance(result, NotFound), result
        elif isinstance(result, Forbidden):
            assert self._is_needed(name)
        else:
            assert isinstance(result, Member), result
            self.people[name] = InIt(administers, until)

    async def _change(
        self, by: str, name: str, role: ProjectRole, until: datetime | None
    ) -> Member:
        async with self.db.write() as tx:
            now = await member_of(tx.conn, self.project, name, tx.at)
            version = 1 if now is None else now.version
            asker = Asker(by, True)
            return await members.change(
                tx, asker, self.project, name, version, role=role, ends_at=until
            )

    # --- what administrators do ---

    @rule(target=ours, by=admins, level=levels, on_pages=pages)
    def make(self, by: str, level: str, on_pages: bool) -> Any:
        return self.make_(by, level, on_pages)

    def make_(self, by: str, level: str, on_pages: bool) -> Any:
        name = f"folder {next(self.numbers)}"
        result = self.attempt(self._make_ours(Asker(by, on_pages), name, level))
        if not self._may_lead(by, on_pages):
            assert isinstance(result, NOT_FOR_THEM), result
            return multiple()
        assert isinstance(result, str), result
        self.ours_[result] = Belongs(level, self.run(self._grant_of(result)))
        return result

    async def _make_ours(self, asker: Asker, name: str, level: str) -> str:
        async with self.room.tree_made(owner_of(self.project)) as tree, self.db.write() as tx:
            await project_folders.create(tx, asker, self.project, tree.folder_id, name, level)
            await quota.book(tx, tree.folder_id, tree.account)
        return tree.folder_id

    async def _grant_of(self, folder: str) -> str:
        async with self.db.read() as conn:
            (grant,) = await store.live_on(conn, folder)
        return grant.id

    @rule(by=admins, folder=ours, name=people, level=st.one_of(st.none(), levels), on_pages=pages)
    def override(self, by: str, folder: str, name: str, level: str | None, on_pages: bool) -> None:
        asker, it = Asker(by, on_pages), self.ours_[folder]
        result = self.attempt(self._override(asker, folder, name, level))
        if not self._may_lead(by, on_pages):
            assert isinstance(result, NOT_FOR_THEM), result
        elif level is None:
            assert (result is None) == (name in it.overrides) or self.member(name) is None
            if result is None:
                it.overrides.pop(name, None)
        elif self.member(name) is None:
            assert isinstance(result, BadInput), result
        else:
            assert not isinstance(result, VMShareError), result
            it.overrides[name] = level

    async def _override(
        self, asker: Asker, folder: str, name: str, level: str | None
    ) -> project_folders.Override | None:
        async with self.db.write() as tx:
            if level is not None:
                return await project_folders.set_level(tx, asker, folder, name, level)
            await project_folders.unset_level(tx, asker, folder, name)
            return None

    @rule(by=admins, folder=ours, level=levels, on_pages=pages)
    def change_level(self, by: str, folder: str, level: str, on_pages: bool) -> None:
        it = self.ours_[folder]
        version = self.row(it.grant).version
        act = self._write(
            changing.change, self.as_(by, on_pages), it.grant, version, level=level
        )  # fmt: skip
        result = self.attempt(act)
        if not self._may_lead(by, on_pages):
            assert isinstance(result, (*NOT_FOR_THEM, WrongState)), result
        else:
            assert isinstance(result, list), result
            it.level = level

    @rule(by=admins, folder=ours)
    def take_away_from_the_project(self, by: str, folder: str) -> None:
        """Nobody can: it belongs to it."""
        act = self._write(ending.revoke, self.as_(by, True), self.ours_[folder].grant)
        assert isinstance(self.attempt(act), (*NOT_FOR_THEM, Conflict))

    @rule(by=admins, folder=ours)
    def stop_sharing(self, by: str, folder: str) -> None:
        """With those outside; the project keeps what is its own."""
        result = self.attempt(self._write(ending.stop_sharing, self.as_(by, True), folder))
        if self.administers(by):
            assert isinstance(result, list), result
            self.ours_[folder].direct.clear()
        else:
            assert isinstance(result, NOT_FOR_THEM), result

    @rule(by=admins, folder=ours, trashed=st.sampled_from((True, False, False)), on_pages=pages)
    def trash_or_restore(self, by: str, folder: str, trashed: bool, on_pages: bool) -> None:
        it = self.ours_[folder]
        act = folder_life.trash if trashed else folder_life.restore
        result = self.attempt(self._write(act, self.as_(by, on_pages), folder))
        if not self._may_lead(by, on_pages):
            assert isinstance(result, (*NOT_FOR_THEM, WrongState)), result
        elif it.trashed == trashed:
            assert isinstance(result, WrongState), result
        else:
            assert result is None, result
            it.trashed = trashed

    @rule(target=given, by=admins, folder=ours, to=people, level=levels, ends=ends)
    def give(self, by: str, folder: str, to: str, level: str, ends: timedelta | None) -> Any:
        """Somebody, of the project or not, is given a level of their own."""
        it, until = self.ours_[folder], None if ends is None else self.model.at + ends
        result = self.attempt(self._give(by, folder, to, level, until))
        there = [
            one for one in it.direct.values()
            if (one.receiver, one.giver) == (to, by) and not is_over(one.ends_at, self.model.at)
        ]  # fmt: skip
        if not self.administers(by):
            assert isinstance(result, NOT_FOR_THEM), result
        elif it.trashed or there:
            assert isinstance(result, Conflict), result
        elif by == to:
            assert isinstance(result, BadInput), result
        else:
            assert isinstance(result, Grant), result
            it.direct[result.id] = Direct(to, by, level, until)
            return (folder, result.id)
        return multiple()

    async def _give(
        self, by: str, folder: str, to: str, level: str, until: datetime | None
    ) -> Grant | VMShareError:
        wanted = inviting.Wanted(to, level, until, ReceiverKind.PERSON)
        known = {name: frozenset(self.teams[name]) for name in PEOPLE}
        async with self.db.write() as tx:
            [result] = await inviting.invite(tx, self.as_(by, True), folder, [wanted], known)
        return result

    # --- what everybody does ---

    @rule(by=people, folder=ours, yes=st.sampled_from((True, True, False)))
    def answer(self, by: str, folder: str, yes: bool) -> None:
        self.answer_(by, folder, yes)

    def answer_(self, by: str, folder: str, yes: bool) -> None:
        it = self.ours_[folder]
        act = answering.accept if yes else answering.decline
        result = self.attempt(self._write(act, self.person(by), it.grant))
        said = it.answers.get(by)
        if self.member(by) is None:
            assert isinstance(result, NotFound), result
        elif said == "accepted" and not yes:
            assert isinstance(result, Conflict), result
        elif yes and said != "accepted" and it.trashed:
            assert isinstance(result, VMShareError), result
        else:
            assert isinstance(result, Grant), result
            it.answers[by] = "accepted" if yes else "declined"

    @rule(one=given)
    def accept(self, one: tuple[str, str]) -> None:
        folder, grant = one
        it = self.ours_[folder]
        found = it.direct.get(grant)
        receiver = self.row(grant).receiver
        result = self.attempt(self._write(answering.accept, self.person(receiver), grant))
        if found is None or is_over(found.ends_at, self.model.at):
            assert isinstance(result, VMShareError), result
        elif found.accepted or not it.trashed:
            assert isinstance(result, Grant), result
            found.accepted = True
        else:
            assert isinstance(result, VMShareError), result

    @rule(hours=st.sampled_from((1, 24)), written=st.booleans())
    def time_passes(self, hours: int, written: bool) -> None:
        """Whether or not anybody writes the ends down."""
        self.model.at += timedelta(hours=hours)
        if written:
            self.run(self.expiry.catch_up())
            self.run(end_what_is_over(self.db))
