"""The histories once more, in which people write and delete files, and owners are charged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import hypothesis.strategies as st
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import accounts
from jupyterhub_vmshare.errors import Forbidden, NotFound, QuotaExceeded, VMShareError, WrongState
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.storage.port import EntryExists, Writing, shelf_of
from tests.sharing.copying import CopyingHistories, numbers
from tests.sharing.handing import HandingHistories
from tests.sharing.histories import actors
from tests.sharing.played import PEOPLE
from tests.sharing.stored import ModelFile, Stored


@dataclass(frozen=True)
class Act:
    """What somebody does with files; each kind of act needs some of these."""

    kind: str
    by: str = "who may"
    which: int = 0
    name: str = "a"
    size: int = 0
    overwrite: bool = True
    announced: bool = True
    at_once: bool = True


acts = st.builds(
    Act,
    kind=st.sampled_from(
        (
            *("write_file", "write_file", "write_file", "delete_file", "limit_owner"),
            *("take_snapshot", "take_snapshot", "delete_snapshot", "take_file_back", "plan"),
        )
    ),
    by=actors,
    which=numbers,
    name=st.sampled_from(("a", "a", "b")),
    size=st.sampled_from((0, 10, 20, 20, 40)),
    overwrite=st.sampled_from((True, True, False)),
    announced=st.booleans(),
    at_once=st.sampled_from((True, True, False)),
)


class CountingHistories(CopyingHistories, HandingHistories):
    """Whoever writes, the owner is charged; and what is deleted gives its room back."""

    def write_file(self, act: Act, folder: str) -> None:
        it = self.model.folders[folder]
        by = self.actor(act.by, it.owner)
        told = act.size if act.announced else None
        work = self._write_file(by, folder, act.name, act.size, act.overwrite, told)
        result = self.attempt(work)
        if self.may(by, folder, "edit", "edit_delete"):
            self.came(result, folder, act.name, act.size, act.overwrite)
        else:
            self.refused(result, by, folder)

    def came(
        self, result: object, folder: str, name: str, size: int, overwrite: bool = False
    ) -> None:
        """A file that somebody may write is there now, or there was a reason why not."""
        it = self.model.folders[folder]
        replaced = it.stored.files.get(name)
        more = size - (0 if replaced is None else replaced.size)
        if replaced is not None and not overwrite:
            assert isinstance(result, EntryExists), result
        elif more > 0 and not self.model.fits(it.owner, more):
            assert isinstance(result, QuotaExceeded), result
            told = (result.what, result.asked, result.left)
            assert told == ("bytes", more, self.model.left(it.owner))
        else:
            assert result is None, result
            it.stored.files[name] = ModelFile(size)

    def may(self, by: str, folder: str, *levels: str) -> bool:
        """Whether they own the folder, or hold one of these levels; in the trash nobody may."""
        return self.model.sees(by).get(folder) in ("owner", *levels)

    def refused(self, result: object, by: str, folder: str) -> None:
        """In the trash, seen but not allowed, or not to be known."""
        it = self.model.folders[folder]
        if by == it.owner or it.trashed:
            assert isinstance(result, (WrongState, Forbidden, NotFound)), result
        else:
            assert isinstance(result, self.refusal(by, folder)), result

    async def _write_file(
        self, by: str, folder: str, name: str, size: int, overwrite: bool, told: int | None
    ) -> None:
        await self.permit(by, "upload", folder)
        writing = await self.store.receive(folder, (name,), overwrite=overwrite, size=told)
        await self.written(writing, b"x" * size)

    async def written(self, writing: Writing, content: bytes) -> None:
        """As routes do it."""
        try:
            await writing.write(content)
            await writing.settle()
            await writing.publish()
        finally:
            await writing.abandon()

    async def permit(self, by: str, action: str, folder: str) -> None:
        """Raises unless they may."""
        async with self.db.read() as conn:
            await permitted(conn, self.person(by), action, folder, self.model.at)

    def delete_file(self, act: Act, folder: str) -> None:
        it, name = self.model.folders[folder], act.name
        by = self.actor(act.by, it.owner)
        result = self.attempt(self._delete_file(by, folder, name))
        if not self.may(by, folder, "edit_delete"):
            self.refused(result, by, folder)
        elif name not in it.stored.files:
            assert isinstance(result, NotFound), result
        else:
            assert not isinstance(result, VMShareError), result
            del it.stored.files[name]

    def limit_owner(self, act: Act, folder: str) -> None:
        """Two of them: what is allowed to some is too much, to others not enough."""
        for owner in (self.model.folders[folder].owner, PEOPLE[act.which % 3]):
            most = None if act.announced else self.model.owns(owner)
            self.set_quota_("root-hub", owner, most, 3 * act.size if act.overwrite else None)

    async def _delete_file(self, by: str, folder: str, name: str) -> None:
        await self.permit(by, "delete_file", folder)
        await self.store.remove(folder, (name,))

    async def agree_on_all(self, conn: AsyncConnection) -> None:
        """The store counts what the model says, each folder by itself, and up to the limit."""
        await super().agree_on_all(conn)
        found = {row.owner: row.id for row in await conn.execute(_ACCOUNTS)}
        for name in PEOPLE:
            mine = self.model.all_of(name)
            assert name in found or not mine, name
            if name in found:
                usage = await self.store.usage(found[name])
                assert usage.limit == self.model.most_bytes.get(name), name
                counted = {tree: used for tree, used in usage.trees.items() if used}
                assert counted == _charges(mine), name


def _charges(folders: Mapping[str, Stored]) -> dict[str, int]:
    """By tree, where there is anything: a folder's files, and all of its snapshots."""
    files = {folder: stored.size for folder, stored in folders.items()}
    shelves = {shelf_of(folder): stored.shelved for folder, stored in folders.items()}
    return {tree: used for tree, used in (files | shelves).items() if used}


_ACCOUNTS = sa.select(accounts.c.owner, accounts.c.id)
