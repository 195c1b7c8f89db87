"""Snapshots of folders, for their owners."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.files import EntriesAsked, EntriesPage, EntryView, PathAsked
from jupyterhub_vmshare.api.contract.snapshots import (
    Restoring,
    SnapshotPolicyAsked,
    SnapshotPolicyView,
    SnapshotsAsked,
    SnapshotsPage,
    SnapshotState,
    SnapshotView,
)
from jupyterhub_vmshare.api.files import FilesRoute, Sending, view, wanted
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.folders import snapshots
from jupyterhub_vmshare.folders.names import new_place
from jupyterhub_vmshare.folders.snapshots import Policy, Snapshot
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.storage.port import Entry, Reading, Writing, in_snapshot, parse_path

_PIECE = 1 << 20


class SnapshotRoute(FilesRoute):
    """What routes to what is in a snapshot have in common."""

    async def tree(self, action: str, folder_id: str, snapshot_id: str) -> str:
        """The snapshot as a tree, where the caller may do this."""
        db = self.rooms.db
        async with db.read() as conn:
            await permitted(conn, self.caller.person(), action, folder_id, db.clock())
            await snapshots.readable(conn, folder_id, snapshot_id)
        return in_snapshot(folder_id, snapshot_id)


class Snapshots(FilesRoute):
    """A folder's snapshots."""

    path = "/folders/{folder_id}/snapshots"

    @operation("folder.read_snapshot", query=SnapshotsAsked, gives=SnapshotsPage)
    async def get(self, folder_id: str) -> None:
        """A folder's snapshots, the newest first."""
        asked = self.query(SnapshotsAsked)
        await self.permit("read_snapshot", folder_id)
        async with self.rooms.db.read() as conn:
            found = await snapshots.page(conn, folder_id, after=asked.after, limit=asked.limit + 1)
        items = [told(snapshot) for snapshot in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, SnapshotsPage(items=items, next=following))

    @operation("folder.snapshot_folder", gives=SnapshotView, status=202, once=True)
    async def post(self, folder_id: str) -> None:
        """Have a snapshot made; it can be read once it is whole."""
        async with self.once() as tx:
            self.keep(202, told(await snapshots.take(tx, self.caller.person(), folder_id)))
        self.rooms.folders.shelver.wake()


class OneSnapshot(FilesRoute):
    """One snapshot."""

    path = "/folders/{folder_id}/snapshots/{snapshot_id}"

    @operation("folder.read_snapshot", gives=SnapshotView)
    async def get(self, folder_id: str, snapshot_id: str) -> None:
        """How far a snapshot is."""
        await self.permit("read_snapshot", folder_id)
        async with self.rooms.db.read() as conn:
            snapshot = await snapshots.one(conn, folder_id, snapshot_id)
        self.reply(200, told(snapshot))

    @operation("folder.snapshot_folder", status=204)
    async def delete(self, folder_id: str, snapshot_id: str) -> None:
        """Delete a snapshot; what others have of its files stays with them."""
        async with self.rooms.db.write() as tx:
            await snapshots.delete(tx, self.caller.person(), folder_id, snapshot_id)
        self.rooms.folders.shelver.wake()
        self.reply(204)


class SnapshotEntries(SnapshotRoute):
    """Directories of a snapshot."""

    path = "/folders/{folder_id}/snapshots/{snapshot_id}/entries"

    @operation("folder.read_snapshot", query=EntriesAsked, gives=EntriesPage)
    async def get(self, folder_id: str, snapshot_id: str) -> None:
        """What is in a directory of a snapshot: directories first, by name, size or time."""
        asked = self.query(EntriesAsked)
        tree = await self.tree("read_snapshot", folder_id, snapshot_id)
        at = parse_path(asked.path)
        page = await self.store.page(tree, at, wanted(asked))
        items = [view(entry, (*at, entry.name)) for entry in page.items]
        self.reply(200, EntriesPage(path=asked.path, items=items, next=page.next))


class SnapshotDownload(Sending, SnapshotRoute):
    """A file of a snapshot."""

    path = "/folders/{folder_id}/snapshots/{snapshot_id}/download"

    @operation("folder.read_snapshot", query=PathAsked, raw_out="*/*", status=(200, 206))
    async def get(self, folder_id: str, snapshot_id: str) -> None:
        """A file's bytes as they were, or a range of them, as an attachment."""
        tree = await self.tree("read_snapshot", folder_id, snapshot_id)
        await self.send_file(folder_id, "read_snapshot", "attachment", tree=tree)


class SnapshotRestore(SnapshotRoute):
    """Taking a file back."""

    path = "/folders/{folder_id}/snapshots/{snapshot_id}/restore"

    @operation("folder.restore_from_snapshot", takes=Restoring, gives=EntryView)
    async def post(self, folder_id: str, snapshot_id: str) -> None:
        """Take one file of a snapshot back into the folder."""
        asked = self.body(Restoring)
        tree = await self.tree("restore_from_snapshot", folder_id, snapshot_id)
        target = new_place(asked.path if asked.target is None else asked.target)
        reading = await self.store.open(tree, parse_path(asked.path))
        try:
            writing = await self.store.receive(
                folder_id, target, overwrite=asked.overwrite, size=reading.entry.size
            )
            entry = await self._copied(reading, writing, folder_id)
        finally:
            await reading.close()
        self.tell(folder_id, target)
        self.reply(200, view(entry, target))

    async def _copied(self, reading: Reading, writing: Writing, folder_id: str) -> Entry:
        try:
            at = 0
            while piece := await reading.read(at, _PIECE):
                await writing.write(piece)
                at += len(piece)
            await writing.settle()
            await self.permit_still("restore_from_snapshot", folder_id)
            return await writing.publish()
        finally:
            await writing.abandon()


class SnapshotPolicy(Route):
    """How often snapshots are made by themselves."""

    path = "/folders/{folder_id}/snapshot-policy"

    @operation("folder.read_snapshot", gives=SnapshotPolicyView)
    async def get(self, folder_id: str) -> None:
        """How often a folder's snapshots are made, and how many are kept."""
        db = self.rooms.db
        async with db.read() as conn:
            person = self.caller.person()
            await permitted(conn, person, "read_snapshot", folder_id, db.clock())
            policy = await snapshots.policy_of(conn, folder_id)
        self.reply(200, policy_view(policy))

    @operation("folder.snapshot_folder", takes=SnapshotPolicyAsked, gives=SnapshotPolicyView)
    async def put(self, folder_id: str) -> None:
        """Have a snapshot every so many hours, the first at once; null ends that."""
        asked = self.body(SnapshotPolicyAsked)
        async with self.rooms.db.write() as tx:
            policy = await snapshots.set_policy(
                tx, self.caller.person(), folder_id, asked.every_hours, asked.keep
            )
        self.rooms.folders.shelver.look_now()
        self.reply(200, policy_view(policy))


def told(snapshot: Snapshot) -> SnapshotView:
    """A snapshot as it goes over the wire."""
    return SnapshotView(
        id=snapshot.id,
        folder_id=snapshot.thing_id,
        automatic=snapshot.automatic,
        state=SnapshotState(snapshot.state),
        files=snapshot.files,
        bytes=snapshot.bytes,
        because=snapshot.because,
        created_at=snapshot.created_at,
        ended_at=snapshot.ended_at,
    )


def policy_view(policy: Policy | None) -> SnapshotPolicyView:
    """A policy as it goes over the wire."""
    if policy is None:
        return SnapshotPolicyView()
    return SnapshotPolicyView(
        every_hours=policy.every_hours, keep=policy.keep, next_at=policy.next_at
    )


ROUTES = (
    Snapshots,
    OneSnapshot,
    SnapshotEntries,
    SnapshotDownload,
    SnapshotRestore,
    SnapshotPolicy,
)
