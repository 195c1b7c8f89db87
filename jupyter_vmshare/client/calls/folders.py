"""Folders: what they are called and where they are in their life."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, reads, segment, send
from jupyterhub_vmshare.api.contract.folders import (
    AliasChoice,
    FolderRename,
    FoldersPage,
    FolderTrashed,
    FolderView,
    NewFolder,
    Trashing,
)
from jupyterhub_vmshare.api.contract.grants import Cut


def folders(
    relation: str | None = None, state: str | None = None, q: str | None = None
) -> Paged[FolderView]:
    """The folders the caller has, by label.

    Args:
        relation: ``mine`` or ``shared_with_me``; both by default.
        state: ``live`` (the default) or ``trashed``.
        q: Only those with this in their label.
    """
    return Paged(
        lambda after: get("folders", FoldersPage, relation=relation, state=state, q=q, after=after),
        lambda page: list(page.items),
    )


def folder(folder_id: str) -> Call[FolderView]:
    """One folder."""
    return get(_path(folder_id), FolderView)


def create_folder(name: str) -> Call[FolderView]:
    """Make a folder of the caller's own."""
    return send("POST", "folders", reads(FolderView), NewFolder(name=name), key=True)


def rename_folder(folder_id: str, name: str, version: int) -> Call[FolderView]:
    """Give it another name, for everybody. ``version`` is that of the `FolderView` seen."""
    asked = FolderRename(name=name)
    return send("PATCH", _path(folder_id), reads(FolderView), asked, version=version)


def choose_alias(folder_id: str, alias: str | None) -> Call[FolderView]:
    """Choose a name of one's own for it; None takes that away."""
    asked = AliasChoice(alias=alias)
    return send("PUT", _path(folder_id, "alias"), reads(FolderView), asked, repeatable=True)


def trash_folder(folder_id: str, *, force: bool = False) -> Call[FolderTrashed]:
    """Put it in the trash; it can be restored.

    Refused while others have it in their running sessions, with their names. ``force`` closes it
    there.
    """
    asked = Trashing(force=True) if force else None
    return send("POST", _path(folder_id, "trash"), reads(FolderTrashed), asked)


def restore_folder(folder_id: str, name: str | None = None) -> Call[FolderView]:
    """Take it out of the trash with its grants, under another name if one is given."""
    asked = None if name is None else FolderRename(name=name)
    return send("POST", _path(folder_id, "restore"), reads(FolderView), asked)


def leave_folder(folder_id: str) -> Call[Cut]:
    """Give up what was shared with the caller; a new invitation is needed to come back."""
    return send("POST", _path(folder_id, "leave"), reads(Cut))


def _path(folder_id: str, *more: str) -> str:
    return "/".join(("folders", segment(folder_id), *more))
