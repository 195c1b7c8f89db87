"""Folders that a session has directly: a bind of the tree over the guard's directory.

The guard's mount stays below, so what can't be bound is there all the same, at the same level; and
when the guard takes a name away, at an end date too, the kernel takes what is mounted on it along,
in every namespace, whether or not an agent runs.

A bind holds what a read-only mount can hold and nothing else: *Edit* never gets one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Final

from jupyterhub_vmshare.mounts.agent import holders, system
from jupyterhub_vmshare.mounts.agent.binding import Account, NotDirect, bind
from jupyterhub_vmshare.mounts.agent.trees import NoTree, Trees
from jupyterhub_vmshare.mounts.agent.views import Views
from jupyterhub_vmshare.mounts.messages import FolderWanted, SessionWanted

_READ_ONLY: Final = {"view": True, "edit_delete": False}
"""The levels at which a bind gives no more than the guard does, and whether it is read-only."""


class Directs:
    """The binds in the views of this node. Whoever calls these holds the session's lock.

    Args:
        views: Where sessions' mounts are.
        trees: Where the folders are.
    """

    def __init__(self, views: Views, trees: Trees) -> None:
        self._views = views
        self._trees = trees

    def cover(self, session: SessionWanted, folder: FolderWanted) -> None:
        """Put a bind over the folder's directory; one that is there already stays.

        Raises:
            NotDirect: it can't be; the guard's directory is what the session has.
            NoTree: the folder is not in the store.
        """
        if folder.level not in _READ_ONLY:
            raise NotDirect("At Edit nothing is mounted directly: no bind refuses deletes.")
        if session.uid == 0:
            raise NotDirect("Nothing is mounted directly into a session of root.")
        read_only = _READ_ONLY[folder.level]
        if self.there(session.id).get(folder.name) == read_only:
            return
        self.uncover(session.id, folder.name)
        top = self._trees.open(folder.folder)
        try:
            place = self._place(session.id, folder.name)
            owner, shown = Account(*self._trees.owner()), Account(session.uid, session.gid)
            bind(top, place, read_only=read_only, owner=owner, shown=shown)
        finally:
            os.close(top)

    def uncover(self, session: str, name: str) -> None:
        """Take a bind away; what programs have open of it they keep."""
        if name not in self.there(session):
            return
        try:
            while system.unmount(self._place(session, name)):
                pass
        except OSError as error:
            # The guard is dead, and its whole mount is about to go.
            if error.errno != errno.ENOTCONN:
                raise

    def there(self, session: str) -> dict[str, bool]:
        """The names that are covered in a session's view, each with whether it is read-only."""
        below = self._place(session, "")
        return {
            mounted.place.removeprefix(below): mounted.read_only
            for mounted in system.mounts()
            if mounted.place.startswith(below)
        }

    def adopt(self, session: str, given: dict[str, FolderWanted]) -> dict[str, FolderWanted]:
        """What a session has by a guard, with what an earlier agent has put over it; a bind that
        gives something else than its folder's level goes."""
        levels = {folder.name: _READ_ONLY.get(folder.level) for folder in given.values()}
        fitting = set()
        for name, read_only in self.there(session).items():
            if levels.get(name) is read_only:
                fitting.add(name)
            else:
                self.uncover(session, name)
        return {
            identity: replace(folder, direct=folder.name in fitting)
            for identity, folder in given.items()
        }

    def held(self, session: str, folders: Sequence[str]) -> dict[str, set[int]]:
        """The processes of a session that still hold something of these, which it had directly.

        Raises:
            Unsure: nobody can tell.
        """
        if not folders:
            return {}
        with self._opened(folders) as trees:
            return holders.holding(session, self._views.device(), self._trees.root, trees)

    def end_holders(self, session: str, folders: Sequence[str]) -> int:
        """End those of a session that is over: access ends with the session. How many."""
        if not folders:
            return 0
        with self._opened(folders) as trees:
            return holders.end(session, self._views.device(), self._trees.root, trees)

    @contextmanager
    def _opened(self, folders: Sequence[str]) -> Iterator[dict[str, int]]:
        with ExitStack() as stack:
            trees = dict.fromkeys(folders, -1)
            for folder in folders:
                with suppress(NoTree):  # deleted for ever: what was open of it is open all the same
                    trees[folder] = self._trees.open(folder)
                    stack.callback(os.close, trees[folder])
            yield trees

    def _place(self, session: str, name: str) -> str:
        return f"{self._views.path(session)}/m/{name}"
