"""Folders in the caller's running sessions."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, reads, segment, send
from jupyterhub_vmshare.api.contract.mounts import MountChoice, SessionsPage, SessionView


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


def _path(folder_id: str) -> str:
    return f"folders/{segment(folder_id)}/mount"
