"""Copies of folders, made as folders of the caller's own."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.clones import ClonesPage, CloneView, NewClone
from jupyterhub_vmshare.api.contract.folders import FolderSettings, FolderView


def clone_folder(folder_id: str, name: str) -> Call[CloneView]:
    """Have a copy of a folder made; it is there once its state is ``done``."""
    path = f"folders/{segment(folder_id)}/clones"
    return send("POST", path, reads(CloneView), NewClone(name=name), key=True)


def clones() -> Paged[CloneView]:
    """The caller's copies, under way and ended, the newest first."""
    return Paged(
        lambda after: get("clones", ClonesPage, after=after), lambda page: list(page.items)
    )


def clone(clone_id: str) -> Call[CloneView]:
    """How far a copy is."""
    return get(f"clones/{segment(clone_id)}", CloneView)


def give_up_clone(clone_id: str) -> Call[None]:
    """Give up a copy that is under way, or forget one that has ended; the folder stays."""
    return send("DELETE", f"clones/{segment(clone_id)}", nothing)


def change_settings(folder_id: str, *, cloneable: bool) -> Call[FolderView]:
    """Say whether others may copy the caller's folder."""
    path, asked = f"folders/{segment(folder_id)}/settings", FolderSettings(cloneable=cloneable)
    return send("PATCH", path, reads(FolderView), asked, repeatable=True)
