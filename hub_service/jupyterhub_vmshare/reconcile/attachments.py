"""Drives on machines for the reconciler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudMissing,
    CloudRefused,
    SeenDrive,
    SeenMachine,
)
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import attachments
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.drives import go_on
from jupyterhub_vmshare.machines.model import Attachment, Desired, Drive, Machine, State
from jupyterhub_vmshare.machines.telling import tell_of_attachment
from jupyterhub_vmshare.reconcile.kind import Kind
from jupyterhub_vmshare.reconcile.steps import Step, attachment_step


@dataclass(frozen=True, slots=True)
class SeenBoth:
    """The drive and the machine, each if it is there."""

    drive: SeenDrive | None
    machine: SeenMachine | None
    in_vain: str | None = None
    """Why nothing will come of it by itself, where one of the two is beyond repair."""


def in_vain(drive: Drive, machine: Machine) -> str | None:
    """Why nothing will come of it until somebody does something about one of the two."""
    if machine.settled and machine.power in (State.NONE, State.FAILED, State.MISSING):
        return f"{machine.name} is not in order. Start it, or rebuild it."
    if drive.settled and drive.state in (State.NONE, State.FAILED, State.MISSING):
        return f"{drive.name} is not in order."
    return None


class Attachments(Kind[Attachment, SeenBoth]):
    """Which drives are on which machines."""

    name = "attachments"
    table = attachments

    def __init__(self, cloud: Cloud, db: Database) -> None:
        super().__init__(cloud)
        self._db = db

    def rows(self) -> sa.Select[Any]:
        return attachments.select()

    def read(self, row: sa.Row[Any]) -> Attachment:
        return Attachment.of(row)

    async def look(self, row: Attachment) -> SeenBoth:
        async with self._db.read() as conn:
            drive = await model.drive(conn, row.drive_id)
            machine = await model.machine(conn, row.machine_id)
        return SeenBoth(
            None if drive.cloud_id is None else await self._drive(drive.cloud_id),
            None if machine.cloud_id is None else await self._machine(machine.cloud_id),
            in_vain(drive, machine),
        )

    async def _drive(self, drive: str) -> SeenDrive | None:
        try:
            return await self.cloud.drive(drive)
        except CloudMissing:
            return None

    async def _machine(self, machine: str) -> SeenMachine | None:
        try:
            return await self.cloud.machine(machine)
        except CloudMissing:
            return None

    def choose(self, row: Attachment, seen: SeenBoth) -> Step:
        hopeless = seen.in_vain is not None
        return attachment_step(row, seen.drive, seen.machine, self.can, in_vain=hopeless)

    async def order(self, step: Step, row: Attachment, seen: SeenBoth) -> str | None:
        if seen.drive is None or seen.machine is None:
            raise CloudMissing("One of the two is gone.")
        if step is Step.ATTACH:
            await self.cloud.attach_drive(seen.drive.id, seen.machine.id, read_only=row.read_only)
        else:
            await self.cloud.detach_drive(seen.drive.id, seen.machine.id)
        return None

    def observed(self, row: Attachment, seen: SeenBoth) -> dict[str, Any]:
        on = () if seen.machine is None or seen.drive is None else seen.machine.attachments
        there = any(one.drive == seen.drive.id and one.settled for one in on if seen.drive)
        return {"state": State.ATTACHED if there else State.NONE}

    def taken(
        self, step: Step, row: Attachment, seen: SeenBoth, made: str | None
    ) -> dict[str, Any]:
        return {}

    def ended(self, step: Step, row: Attachment, seen: SeenBoth) -> dict[str, Any]:
        if step is Step.GIVE_UP:
            return {"doing": None, "because": seen.in_vain}
        return {"doing": None, "attempts": 0, "because": None, "made": True}

    def refused(
        self, step: Step, row: Attachment, seen: SeenBoth, error: CloudRefused
    ) -> dict[str, Any]:
        # An attachment that was refused stays, and says why, until somebody takes it away.
        values: dict[str, Any] = {"because": error.message, "settled": True, "doing": None}
        return values if step is Step.ATTACH else {**values, "desired": Desired.ATTACHED}

    async def tell(
        self,
        tx: Transaction,
        before: Attachment,
        after: Attachment,
        step: Step,
        seen: SeenBoth | None = None,
    ) -> None:
        if after.state is State.ATTACHED and before.state is not State.ATTACHED:
            await self._tell(tx, "attached", after, read_only=after.read_only)
        elif after.because is not None and after.because != before.because:
            await self._tell(tx, "attach_failed", after, because=after.because)

    async def forget(self, tx: Transaction, row: Attachment) -> None:
        await self._tell(tx, "detached", row)
        await tx.conn.execute(attachments.delete().where(attachments.c.id == row.id))
        await go_on(tx, row)

    async def _tell(self, tx: Transaction, verb: str, row: Attachment, **data: Any) -> None:
        drive = await model.drive(tx.conn, row.drive_id)
        machine = await model.machine(tx.conn, row.machine_id)
        await tell_of_attachment(tx, verb, drive, machine, None, **data)
