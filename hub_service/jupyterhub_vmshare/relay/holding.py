"""Who may what on which machine, from the facts that every decision is made from."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Address
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import team_members
from jupyterhub_vmshare.errors import WrongState
from jupyterhub_vmshare.machines import gates, model
from jupyterhub_vmshare.machines.room import Machines
from jupyterhub_vmshare.machines.uids import uid_of
from jupyterhub_vmshare.policy.decide import decide, effective
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.relay.rights import ACTIONS, Account, Door, Right
from jupyterhub_vmshare.sharing.facts import demand, load_one

_ACCOUNT: Final = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_MADE_UP: Final = re.compile(r"p\d+")
_SYSTEMS: Final = frozenset(
    """
    adm admin audio avahi backup bin cdrom colord crontab daemon debian debian-tor dialout
    dip disk docker fax floppy fwupd games geoclue gnats halt input irc kmem kvm landscape
    list lp lxd mail man messagebus mysql netdev news nobody nogroup ntp ntpsec operator
    plugdev polkitd postfix postgres proxy pulse render root rtkit sasl saned shadow
    shutdown src ssh sshd staff statd sudo sync sys syslog systemd tape tcpdump tss tty
    ubuntu users utmp uucp uuidd video vmshare voice wheel www-data
    """.split()  # noqa: SIM905 (a table of words reads better)
)
"""Names that images give to accounts and groups of their own."""
_SUDO: Final = frozenset({"owner", "co_owner"})


class HeldRights:
    """From the database: the rights of the relay's rooms.

    Args:
        machines: The operator's rules, and what the cloud can do.
    """

    def __init__(self, machines: Machines) -> None:
        self._machines = machines

    async def right(
        self, conn: AsyncConnection, person: str, machine_id: str, at: datetime
    ) -> Right:
        """What counts now. Raises `NotFound`, `Forbidden` and `WrongState`."""
        query = sa.select(team_members.c.team).where(team_members.c.person == person)
        who = Person(person, teams=frozenset((await conn.execute(query)).scalars()))
        thing = await load_one(conn, who, machine_id)
        demand(decide(who, "connect", thing, at))
        held = effective(thing, at)
        return Right(
            allowed=_allowed(who, thing, at),
            sudo=held is not None and held.column in _SUDO,
            later=_later(who, thing, at),
        )

    async def account(self, tx: Transaction, person: str) -> Account:
        """Their account; the hub's name where a machine takes it and has none of its own."""
        uid = await uid_of(tx, person, self._machines.rules.uids)
        fits = _ACCOUNT.fullmatch(person) and not _MADE_UP.fullmatch(person)
        is_free = person not in _SYSTEMS and not person.startswith(("systemd-", "_"))
        return Account(person if fits and is_free else f"p{uid}", uid)

    async def door(self, conn: AsyncConnection, machine_id: str) -> Door:
        """Where it is. Raises `WrongState` while it does not run."""
        machine = await model.machine(conn, machine_id)
        gates.demand(gates.machine_blocked("connect", machine, self._machines.offers.demand()))
        if not machine.address or not machine.host_keys:
            raise WrongState(f"{machine.name} is not up. Wait until it runs.")
        return Door(machine.id, machine.name, Address(**machine.address), tuple(machine.host_keys))


def _allowed(who: Person, thing: Thing, at: datetime) -> frozenset[str]:
    return frozenset(action for action in ACTIONS if decide(who, action, thing, at).allowed)


def _later(who: Person, thing: Thing, at: datetime) -> tuple[tuple[datetime, frozenset[str]], ...]:
    """What is left after each end date that takes something away."""
    found: list[tuple[datetime, frozenset[str]]] = []
    before = _allowed(who, thing, at)
    for end in sorted({each.ends_at for each in thing.holdings if each.ends_at is not None}):
        if end > at and (left := _allowed(who, thing, end)) != before:
            found.append((end, left))
            before = left
    return tuple(found)
