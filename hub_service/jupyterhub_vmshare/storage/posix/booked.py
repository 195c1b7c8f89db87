"""A store's trees, and the accounts in which their bytes are counted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.storage.port import Usage, shelf_of
from jupyterhub_vmshare.storage.posix.accounts import Accounts
from jupyterhub_vmshare.storage.posix.charging import Charge, account_of, bytes_in, name_account
from jupyterhub_vmshare.storage.posix.copying import Copying
from jupyterhub_vmshare.storage.posix.handles import Threads, drafts_of
from jupyterhub_vmshare.storage.posix.parts import parts_of
from jupyterhub_vmshare.storage.posix.tree import walked

FILES: Final = "files"
SNAPSHOTS: Final = "snapshots"
ID: Final = re.compile(ID_PATTERN)


class Booked:
    """What a `PosixStore` does with accounts."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        # Copies take minutes, and must not keep everybody else waiting.
        self._copies = Threads(2)
        self._root = self._incoming = self._parts = -1
        self._accounts = Accounts(-1)

    async def set_limit(self, account: str, limit: int | None) -> None:
        """How many bytes the trees of an account may hold from now on."""
        await self._threads.run(lambda: self._accounts.set_limit(account, limit))

    async def usage(self, account: str) -> Usage:
        """What the trees of an account hold, without looking at any of them."""
        found = await self._threads.run(lambda: self._accounts.look(account))
        return Usage(found.limit, {tree: record.used for tree, record in found.trees.items()})

    async def charge(self, folder_id: str, account: str, before: str | None = None) -> None:
        """Count a tree in this account from now on, with all that is in it."""
        await self._threads.run(lambda: self._recharge(folder_id, account, before))

    def _recharge(self, folder_id: str, account: str, before: str | None) -> None:
        with self._home(folder_id) as home:
            old = before or account_of(home)
            moves = old is not None and old != account
            had = self._accounts.look(old).trees if old is not None and moves else {}
            if old is None:
                # Before it is counted: whoever gives the tree up later finds out by that where.
                name_account(home, account)
            # Counted twice for a moment, never not at all.
            for tree, record in had.items():
                if tree == shelf_of(folder_id):
                    self._accounts.add(account, tree, record.used)
            self._accounts.add(account, folder_id, had[folder_id].used if folder_id in had else 0)
            if account_of(home) != account:
                name_account(home, account)
            if old is not None and moves:
                self._remove(old, folder_id)
            if not self._is_home(folder_id, home):
                # Given up meanwhile, and perhaps before it was counted here.
                self._remove(account, folder_id)

    def _is_home(self, folder_id: str, home: int) -> bool:
        try:
            with self._home(folder_id) as now:
                return os.path.samestat(os.fstat(now), os.fstat(home))
        except NotFound:
            return False

    async def recount(self, folder_id: str) -> None:
        """Walk through a tree and mend what its account says of it, while people work in it."""
        await self._threads.run(lambda: self._recount(folder_id))

    async def copy_tree(self, source: str, target: str, tell: Callable[[int, int], bool]) -> None:
        """Copy all of a tree into an empty one."""

        def work() -> None:
            with self._tree(source) as old, self._tree(target) as new:
                Copying(old, new, self._charge(target), tell).run()

        await self._copies.run(work)

    def _recount(self, folder_id: str) -> None:
        account = self._charge(folder_id).account
        before = None if account is None else self._accounts.look(account).trees.get(folder_id)
        if account is None or before is None:
            return
        with self._tree(folder_id) as top:
            counted = bytes_in(top) + self._under_way(folder_id)
        self._accounts.correct(account, folder_id, before, counted)
        shelf = self._accounts.look(account).trees.get(shelf_of(folder_id))
        if shelf is not None:
            self._accounts.correct(account, shelf_of(folder_id), shelf, self._on_shelf(folder_id))

    def _under_way(self, folder_id: str) -> int:
        """The bytes counted for what is being uploaded."""
        return drafts_of(self._incoming, folder_id) + parts_of(self._parts, folder_id)

    def _on_shelf(self, folder_id: str) -> int:
        """The bytes of all snapshots of a tree, each once however many of them have it."""
        try:
            with self._home(folder_id) as home, walked(home, (SNAPSHOTS,)) as shelf:
                return bytes_in(shelf)
        except FileNotFoundError:
            return 0

    def _charge(self, folder_id: str) -> Charge:
        """Where a tree's bytes are counted; of one that is gone, nowhere."""
        try:
            with self._home(folder_id) as home:
                return Charge(self._accounts, account_of(home), folder_id)
        except NotFound:
            return Charge(self._accounts, None, folder_id)

    def _demand(self, charge: Charge, size: int | None, replaced: int) -> None:
        if size is not None and charge.account is not None:
            self._accounts.demand(charge.account, size - replaced)

    def _uncount(self, folder_id: str, home: int) -> None:
        if (account := account_of(home)) is not None:
            self._remove(account, folder_id)

    def _remove(self, account: str, folder_id: str) -> None:
        for tree in (folder_id, shelf_of(folder_id)):
            self._accounts.remove(account, tree)

    def _uncount_draft(self, folder_id: str, size: int) -> None:
        self._charge(folder_id).grow(-size)

    @contextmanager
    def _home(self, folder_id: str) -> Iterator[int]:
        with ExitStack() as stack:
            try:
                home = stack.enter_context(walked(self._root, home_of(folder_id)))
            except FileNotFoundError:
                raise NotFound("The files of this folder are not in the store.") from None
            yield home

    @contextmanager
    def _tree(self, folder_id: str) -> Iterator[int]:
        """The top of a folder's tree."""
        with ExitStack() as stack:
            try:
                top = stack.enter_context(walked(self._root, (*home_of(folder_id), FILES)))
            except FileNotFoundError:
                raise NotFound("The files of this folder are not in the store.") from None
            yield top


def home_of(folder_id: str) -> tuple[str, str]:
    """The way from the store's root to a folder's directory."""
    # The one place where an id becomes part of a path.
    if not ID.fullmatch(folder_id):
        raise NotFound()
    return folder_id[-2:], folder_id
