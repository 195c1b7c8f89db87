"""Deleting and renaming in shared folders from the file browser.

Jupyter moves what is deleted to the trash of the file system that it lies on. At the top of the
shared folders nobody can make one, so that every deletion would fail. And what it may not rename
it copies, and then can't remove: there would be two. Where either is refused, a sentence says why.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import os
from typing import Any, Final

from anyio.to_thread import run_sync
from jupyter_server.services.contents.filemanager import (
    AsyncFileContentsManager,
    FileContentsManager,
)
from tornado.web import HTTPError

from jupyter_vmshare.shared_dir import SharedDir

_FOLDER: Final = (
    "A shared folder as a whole is renamed, left or put in the trash in the panel of shared "
    "folders, not in the file browser."
)
_AT_EDIT: Final = (
    "{name!r} can't be {done} here. At Edit you {may}; the folder's owner can do it, or give you "
    "Edit + Delete."
)
_DELETED: Final = (
    "deleted",
    "may delete what you made yourself a short while ago, and nothing else",
)
_RENAMED: Final = ("renamed or moved", "may rename what you made yourself, within its directory")


def change_shared_files_as_they_can_be(manager: Any) -> None:
    """Let a contents manager delete and rename shared files in the ways that work there, and all
    others as it did before."""
    if not isinstance(manager, FileContentsManager):
        return
    is_async = isinstance(manager, AsyncFileContentsManager)
    deleting, renaming = _Deleting(manager), _Renaming(manager)
    own = vars(manager)
    own["delete_file"] = deleting.awaited if is_async else deleting
    own["rename_file"] = renaming.awaited if is_async else renaming


class _Deleting:
    """``delete_file``: without a trash, in shared folders."""

    def __init__(self, manager: FileContentsManager) -> None:
        self._manager = manager
        at_once = type(manager)(
            parent=manager.parent, root_dir=manager.root_dir, delete_to_trash=False
        )
        self._at_once, self._before = at_once.delete_file, manager.delete_file

    def __call__(self, path: str) -> Any:
        parts = _parts(self._manager, path)
        if parts is None:
            return self._before(path)
        try:
            return self._at_once(path)
        except HTTPError as error:
            raise _explained(error, parts, *_DELETED) from error

    async def awaited(self, path: str) -> None:
        parts = await run_sync(_parts, self._manager, path)
        if parts is None:
            await self._before(path)
            return
        try:
            await self._at_once(path)
        except HTTPError as error:
            raise _explained(error, parts, *_DELETED) from error


class _Renaming:
    """``rename_file``: one rename and no copy, within a shared folder."""

    def __init__(self, manager: FileContentsManager) -> None:
        self._manager, self._before = manager, manager.rename_file

    def __call__(self, old_path: str, new_path: str) -> Any:
        if not self._is_done(old_path, new_path):
            return self._before(old_path, new_path)
        return None

    async def awaited(self, old_path: str, new_path: str) -> None:
        if not await run_sync(self._is_done, old_path, new_path):
            await self._before(old_path, new_path)

    def _is_done(self, old_path: str, new_path: str) -> bool:
        """Whether it was renamed here; if not, whatever there is to say is Jupyter's to say."""
        parts, new_parts = _parts(self._manager, old_path), _parts(self._manager, new_path)
        if parts is None or new_parts is None or parts[0] != new_parts[0]:
            return False
        old, new = (self._manager._get_os_path(path.strip("/")) for path in (old_path, new_path))
        is_hidden = any(part.startswith(".") for part in f"{old_path}/{new_path}".split("/"))
        if os.path.lexists(new) or (is_hidden and not self._manager.allow_hidden):
            return False
        try:
            os.rename(old, new)
        except PermissionError as error:
            raise _explained(HTTPError(403), parts, *_RENAMED) from error
        except OSError:
            return False
        return True


def _parts(manager: FileContentsManager, path: str) -> tuple[str, ...] | None:
    return SharedDir.of_session().parts_of(manager._get_os_path(path.strip("/")))


def _explained(error: HTTPError, parts: tuple[str, ...], done: str, may: str) -> HTTPError:
    if error.status_code != 403:
        return error
    if len(parts) == 1:
        return HTTPError(403, _FOLDER)
    return HTTPError(403, _AT_EDIT.format(name=parts[-1], done=done, may=may))
