"""Machines for the reconciler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudMissing,
    CloudRefused,
    MachineWanted,
    Power,
    Seed,
    SeenMachine,
)
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import attachments, machine_snapshots, machines
from jupyterhub_vmshare.machines.forgetting import forget_thing
from jupyterhub_vmshare.machines.life import shown_state
from jupyterhub_vmshare.machines.model import MACHINES, Desired, Machine, State
from jupyterhub_vmshare.machines.names import hostname
from jupyterhub_vmshare.machines.telling import tell
from jupyterhub_vmshare.reconcile.kind import GONE, Kind
from jupyterhub_vmshare.reconcile.steps import Step, machine_step
from jupyterhub_vmshare.sharing import store

POWER: Final[Mapping[Power, State]] = {
    Power.CHANGING: State.CHANGING,
    Power.RUNNING: State.RUNNING,
    Power.STOPPED: State.STOPPED,
    Power.FAILED: State.FAILED,
}
Trusted = Callable[[], Awaitable[Sequence[str]]]

LOST: Final = "The cloud has this machine no more."
FAILED: Final = "The cloud says that this machine failed, and not why."
NOT_MADE: Final = "The cloud could not make this machine."
FROM_ELSEWHERE: Final = "It was shut down from inside, or by the cloud."


@dataclass(frozen=True, slots=True)
class SeenWithKeys:
    """What is there of a machine, and the host keys that it has made."""

    machine: SeenMachine | None
    keys: tuple[str, ...] = ()


class Machines(Kind[Machine, SeenWithKeys]):
    """The machines of this installation.

    ``trusted`` says which public keys a new machine believes, as OpenSSH writes them.
    """

    name = "machines"
    table = machines

    def __init__(self, cloud: Cloud, db: Database, trusted: Trusted | None = None) -> None:
        super().__init__(cloud)
        self._db, self._trusted = db, trusted

    def rows(self) -> sa.Select[Any]:
        return MACHINES

    def read(self, row: sa.Row[Any]) -> Machine:
        return Machine.of(row)

    async def look(self, row: Machine) -> SeenWithKeys:
        found = await self._find(row)
        if found is None or found.power is not Power.RUNNING or row.host_keys:
            return SeenWithKeys(found)
        return SeenWithKeys(found, tuple(await self.cloud.host_keys(found.id)))

    async def _find(self, row: Machine) -> SeenMachine | None:
        if row.cloud_id is not None:
            try:
                return await self.cloud.machine(row.cloud_id)
            except CloudMissing:
                if row.made:
                    return None
        ours = [seen for seen in await self.cloud.machines() if seen.mark == row.id]
        return min(ours, key=lambda seen: seen.id, default=None)

    def choose(self, row: Machine, seen: SeenWithKeys) -> Step:
        step = machine_step(row, seen.machine, self.can)
        if step is Step.READ_KEYS and not seen.keys:
            return Step.WAIT
        return step

    async def order(self, step: Step, row: Machine, seen: SeenWithKeys) -> str | None:
        if step is Step.CREATE:
            return await self.cloud.create_machine(await self._wanted(row))
        if seen.machine is None:
            raise CloudMissing(GONE)
        machine_id = seen.machine.id
        if step is Step.REBUILD:
            await self.cloud.rebuild_machine(machine_id, await self._wanted(row))
        elif step is Step.RESIZE:
            await self.cloud.resize_machine(machine_id, row.size)
        elif step is Step.REBOOT:
            hard = row.reboot_hard or seen.machine.power is Power.FAILED
            await self.cloud.reboot_machine(machine_id, hard=hard and self.can.reboot_hard)
        elif step is Step.START:
            await self.cloud.start_machine(machine_id)
        elif step is Step.STOP:
            await self.cloud.stop_machine(machine_id)
        else:  # DELETE or DISCARD
            await self.cloud.delete_machine(machine_id)
        return None

    async def _wanted(self, row: Machine) -> MachineWanted:
        keys = () if self._trusted is None else tuple(await self._trusted())
        seed = Seed(hostname(row.name, row.id), row.id, keys)
        wanted = MachineWanted(mark=row.id, size=row.size, seed=seed, image=row.image)
        if row.snapshot_id is None:
            return wanted
        query = sa.select(machine_snapshots.c.cloud_id).where(
            machine_snapshots.c.id == row.snapshot_id
        )
        async with self._db.read() as conn:
            snapshot = await conn.scalar(query)
        if snapshot is None:
            raise CloudRefused("The snapshot that it is made from is gone.")
        return replace(wanted, image=None, snapshot=snapshot)

    def observed(self, row: Machine, seen: SeenWithKeys) -> dict[str, Any]:
        if seen.machine is None:
            return {}
        values: dict[str, Any] = {"power": POWER[seen.machine.power]}
        if seen.machine.size is not None:
            values["size_seen"] = seen.machine.size
        if seen.machine.address is not None:
            values["address"] = asdict(seen.machine.address)
        return values

    def taken(
        self, step: Step, row: Machine, seen: SeenWithKeys, made: str | None
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if step is Step.CREATE:
            return {"cloud_id": made, "attempts": row.attempts + 1, "power": State.CHANGING}
        if step is Step.ADOPT and seen.machine is not None:
            return {"cloud_id": seen.machine.id, "attempts": row.attempts + 1}
        if step is Step.DISCARD:
            return {"because": _because(seen) or NOT_MADE}
        if step is Step.READ_KEYS:
            return {"host_keys": list(seen.keys), "made": True}
        ordered = row.doing if step is Step.ACCEPTED else step
        if ordered in (Step.REBOOT, Step.START):
            values["reboots_done"] = row.reboots
        if ordered == Step.REBUILD:
            values |= {"rebuilds_done": row.rebuilds, "host_keys": None}
        if ordered in (Step.REBOOT, Step.REBUILD):
            values["doing"] = None  # it is counted: what is asked for from now on is another one
        if seen.machine is not None and seen.machine.power is Power.FAILED:
            values["attempts"] = row.attempts + 1
        return values

    def ended(self, step: Step, row: Machine, seen: SeenWithKeys) -> dict[str, Any]:
        if step is Step.SETTLE:
            done = {"doing": None, "attempts": 0, "because": None}
            return {**done, "made": True, "reboots_done": row.reboots}
        if step is Step.FOLLOW and seen.machine is not None:
            return self._followed(row, seen.machine)
        if step is Step.LOST:
            return {"power": State.MISSING, "because": LOST, "address": None, "host_keys": None}
        if step is Step.BROKEN:
            return {"because": _because(seen) or FAILED, "doing": None}
        return {"because": row.because or NOT_MADE, "cloud_id": None, "power": State.NONE}

    def _followed(self, row: Machine, seen: SeenMachine) -> dict[str, Any]:
        running = seen.power is Power.RUNNING
        went_off = row.desired is Desired.RUNNING and not running
        return {
            "desired": Desired.RUNNING if running else Desired.STOPPED,
            "because": FROM_ELSEWHERE if went_off else row.because,
            "size": seen.size or row.size,
        }

    def refused(
        self, step: Step, row: Machine, seen: SeenWithKeys, error: CloudRefused
    ) -> dict[str, Any]:
        dropped: dict[str, Any] = {"because": error.message, "settled": True, "doing": None}
        if step is Step.CREATE:
            return {**dropped, "cloud_id": None, "power": State.NONE}
        if step is Step.START:
            return {**dropped, "desired": Desired.STOPPED, "reboots_done": row.reboots}
        if step is Step.STOP:
            size = seen.machine.size if seen.machine is not None else None
            return {**dropped, "desired": Desired.RUNNING, "size": size or row.size}
        if step is Step.REBOOT:
            return {**dropped, "reboots_done": row.reboots}
        if step is Step.REBUILD:
            return {**dropped, "rebuilds_done": row.rebuilds}
        if step is Step.RESIZE and seen.machine is not None:
            return {**dropped, "size": seen.machine.size}
        return {"because": error.message}

    async def tell(
        self,
        tx: Transaction,
        before: Machine,
        after: Machine,
        step: Step,
        seen: SeenWithKeys | None = None,
    ) -> None:
        was, now = shown_state(before), shown_state(after)
        because = after.because
        if step is Step.SETTLE and not before.settled and seen is not None:
            # It is as it was wanted, so that nothing in the row says how it came to be so.
            because = because or _notice(seen)
        if (was, before.because) != (now, because):
            await tell(tx, "changed", after, None, state=now, because=because)

    async def lock(self, tx: Transaction, row_id: str) -> None:
        await store.lock(tx, row_id)

    async def forget(self, tx: Transaction, row: Machine) -> None:
        await tell(tx, "gone", row, None)
        await tx.conn.execute(attachments.delete().where(attachments.c.machine_id == row.id))
        await tx.conn.execute(machines.delete().where(machines.c.id == row.id))
        await forget_thing(tx, row.id)


def _notice(seen: SeenWithKeys) -> str | None:
    return None if seen.machine is None else seen.machine.notice


def _because(seen: SeenWithKeys) -> str | None:
    return None if seen.machine is None else seen.machine.because
