"""The histories once more, in which owners have snapshots made, and take files back from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import initialize, rule
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import snapshots as rows
from jupyterhub_vmshare.errors import NotFound, WrongState
from jupyterhub_vmshare.folders import snapshots
from jupyterhub_vmshare.folders.snapshots import Policy, Snapshot
from jupyterhub_vmshare.storage.port import in_snapshot
from tests.sharing.copying import numbers
from tests.sharing.counting import CountingHistories, names, overwrites
from tests.sharing.histories import Histories, actors
from tests.sharing.stored import ModelPolicy, ModelSnapshot

at_once = st.sampled_from((True, True, False))
"""Whether the worker comes to it before anything else happens."""


class ShelvingHistories(CountingHistories):
    """Snapshots are made and deleted some time after they were asked for, with the room of then."""

    @initialize(target=Histories.folders)
    def one_in_the_trash(self) -> str:
        """With a file, and a snapshot of another one."""
        folder = self.make_folder("cleo")
        self._filled(folder, 20, 10)
        self.trash_or_restore_("who may", folder, True)
        return folder

    @initialize(target=Histories.given)
    def four_invitations(self) -> Any:
        """There is something to lose, and something to take back."""
        made = super().four_invitations()
        self._filled(self.first[0], 20, 20)
        return made

    def _filled(self, folder: str, before: int, after: int) -> None:
        self.write_file_("who may", folder, "a", before, False, True)
        self.take_snapshot_("who may", folder, True)
        self.write_file_("who may", folder, "a", after, True, True)
        self.write_file_("who may", folder, "b", 10, False, False)

    @rule(by=actors, folder=Histories.folders, at_once=at_once)
    def take_snapshot(self, by: str, folder: str, at_once: bool) -> None:
        self.take_snapshot_(by, folder, at_once)
        self.only_files = True

    def take_snapshot_(self, by: str, folder: str, at_once: bool) -> None:
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        result = self.attempt(self._write(snapshots.take, self.person(by), folder))
        if not self.may(by, folder):
            self.refused(result, by, folder)
            return
        assert isinstance(result, Snapshot), result
        it.stored.snapshots[result.id] = ModelSnapshot()
        self.settle(at_once)

    @rule(by=actors, which=numbers, at_once=at_once)
    def delete_snapshot(self, by: str, which: int, at_once: bool) -> None:
        if (found := self._one(which)) is None:
            return
        folder, snapshot = found
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        act = self._write(snapshots.delete, self.person(by), folder, snapshot)
        result = self.attempt(act)
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif not it.stored.snapshots[snapshot].wanted:
            assert isinstance(result, NotFound), result
        else:
            assert result is None, result
            it.stored.snapshots[snapshot].wanted = False
            self.settle(at_once)
        self.only_files = True

    @rule(by=actors, which=numbers, name=names, overwrite=overwrites)
    def take_file_back(self, by: str, which: int, name: str, overwrite: bool) -> None:
        if (found := self._one(which)) is None:
            return
        folder, snapshot = found
        it = self.model.folders[folder]
        known = it.stored.snapshots[snapshot]
        by = self.actor(by, it.owner)
        result = self.attempt(self._take_back(by, folder, snapshot, name, overwrite))
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif not known.wanted or (known.state == "done" and name not in known.files):
            assert isinstance(result, NotFound), result
        elif known.state != "done":
            assert isinstance(result, WrongState), result
        else:
            self.came(result, folder, name, known.files[name].size, overwrite)
        self.only_files = True

    async def _take_back(
        self, by: str, folder: str, snapshot: str, name: str, overwrite: bool
    ) -> None:
        await self.permit(by, "restore_from_snapshot", folder)
        async with self.db.read() as conn:
            await snapshots.readable(conn, folder, snapshot)
        reading = await self.store.open(in_snapshot(folder, snapshot), (name,))
        try:
            size = reading.entry.size
            writing = await self.store.receive(folder, (name,), overwrite=overwrite, size=size)
            await self.written(writing, await reading.read(0, 1000))
        finally:
            await reading.close()

    def _one(self, which: int) -> tuple[str, str] | None:
        """One of all snapshots of folders that are there, and the folder."""
        every = [(f, one) for f, it in self.model.folders.items() for one in it.stored.snapshots]
        return every[which % len(every)] if every else None

    @rule(
        by=actors,
        folder=Histories.folders,
        hours=st.sampled_from((1, 1, 24, None)),
        keep=st.sampled_from((1, 2)),
    )
    def snapshots_by_themselves(self, by: str, folder: str, hours: int | None, keep: int) -> None:
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        act = self._write(snapshots.set_policy, self.person(by), folder, hours, keep)
        result = self.attempt(act)
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif hours is None:
            assert result is None, result
            it.stored.policy = None
        else:
            assert isinstance(result, Policy), result
            it.stored.policy = ModelPolicy(timedelta(hours=hours), keep, self.model.at)
            it.stored.keep_the_newest()
        self.only_files = True

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes_and_ends_are_written(self, hours: int) -> None:
        """All workers have done what there was to do."""
        super().time_passes_and_ends_are_written(hours)
        self.run(self.room.removal.catch_up())
        self.model.going.clear()
        self.run(self.room.shelver.want_due())
        self._those_due_are_wanted()
        self.settle(True)
        self.run(self.room.quota.recount_due())

    def _those_due_are_wanted(self) -> None:
        due = []
        for folder, it in self.model.folders.items():
            policy = it.stored.policy
            if it.trashed or policy is None or policy.next_at > self.model.at:
                continue
            policy.next_at = self.model.at + policy.every
            if all(one.state != "making" for one in it.stored.snapshots.values()):
                due.append(folder)
        found = self.run(self._unsettled())
        fresh = [
            one for one in found if one.id not in self.model.every[one.thing_id].stored.snapshots
        ]
        assert sorted(one.thing_id for one in fresh) == sorted(due)
        for one in fresh:
            self.model.every[one.thing_id].stored.snapshots[one.id] = ModelSnapshot(automatic=True)

    def settle(self, at_once: bool) -> None:
        """The worker does all that is wanted, in the order in which it was."""
        while at_once and (found := self.run(self._unsettled())):
            self.run(self._work_on_snapshot(found[0]))
            self._is_settled(found[0])

    def _is_settled(self, job: Snapshot) -> None:
        it = self.model.every[job.thing_id]
        known = it.stored.snapshots[job.id]
        if not known.wanted:
            del it.stored.snapshots[job.id]
            return
        assert known.state == "making", "it was settled already"
        if self.model.fits(it.owner, it.stored.asked_of(job.id)):
            known.files, known.state = dict(it.stored.files), "done"
        else:
            known.state = "failed"
        it.stored.keep_the_newest()

    async def _unsettled(self) -> list[Snapshot]:
        async with self.db.read() as conn:
            return list(await snapshots.unsettled(conn))

    async def _work_on_snapshot(self, job: Snapshot) -> None:
        lease = await self.leases.take(f"snapshots:{job.thing_id}")
        assert lease is not None
        await self.room.shelver.make(job, lease)

    async def agree_on_all(self, conn: AsyncConnection) -> None:
        """Every snapshot is there that should be, and no other."""
        await super().agree_on_all(conn)
        found = {(row.id, row.thing_id): row.state for row in await conn.execute(_WANTED)}
        assert found == {
            (snapshot, folder): known.state
            for folder, it in self.model.every.items()
            for snapshot, known in it.stored.snapshots.items()
            if known.wanted
        }


_WANTED = sa.select(rows.c.id, rows.c.thing_id, rows.c.state).where(rows.c.wanted)
