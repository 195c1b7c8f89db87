"""The histories once more, in which people write and delete files, and owners are charged."""

from __future__ import annotations

from collections.abc import Mapping

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import rule
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import accounts
from jupyterhub_vmshare.errors import Forbidden, NotFound, QuotaExceeded, VMShareError, WrongState
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.storage.port import EntryExists, Writing, shelf_of
from tests.sharing.copying import CopyingHistories
from tests.sharing.handing import HandingHistories
from tests.sharing.histories import Histories, actors
from tests.sharing.played import PEOPLE
from tests.sharing.stored import ModelFile, Stored

names = st.sampled_from(("a", "a", "b"))
overwrites = st.sampled_from((True, True, False))
sizes = st.sampled_from((0, 10, 20, 20, 40))


class CountingHistories(CopyingHistories, HandingHistories):
    """Whoever writes, the owner is charged; and what is deleted gives its room back."""

    @rule(
        by=actors,
        folder=Histories.folders,
        name=names,
        size=sizes,
        overwrite=overwrites,
        announced=st.booleans(),
    )
    def write_file(
        self, by: str, folder: str, name: str, size: int, overwrite: bool, announced: bool
    ) -> None:
        self.write_file_(by, folder, name, size, overwrite, announced)
        self.only_files = True

    def write_file_(
        self, by: str, folder: str, name: str, size: int, overwrite: bool, announced: bool
    ) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        told = size if announced else None
        result = self.attempt(self._write_file(by, folder, name, size, overwrite, told))
        if self.may(by, folder, "edit", "edit_delete"):
            self.came(result, folder, name, size, overwrite)
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

    @rule(by=actors, folder=Histories.folders, name=names)
    def delete_file(self, by: str, folder: str, name: str) -> None:
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        result = self.attempt(self._delete_file(by, folder, name))
        if not self.may(by, folder, "edit_delete"):
            self.refused(result, by, folder)
        elif name not in it.stored.files:
            assert isinstance(result, NotFound), result
        else:
            assert not isinstance(result, VMShareError), result
            del it.stored.files[name]
        self.only_files = True

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
