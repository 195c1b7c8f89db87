"""Checkpoints of notebooks in shared folders: in the person's own space, not in everybody's.

JupyterLab keeps one checkpoint a notebook in a directory beside it. In a shared folder that
directory would appear to everybody, and one person's checkpoint would replace another's.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from jupyter_core.paths import jupyter_data_dir
from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints, FileCheckpoints
from jupyter_server.services.contents.filemanager import (
    AsyncFileContentsManager,
    FileContentsManager,
)
from traitlets import Unicode
from traitlets.config import Config

from jupyter_vmshare.shared_dir import SharedDir

# In bytes. Longer names, to which nothing could be added, are known by their hash.
LONGEST_NAME = 200


class SharedFileCheckpoints(FileCheckpoints):
    """Keeps the checkpoints of shared files apart; those of other files stay where they were."""

    own_dir = Unicode(
        help="""The directory with the checkpoints of shared files, absolute. By default
        vmshare/checkpoints in Jupyter's data directory, which is the person's own. Since 0.1.""",
    ).tag(config=True)

    def _own_dir_default(self) -> str:
        return os.path.join(jupyter_data_dir(), "vmshare", "checkpoints")

    def checkpoint_path(self, checkpoint_id: str, path: str) -> str:
        """Where a file's checkpoint is; the directory for it is made."""
        place = self._own_place(path)
        if place is None:
            return str(super().checkpoint_path(checkpoint_id, path))
        with self.perm_to_403():
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return str(place / f"{checkpoint_id}{Path(path).suffix}")

    def create_checkpoint(self, contents_mgr: Any, path: str) -> Any:
        """Copy the file as it is now."""
        if self._own_place(path) is None:
            return super().create_checkpoint(contents_mgr, path)
        target = self.checkpoint_path("checkpoint", path)
        with self.perm_to_403():
            _copy_whole(contents_mgr._get_os_path(path), target)
        return self.checkpoint_model("checkpoint", target)

    def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Checkpoints go with their file, and with their directory."""
        old, new = self._own_place(old_path), self._own_place(new_path)
        if old is None or new is None:
            super().rename_all_checkpoints(old_path, new_path)
        elif old.is_dir():
            # What is left of something that had the new name before is of no use.
            shutil.rmtree(new, ignore_errors=True)
            new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            old.rename(new)

    def delete_all_checkpoints(self, path: str) -> None:
        """A file's, or those of everything in a directory."""
        place = self._own_place(path)
        if place is None:
            super().delete_all_checkpoints(path)
        else:
            shutil.rmtree(place, ignore_errors=True)

    def _own_place(self, path: str) -> Path | None:
        """The directory for what is at a path, and for what is below it; None: not shared."""
        parts = SharedDir.of_session().parts_of(self._get_os_path(path.strip("/")))
        return None if parts is None else Path(self.own_dir, *(_part(name) for name in parts))


class AsyncSharedFileCheckpoints(AsyncFileCheckpoints):
    """The same in a thread: a mount that hangs must not stop the whole notebook server."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._kept = SharedFileCheckpoints(
            parent=self.parent, checkpoint_dir=self.checkpoint_dir, root_dir=self.root_dir
        )

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> Any:
        """Copy the file as it is now."""
        return await run_sync(self._kept.create_checkpoint, contents_mgr, path)

    async def restore_checkpoint(self, contents_mgr: Any, checkpoint_id: str, path: str) -> None:
        """Copy the checkpoint back."""
        await run_sync(self._kept.restore_checkpoint, contents_mgr, checkpoint_id, path)

    async def rename_checkpoint(self, checkpoint_id: str, old_path: str, new_path: str) -> None:
        """A checkpoint goes with its file."""
        await run_sync(self._kept.rename_checkpoint, checkpoint_id, old_path, new_path)

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Delete one."""
        await run_sync(self._kept.delete_checkpoint, checkpoint_id, path)

    async def list_checkpoints(self, path: str) -> Any:
        """A file's checkpoints: one at most."""
        return await run_sync(self._kept.list_checkpoints, path)

    async def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Checkpoints go with their file, and with their directory."""
        await run_sync(self._kept.rename_all_checkpoints, old_path, new_path)

    async def delete_all_checkpoints(self, path: str) -> None:
        """And those of everything in a directory."""
        await run_sync(self._kept.delete_all_checkpoints, path)


def switch_on(config: Config, manager: type) -> Config:
    """What to add to a server's configuration; nothing where the operator chose checkpoints.

    A file of configuration could not do this: sections of subclasses go before those of their
    bases, so that ours for asynchronous managers would go before the operator's for all.
    """
    is_chosen = any(
        name.startswith("checkpoints")
        for each in manager.__mro__
        for name in config.get(each.__name__, {})
    )
    if is_chosen or not issubclass(manager, FileContentsManager):
        return Config()
    is_async = issubclass(manager, AsyncFileContentsManager)
    kept = AsyncSharedFileCheckpoints if is_async else SharedFileCheckpoints
    return Config({manager.__name__: {"checkpoints_class": kept}})


def _part(name: str) -> str:
    """A directory's name for one part of a path: never that of a checkpoint."""
    if len(name.encode(errors="surrogateescape")) > LONGEST_NAME:
        name = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    return f"={name}"


def _copy_whole(source: str, target: str) -> None:
    """Copy with its times, not with its mode: a read-only one could not be replaced."""
    told = os.stat(source)
    number, new = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".new-")
    try:
        with os.fdopen(number, "wb") as copy, open(source, "rb") as original:
            shutil.copyfileobj(original, copy)
        os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns))
        os.replace(new, target)
    except BaseException:
        os.unlink(new)
        raise
