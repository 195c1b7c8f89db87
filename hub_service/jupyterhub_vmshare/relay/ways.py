"""The way in, as the service keeps it: certificates, links, and what relays are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.api.contract.ways import (
    CertificateView,
    Locked,
    MachineDoor,
    NewRelayLink,
    RelayLinkView,
    Used,
    Welcome,
)
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import machine_accounts as table
from jupyterhub_vmshare.db.tables import machines
from jupyterhub_vmshare.errors import Forbidden, NotFound, VMShareError, WrongState
from jupyterhub_vmshare.machines import idle
from jupyterhub_vmshare.relay import accounts
from jupyterhub_vmshare.relay.accounts import AccountRow
from jupyterhub_vmshare.relay.authorities import Authorities
from jupyterhub_vmshare.relay.certificates import LASTS, Kind, login, public_key
from jupyterhub_vmshare.relay.relay_keys import RelayKeys
from jupyterhub_vmshare.relay.rights import Door, Rights
from jupyterhub_vmshare.relay.sealing import NotSealed, Sealing

_log = structlog.get_logger("vmshare.relay")
ALIAS = "vmshare-relay"
"""Under which every relay's certificate is known, whatever its address is called."""
BUSY = 0.05
"""So many processors, on average, are work and not what a machine does by itself."""
GONE = "JupyterHub does not know your account any more."


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where people reach the relay."""

    host: str
    port: int = 2222


class NoRelay(VMShareError):
    """This site has no way into machines (yet); the sentence says what is missing."""

    status, code = 503, "no-relay"


class Ways:
    """One for the service.

    Args:
        db: The database.
        sealing: The operator's key, or why there is none.
        rights: Who may what.
        known: Whether the hub has somebody of that name. Raises `HubUnreachable`.
        keys: Which relays are let in.
        address: Where people reach them.
    """

    def __init__(
        self,
        db: Database,
        sealing: Sealing | NotSealed,
        rights: Rights,
        *,
        known: Callable[[str], Awaitable[bool]],
        keys: RelayKeys,
        address: RelayAddress | None,
    ) -> None:
        self.db, self.rights, self.keys, self.address = db, rights, keys, address
        self.known = known
        self._why_not = sealing if isinstance(sealing, NotSealed) else None
        self._authorities = Authorities(db, sealing) if isinstance(sealing, Sealing) else None

    async def start(self) -> None:
        """Make the authorities where they are missing; without a key nothing is signed."""
        if self._authorities is None:
            return
        try:
            await self._authorities.start()
        except NotSealed as error:
            _log.error("authorities_sealed", because=error.message)
            self._authorities, self._why_not = None, error

    @property
    def authorities(self) -> Authorities:
        """Raises `NotSealed` with what the operator has to do."""
        if self._authorities is None:
            raise self._why_not or NotSealed("There is no sealing key.")
        return self._authorities

    async def machine_authorities(self) -> tuple[str, ...]:
        """Whom new machines are to believe; none without a key."""
        if self._authorities is None:
            return ()
        return tuple(await self._authorities.believed(Kind.MACHINES))

    async def certificate(self, person: str, machine_id: str, line: str) -> CertificateView:
        """What a person shows the relay. Raises what `Rights` raises."""
        key = public_key(line)
        async with self.db.read() as conn:
            await self.rights.right(conn, person, machine_id, self.db.clock())
        if self.address is None:
            raise NoRelay("This site has no relay, so machines can't be reached by SSH.")
        issuer = await self.authorities.issuer(Kind.PEOPLE)
        hosts = await self.authorities.believed(Kind.HOSTS)
        return CertificateView(
            certificate=issuer.for_person(key, person, machine_id),
            valid_until=issuer.at + LASTS,
            user=login(person, machine_id),
            host=self.address.host,
            port=self.address.port,
            host_key_alias=ALIAS,
            known_hosts=[f"@cert-authority {ALIAS} {host}" for host in hosts],
        )

    async def open(self, asked: NewRelayLink) -> RelayLinkView:
        """What the relay needs for one link. Raises what `Rights` raises."""
        # A certificate may be older than the end of an account.
        if not await self.known(asked.person):
            raise Forbidden(GONE, rule="account.gone")
        async with self.db.write() as tx:
            right = await self.rights.right(tx.conn, asked.person, asked.machine_id, tx.at)
            door = await self.rights.door(tx.conn, asked.machine_id)
            account = await self.rights.account(tx, asked.person)
            row = await accounts.opened(tx, asked.person, asked.machine_id, account, right)
        key, source = public_key(asked.public_key), door.address.source
        issuers = await self.authorities.issuers(Kind.MACHINES)
        return RelayLinkView(
            right=row.view(),
            account=row.account,
            uid=row.uid,
            sudo=row.sudo,
            door=await self.door_view(door, asked.public_key),
            account_certificates=[
                each.for_account(key, row.account, door.machine_id, source) for each in issuers
            ],
        )

    async def door_view(self, door: Door, relay_key: str) -> MachineDoor:
        """A machine, and what opens its helper to the relay with that key."""
        key = public_key(relay_key)
        issuers = await self.authorities.issuers(Kind.MACHINES)
        return MachineDoor(
            machine_id=door.machine_id,
            name=door.name,
            unix_path=door.address.unix_path,
            host=door.address.host,
            port=door.address.port,
            host_keys=list(door.host_keys),
            helper_certificates=[
                each.for_helper(key, door.machine_id, door.address.source) for each in issuers
            ],
            believed=await self.authorities.believed(Kind.MACHINES),
        )

    async def that_may_idle(self, relay_key: str) -> list[MachineDoor]:
        """The machines that run, and stop when nobody uses them."""
        async with self.db.read() as conn:
            ids = await idle.watched(conn)
            doors = [await self._door_if_any(conn, machine_id) for machine_id in ids]
        return [await self.door_view(door, relay_key) for door in doors if door is not None]

    async def _door_if_any(self, conn: AsyncConnection, machine_id: str) -> Door | None:
        try:
            return await self.rights.door(conn, machine_id)
        except (NotFound, WrongState):
            return None

    async def used(self, said: Used) -> None:
        """A relay says how much a machine is used. What it does not know is no reason to stop."""
        is_active = said.channels > 0 or (said.processors or 0.0) >= BUSY
        if is_active or said.processors is not None:
            async with self.db.write() as tx:
                await idle.heard(tx, said.machine_id, active=is_active)

    async def welcome(self, host_key: str) -> Welcome:
        """Whom a relay is to believe, and what shows who it is."""
        issuer = await self.authorities.issuer(Kind.HOSTS)
        return Welcome(
            people=await self.authorities.believed(Kind.PEOPLE),
            host_certificate=issuer.for_host(public_key(host_key), [ALIAS]),
        )

    async def obeyed(self, said: Locked) -> None:
        """A relay says what came of a lock."""
        async with self.db.write() as tx:
            await accounts.obeyed(tx, said)

    async def accounts_on(self, machine_ids: Sequence[str]) -> list[AccountRow]:
        """Everybody's who came there, as it is now."""
        async with self.db.read() as conn:
            return await accounts.rows(conn, table.c.machine_id.in_(machine_ids))

    async def watched(self) -> list[AccountRow]:
        """All that there may be something to do about."""
        async with self.db.read() as conn:
            return await accounts.rows(conn, accounts.WATCHED)

    async def everybody(self) -> list[str]:
        """Who has an account open on any machine."""
        query = sa.select(table.c.person).where(table.c.is_open).distinct()
        async with self.db.read() as conn:
            return sorted((await conn.scalars(query)).all())

    async def turn_out(self, person: str) -> None:
        """They are gone from the hub: no account of theirs stays open, whatever was given to it."""
        async with self.db.write() as tx:
            await accounts.lock_all_of(tx, person, GONE)

    async def is_there(self, machine_id: str) -> bool:
        """Whether the machine is one of ours yet."""
        async with self.db.read() as conn:
            query = sa.select(machines.c.id).where(machines.c.id == machine_id)
            return await conn.scalar(query) is not None
