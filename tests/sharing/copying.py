"""The histories once more, in which people also take copies of folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import initialize, multiple, precondition, rule

from jupyterhub_vmshare.errors import (
    Forbidden,
    NotFound,
    QuotaExceeded,
    VMShareError,
    WrongState,
)
from jupyterhub_vmshare.folders import cloning, life, quota
from jupyterhub_vmshare.folders.cloning import Clone
from tests.sharing.histories import Histories, actors
from tests.sharing.model import ModelFolder
from tests.sharing.owning import OwningHistories
from tests.sharing.played import Ground

numbers = st.integers(0, 20)
"""Which of those that there are."""


@dataclass
class ModelClone:
    """A copy that somebody has asked for, and what became of it."""

    source: str
    owner: str
    name: str
    folder: str
    wanted: bool = True
    state: str = "copying"


class CopyingHistories(OwningHistories):
    """Owners let others copy, or not; who has asked gets theirs later, if they still may."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.cloneable: set[str] = set()
        self.copies: dict[str, ModelClone] = {}

    @initialize(target=Histories.given)
    def four_invitations(self) -> Any:
        """Somebody has asked for a copy already, and may lose it with their access."""
        made = Histories.four_invitations(self)
        mine, bens = self.first
        self.set_quota("root-hub", "ben", 2, 40)
        self.let_("who may", mine, True)
        for by, folder in (("ben", mine), ("ben", mine), ("ana", mine), ("cleo", bens)):
            self.ask_(by, folder)  # ben's second is one too many, and cleo may not
        return made

    @rule(by=actors, folder=Histories.folders, may=st.sampled_from((True, True, False)))
    def let_others_copy(self, by: str, folder: str, may: bool) -> None:
        self.let_(by, folder, may)

    def let_(self, by: str, folder: str, may: bool) -> None:
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        act = self._write(life.change_settings, self.person(by), folder, cloneable=may)
        result = self.attempt(act)
        if by != it.owner:
            assert isinstance(result, self.refusal(by, folder)), result
        elif it.trashed:
            assert isinstance(result, WrongState), result
        else:
            assert result is None, result
            self.cloneable = self.cloneable | {folder} if may else self.cloneable - {folder}

    @rule(by=actors, folder=Histories.folders)
    def ask_for_a_copy(self, by: str, folder: str) -> None:
        self.ask_(by, folder)

    def ask_(self, by: str, folder: str) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        name = f"folder {next(self.numbers)}"
        result = self.attempt(self._ask(by, folder, name))
        if not self.may_copy(by, folder):
            assert isinstance(result, (NotFound, Forbidden, WrongState)), result
        elif not self.has_room_besides_copies(by):
            assert isinstance(result, QuotaExceeded), result
        else:
            assert isinstance(result, Clone), result
            self.copies[result.id] = ModelClone(folder, by, name, result.folder_id)

    def may_copy(self, by: str, folder: str) -> bool:
        it = self.model.folders.get(folder)
        if it is None or it.trashed:
            return False
        return it.owner == by or (folder in self.cloneable and folder in self.model.sees(by))

    def has_room_besides_copies(self, owner: str) -> bool:
        """Copies under way are counted when one more is asked for."""
        most = self.model.most.get(owner)
        waiting = sum(it.owner == owner and it.state == "copying" for it in self.copies.values())
        return most is None or self.model.owns(owner) + waiting < most

    async def _ask(self, by: str, folder: str, name: str) -> Clone:
        async with self.db.write() as tx:
            account = await quota.opened(tx, by, self.room.quota.defaults)
            return await cloning.ask(tx, self.person(by), folder, name, account)

    @precondition(lambda self: any(it.state == "copying" for it in self.copies.values()))
    @rule(target=Histories.folders, which=numbers)
    def the_tree_is_whole(self, which: int) -> Any:
        """The worker copies everything; whether it is theirs is decided at the end."""
        waiting = [clone for clone, it in self.copies.items() if it.state == "copying"]
        clone = waiting[which % len(waiting)]
        known = self.copies[clone]
        known.state = self.ends_as(known)
        made = self.run(self._work_on(clone))
        assert made.state == known.state, made
        if known.state != "done":
            return multiple()
        stored = self.model.folders[known.source].stored.copied()
        assert (made.files, made.bytes) == (len(stored.files), stored.size)
        self.model.folders[known.folder] = ModelFolder(known.owner, known.name, stored=stored)
        return known.folder

    def ends_as(self, known: ModelClone) -> str:
        """It is charged to who asked, who may still have it or not."""
        if not known.wanted:
            return "cancelled"
        may = self.may_copy(known.owner, known.source) and self.model.has_room(known.owner)
        if not may:
            return "failed"
        size = self.model.folders[known.source].stored.size
        return "done" if self.model.fits(known.owner, size) else "failed"

    async def _work_on(self, clone_id: str) -> Clone:
        async with self.db.read() as conn:
            clone = await cloning.one(conn, clone_id)
        lease = await self.leases.take(f"clone:{clone_id}")
        assert lease is not None
        await self.room.cloner.make(clone, lease)
        async with self.db.read() as conn:
            return await cloning.one(conn, clone_id)

    @precondition(lambda self: self.copies)
    @rule(by=actors, which=numbers)
    def give_up(self, by: str, which: int) -> None:
        """Of one that is under way; one that has ended is forgotten."""
        clone = list(self.copies)[which % len(self.copies)]
        known = self.copies[clone]
        by = self.actor(by, known.owner)
        result = self.attempt(self._write(cloning.give_up, by, clone))
        if by != known.owner:
            assert isinstance(result, NotFound), result
        elif known.state == "copying":
            assert not isinstance(result, VMShareError), result
            known.wanted = False
        else:
            assert not isinstance(result, VMShareError), result
            del self.copies[clone]
