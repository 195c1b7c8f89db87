"""Deleting in shared folders from the file browser: there is no trash there.

Jupyter moves what is deleted to the trash of the file system that it lies on. At the top of the
shared folders nobody can make one, so that every deletion would fail.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from jupyter_server.services.contents.filemanager import (
    AsyncFileContentsManager,
    FileContentsManager,
)

from jupyter_vmshare.shared_dir import SharedDir


def delete_shared_files_at_once(manager: Any) -> None:
    """Let a contents manager delete shared files for good, and all others as it did before."""
    if not isinstance(manager, FileContentsManager) or not manager.delete_to_trash:
        return
    at_once = type(manager)(parent=manager.parent, root_dir=manager.root_dir, delete_to_trash=False)
    before = manager.delete_file

    def chosen(path: str) -> Any:
        parts = SharedDir.of_session().parts_of(manager._get_os_path(path.strip("/")))
        return before if parts is None else at_once.delete_file

    def delete_file(path: str) -> Any:
        return chosen(path)(path)

    async def delete_file_awaited(path: str) -> None:
        await (await run_sync(chosen, path))(path)

    is_async = isinstance(manager, AsyncFileContentsManager)
    vars(manager)["delete_file"] = delete_file_awaited if is_async else delete_file
