"""Folders in the caller's running sessions."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_vmshare.client.call import Call, Paged, get, reads, segment, send
from jupyterhub_vmshare.api.contract.folders import FastChoice, FolderFast
from jupyterhub_vmshare.api.contract.grants import HolderView
from jupyterhub_vmshare.api.contract.mounts import (
    HoldersPage,
    MountChoice,
    SessionsPage,
    SessionView,
    StoppedPage,
    Stopping,
)


def sessions() -> Paged[SessionView]:
    """The caller's running sessions, oldest first, with the folders in each of them."""
    return Paged(lambda after: get("sessions", SessionsPage), lambda page: list(page.items))


def mount(folder_id: str) -> Call[MountChoice]:
    """Have a folder in the caller's sessions: in those that run, and in those to come.

    The answer says how it stands in each that runs; ``waiting`` becomes ``mounted`` in a moment.
    """
    return send("PUT", _path(folder_id), reads(MountChoice), repeatable=True)


def unmount(folder_id: str) -> Call[MountChoice]:
    """Have a folder in none of the caller's sessions. It stays theirs, and in the panel."""
    return send("DELETE", _path(folder_id), reads(MountChoice), repeatable=True)


def choose_fast(folder_id: str, version: int, *, fast: bool) -> Call[FolderFast]:
    """Choose fast mounts for the caller's folder, or none.

    ``holders`` of the answer are the sessions in which something is open that stays so.
    """
    path, asked = f"folders/{segment(folder_id)}/fast", FastChoice(fast=fast)
    return send("PUT", path, reads(FolderFast), asked, version=version)


def holders(folder_id: str) -> Paged[HolderView]:
    """The sessions that still hold something of the caller's folder, which was taken from them."""
    path = f"folders/{segment(folder_id)}/holders"
    return Paged(lambda after: get(path, HoldersPage), lambda page: list(page.items))


def stop_holders(folder_id: str, sessions: Sequence[str]) -> Call[StoppedPage]:
    """Stop such sessions, with everything that runs in them; each has a result of its own."""
    path, asked = f"folders/{segment(folder_id)}/holders/stop", Stopping(sessions=list(sessions))
    return send("POST", path, reads(StoppedPage), asked)


def _path(folder_id: str) -> str:
    return f"folders/{segment(folder_id)}/mount"
