"""The machines room as wiring starts it and routes reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from jupyterhub_vmshare.cloud.port import Cloud, CloudMissing
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.machines.model import Machine
from jupyterhub_vmshare.machines.offer import Offers
from jupyterhub_vmshare.machines.uids import UidRange

_CONSOLE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class MachineRules:
    """What the operator says of machines.

    Attributes:
        drive_gib: Of the drive that comes with a machine, unless its maker says otherwise.
        most_drive_gib: The largest drive that people may make; None: as large as the cloud lets.
        idle_minutes: After how many minutes without use new machines stop; None: never.
        uids: Which uids people get on machines.
    """

    drive_gib: int = 10
    most_drive_gib: int | None = None
    idle_minutes: int | None = None
    uids: UidRange = field(default_factory=UidRange)


class Machines:
    """What machines need beyond a transaction: the cloud's offer, and the operator's rules."""

    def __init__(self, cloud: Cloud | None, rules: MachineRules | None = None) -> None:
        self.cloud, self.rules = cloud, rules or MachineRules()
        self.offers = Offers(cloud)

    async def console_log(self, machine: Machine) -> str:
        """The end of what a machine wrote to its console. Not inside a transaction."""
        self.offers.demand()
        if self.cloud is None or machine.cloud_id is None:
            raise NotFound
        try:
            return await self.cloud.console_log(machine.cloud_id, most_bytes=_CONSOLE_BYTES)
        except CloudMissing:
            raise NotFound("The cloud has this machine no more.") from None
