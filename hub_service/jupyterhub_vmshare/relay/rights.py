"""Who may what on which machine: what the relay's rooms ask of the rest of the service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Address
from jupyterhub_vmshare.db.database import Transaction

ACTIONS = frozenset({"connect", "open_terminal", "read_files", "upload", "download", "open_app"})
"""Of `machine_roles.csv`, those that the relay holds people to."""


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody may do on a machine now, and what will be left of it when.

    ``later`` comes in order, and ends with nothing where the right itself has an end. ``because``
    says why nothing is allowed.
    """

    allowed: frozenset[str]
    sudo: bool = False
    later: tuple[tuple[datetime, frozenset[str]], ...] = ()
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account, the same on every machine; the uid is never anybody else's."""

    name: str
    uid: int


@dataclass(frozen=True, slots=True)
class Door:
    """Where a machine's SSH server is, and how it is known. No trust on first use."""

    machine_id: str
    name: str
    address: Address
    host_keys: tuple[str, ...]


class Rights(Protocol):
    """What machines and sharing know."""

    async def right(
        self, conn: AsyncConnection, person: str, machine_id: str, at: datetime
    ) -> Right:
        """What counts now. Raises `NotFound` and `Forbidden` where they may not connect."""

    async def account(self, tx: Transaction, person: str) -> Account:
        """Their account, made when they have none."""

    async def door(self, conn: AsyncConnection, machine_id: str) -> Door:
        """Where a running machine is. Raises `WrongState` for one that does not run."""
