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
from tests.sharing.counting import Act, CountingHistories, acts
from tests.sharing.histories import Histories
from tests.sharing.stored import ModelPolicy, ModelSnapshot


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
        self.set_quota_("root-hub", "ana", 1, None)
        return made

    def _filled(self, folder: str, before: int, after: int) -> None:
        self.write_file(Act("write_file", size=before), folder)
        self.take_snapshot(Act("take_snapshot"), folder)
        self.write_file(Act("write_file", size=after), folder)
        self.write_file(Act("write_file", name="b", size=10, announced=False), folder)

    @rule(acts=st.lists(acts, min_size=3, max_size=10))
    def people_work_with_files(self, acts: list[Act]) -> None:
        """Many acts a step: each is cheap, since nobody's lists change."""
        for act in acts:
            folders = list(self.model.folders)
            if not folders:
                return
            getattr(self, act.kind)(act, folders[act.which % len(folders)])
            self.only_files = True
            self.run(self._agree())

    def take_snapshot(self, act: Act, folder: str) -> None:
        it = self.model.folders[folder]
        by = self.actor(act.by, it.owner)
        result = self.attempt(self._write(snapshots.take, self.person(by), folder))
        if not self.may(by, folder):
            self.refused(result, by, folder)
            return
        assert isinstance(result, Snapshot), result
        it.stored.snapshots[result.id] = ModelSnapshot()
        self.settle(act.at_once)

    def delete_snapshot(self, act: Act, _: str) -> None:
        if (found := self._one(act.which)) is None:
            return
        folder, snapshot = found
        it = self.model.folders[folder]
        by = self.actor(act.by, it.owner)
        work = self._write(snapshots.delete, self.person(by), folder, snapshot)
        result = self.attempt(work)
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif not it.stored.snapshots[snapshot].wanted:
            assert isinstance(result, NotFound), result
        else:
            assert result is None, result
            it.stored.snapshots[snapshot].wanted = False
            self.settle(act.at_once)

    def take_file_back(self, act: Act, _: str) -> None:
        if (found := self._one(act.which)) is None:
            return
        folder, snapshot = found
        it, name, overwrite = self.model.folders[folder], act.name, act.overwrite
        known = it.stored.snapshots[snapshot]
        by = self.actor(act.by, it.owner)
        result = self.attempt(self._take_back(by, folder, snapshot, name, overwrite))
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif not known.wanted or (known.state == "done" and name not in known.files):
            assert isinstance(result, NotFound), result
        elif known.state != "done":
            assert isinstance(result, WrongState), result
        else:
            self.came(result, folder, name, known.files[name].size, overwrite)

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

    def plan(self, act: Act, folder: str) -> None:
        """Have them made by themselves, or no more."""
        it, keep = self.model.folders[folder], 2 if act.overwrite else 1
        hours = (None, 1, 24)[act.which % 3] if it.stored.policy else 1
        by = self.actor(act.by, it.owner)
        work = self._write(snapshots.set_policy, self.person(by), folder, hours, keep)
        result = self.attempt(work)
        if not self.may(by, folder):
            self.refused(result, by, folder)
        elif hours is None:
            assert result is None, result
            it.stored.policy = None
        else:
            assert isinstance(result, Policy), result
            it.stored.policy = ModelPolicy(timedelta(hours=hours), keep, self.model.at)
            it.stored.keep_the_newest()

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
