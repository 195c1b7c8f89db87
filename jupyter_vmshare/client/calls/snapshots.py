"""Snapshots of the caller's own folders."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, Sink, get, nothing, reads, segment, send
from jupyter_vmshare.client.calls.files import ordered
from jupyterhub_vmshare.api.contract.files import EntriesPage, EntryView
from jupyterhub_vmshare.api.contract.snapshots import (
    Restoring,
    SnapshotPolicyAsked,
    SnapshotPolicyView,
    SnapshotsPage,
    SnapshotView,
)


def snapshots(folder_id: str) -> Paged[SnapshotView]:
    """A folder's snapshots, the newest first."""
    return Paged(
        lambda after: get(_path(folder_id), SnapshotsPage, after=after),
        lambda page: list(page.items),
    )


def take_snapshot(folder_id: str) -> Call[SnapshotView]:
    """Have a snapshot made; it can be read once its state is ``done``."""
    return send("POST", _path(folder_id), reads(SnapshotView), key=True)


def snapshot(folder_id: str, snapshot_id: str) -> Call[SnapshotView]:
    """How far a snapshot is."""
    return get(_path(folder_id, snapshot_id), SnapshotView)


def delete_snapshot(folder_id: str, snapshot_id: str) -> Call[None]:
    """Delete a snapshot; what others have of its files stays with them."""
    return send("DELETE", _path(folder_id, snapshot_id), nothing)


def snapshot_entries(
    folder_id: str,
    snapshot_id: str,
    path: str = "",
    *,
    order: str = "name",
    descending: bool = False,
) -> Paged[EntryView]:
    """What was in a directory: directories first, then by ``name``, ``size`` or ``modified``."""
    where, how = _path(folder_id, snapshot_id, "entries"), ordered(order, descending)
    return Paged(
        lambda after: get(where, EntriesPage, path=path, after=after, **how),
        lambda page: list(page.items),
    )


def snapshot_download(folder_id: str, snapshot_id: str, path: str, sink: Sink) -> Call[None]:
    """A file's bytes as they were, handed to ``sink`` as they come."""
    params, where = {"path": path}, _path(folder_id, snapshot_id, "download")
    return Call("GET", where, nothing, params, sink=sink, repeatable=True)


def restore_file(
    folder_id: str,
    snapshot_id: str,
    path: str,
    *,
    target: str | None = None,
    overwrite: bool = False,
) -> Call[EntryView]:
    """Take one file back into the folder, to its own path or to ``target``."""
    asked = Restoring(path=path, target=target, overwrite=overwrite)
    return send("POST", _path(folder_id, snapshot_id, "restore"), reads(EntryView), asked)


def snapshot_policy(folder_id: str) -> Call[SnapshotPolicyView]:
    """How often snapshots are made by themselves, and how many of those are kept."""
    return get(f"folders/{segment(folder_id)}/snapshot-policy", SnapshotPolicyView)


def set_snapshot_policy(
    folder_id: str, every_hours: int | None, keep: int = 24
) -> Call[SnapshotPolicyView]:
    """Have a snapshot every so many hours, and so many kept; None ends that."""
    asked = SnapshotPolicyAsked(every_hours=every_hours, keep=keep)
    path = f"folders/{segment(folder_id)}/snapshot-policy"
    return send("PUT", path, reads(SnapshotPolicyView), asked, repeatable=True)


def _path(folder_id: str, *more: str) -> str:
    return "/".join(("folders", segment(folder_id), "snapshots", *map(segment, more)))
