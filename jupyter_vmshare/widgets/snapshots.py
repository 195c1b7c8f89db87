"""Snapshots of one's folders, for notebooks and the command line."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import snapshots as calls
from jupyter_vmshare.client.transfer import Progress, Received, free_target, replacing
from jupyter_vmshare.client.twins import twin, twin_property
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.tables import Entries, Table
from jupyterhub_vmshare.api.contract.files import EntryView
from jupyterhub_vmshare.api.contract.snapshots import SnapshotPolicyView, SnapshotView


class SnapshotTable(Table[SnapshotView]):
    """A folder's snapshots, the newest first."""

    heads = ("Snapshot", "Made", "State", "Files", "New bytes", "By")
    empty = "No snapshots. folder.snapshot() makes one."

    def row(self, item: SnapshotView) -> tuple[str, ...]:
        """Id, moment, state, files, bytes of its own, by whom."""
        by = "policy" if item.automatic else "owner"
        state = item.because or item.state.value
        size = cards.size(item.bytes)
        return item.id, shown(item.created_at), state, str(item.files), size, by


class SnapshotVerbs(FolderHandle):
    """Methods on a folder's snapshots. Its owner only."""

    @twin
    def snapshot(self) -> Steps[SnapshotView]:
        """Have a snapshot made; it can be read once its state is ``done``."""
        made: SnapshotView = yield calls.take_snapshot(self.id)
        return made

    @twin
    def snapshots(self) -> Steps[SnapshotTable]:
        """Its snapshots, the newest first."""
        found = yield from calls.snapshots(self.id).steps()
        return SnapshotTable(found, "Snapshots")

    @twin
    def delete_snapshot(self, snapshot_id: str) -> Steps[None]:
        """Delete one; what others have of its files stays with them."""
        yield calls.delete_snapshot(self.id, snapshot_id)

    @twin
    def files_then(
        self,
        snapshot_id: str,
        path: str = "",
        limit: int = 1000,
        *,
        order: str = "name",
        descending: bool = False,
    ) -> Steps[Entries]:
        """What was in a directory when the snapshot was made; in an order, as `files` has it."""
        paged = calls.snapshot_entries(
            self.id, snapshot_id, path, order=order, descending=descending
        )
        found = yield from paged.steps(limit + 1)
        return Entries(found[:limit], path or "Snapshot", more=len(found) > limit)

    @twin
    def download_then(
        self,
        snapshot_id: str,
        path: str,
        to: str | os.PathLike[str] = ".",
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[Path]:
        """Copy a file here as it was when the snapshot was made; see `download`."""
        target = free_target(path, to, overwrite)
        with replacing(target) as file:
            sink = Received(file, progress)
            yield calls.snapshot_download(self.id, snapshot_id, path, sink)
        return target

    @twin
    def restore_file(
        self,
        snapshot_id: str,
        path: str,
        *,
        target: str | None = None,
        overwrite: bool = False,
    ) -> Steps[EntryView]:
        """Take one file of a snapshot back, to its own path or to ``target``."""
        entry: EntryView = yield calls.restore_file(
            self.id, snapshot_id, path, target=target, overwrite=overwrite
        )
        return entry

    @twin
    def snapshot_every(self, hours: int | None, keep: int = 24) -> Steps[SnapshotPolicyView]:
        """Have a snapshot made every so many hours, and so many kept; None ends that."""
        policy: SnapshotPolicyView = yield calls.set_snapshot_policy(self.id, hours, keep)
        return policy

    @twin_property
    def snapshot_policy(self) -> Steps[SnapshotPolicyView]:
        """How often snapshots are made by themselves, and how many of those are kept."""
        policy: SnapshotPolicyView = yield calls.snapshot_policy(self.id)
        return policy
