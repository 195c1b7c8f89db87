"""The service: what it is made of, how it starts, and how it ends.

The one place that knows every room; adapters are chosen here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.routing import Rule
from tornado.web import url

from jupyterhub_vmshare.api.idempotency import keep_tidy
from jupyterhub_vmshare.api.node_link import NodeLink
from jupyterhub_vmshare.api.paths import pattern
from jupyterhub_vmshare.api.relay_link import RelayLinks, RelayLinkSocket
from jupyterhub_vmshare.api.rooms import Rooms
from jupyterhub_vmshare.api.route import NoSuchRoute
from jupyterhub_vmshare.api.routes import ROUTES
from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.audit.feed import EventFeed
from jupyterhub_vmshare.cloud.port import Cloud
from jupyterhub_vmshare.db.database import Clock, Database, utc_now
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.folders.joining import make_room_for_joined
from jupyterhub_vmshare.folders.quota import Limits
from jupyterhub_vmshare.folders.room import Folders
from jupyterhub_vmshare.machines.room import MachineRules, Machines
from jupyterhub_vmshare.mounts.agent_client import AgentClient
from jupyterhub_vmshare.mounts.dialled import Open, over_unix
from jupyterhub_vmshare.mounts.fields import LINE_LIMIT
from jupyterhub_vmshare.mounts.node_keys import NodeKeys
from jupyterhub_vmshare.mounts.port import Connect
from jupyterhub_vmshare.mounts.room import Mounts
from jupyterhub_vmshare.mounts.sessions import end_all_of
from jupyterhub_vmshare.mounts.showing import keep_true
from jupyterhub_vmshare.observe.health import HealthCheck
from jupyterhub_vmshare.observe.metrics import Metrics
from jupyterhub_vmshare.observe.requests import ObservedApplication
from jupyterhub_vmshare.observe.routes import operators_routes
from jupyterhub_vmshare.pages.routes import pages
from jupyterhub_vmshare.people.hook import HubHook
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.leavers import Leavers
from jupyterhub_vmshare.people.limit import RateLimit
from jupyterhub_vmshare.people.membership import Membership, TeamChoice
from jupyterhub_vmshare.people.search import PeopleSearch
from jupyterhub_vmshare.people.succession import Succession
from jupyterhub_vmshare.projects.expiry import end_what_is_over, keep_dates
from jupyterhub_vmshare.projects.succession import end_memberships_of
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.reconcile.worker import Reconciler
from jupyterhub_vmshare.relay.accounts import lock_all_of
from jupyterhub_vmshare.relay.cutting import Cutting
from jupyterhub_vmshare.relay.holding import HeldRights
from jupyterhub_vmshare.relay.relay_keys import RelayKeys
from jupyterhub_vmshare.relay.sealing import NotSealed, Sealing
from jupyterhub_vmshare.relay.telling import Telling
from jupyterhub_vmshare.relay.ways import GONE, RelayAddress, Ways
from jupyterhub_vmshare.sharing.expiry import Expiry
from jupyterhub_vmshare.sharing.moving import members_changed
from jupyterhub_vmshare.sharing.projects import administered_by
from jupyterhub_vmshare.sharing.succession import end_what_they_had
from jupyterhub_vmshare.steady import steadily
from jupyterhub_vmshare.storage.posix.store import PosixStore
from jupyterhub_vmshare.uploads.room import Uploads

_BODY_LIMIT = 1 << 50
"""Routes limit their own bodies; tornado's limit would answer without a word."""
# What is read from a connection at once: with tornado's own 64 KiB, an upload takes a third more
# time of the processor.
_READ_AT_ONCE = 128 << 10
# A connection of another node's agent that swallows everything is given up after these.
_PING_EVERY, _PING_WITHIN = 5.0, 5.0


def no_sealing() -> NotSealed:
    """Where the operator has given no key."""
    return NotSealed("This site has no sealing key, so no certificate for a machine is signed.")


@dataclass(frozen=True)
class Settings:
    """Everything that the service is told from outside.

    ``address`` is a host and port or ``unix:/path``; ``prefix`` begins and ends with ``/``.
    """

    db_url: str
    store: Path
    hub_api_url: str
    hub_token: str
    address: str = "127.0.0.1:0"
    prefix: str = "/services/vmshare/"
    client_id: str = "service-vmshare"
    hub_host: str = ""
    hub_prefix: str = "/"
    teams: TeamChoice = field(default_factory=TeamChoice)
    teams_every: float = 30.0
    lookups_a_minute: int = 30
    lookups_at_once: int = 200
    hub_max_age: float = 10.0
    set_former_aside: bool = True
    """Whether what somebody had is set aside when the hub gives their name to somebody else."""
    most_upload: int | None = None
    """Bytes of one uploaded file; None: what the store has room for."""
    limits: Limits = field(default_factory=Limits)
    """What one person's folders may hold, unless an administrator says otherwise."""
    trash_for: timedelta | None = None
    """How long folders stay in the trash; None: until their owners delete them."""
    agent_socket: str = ""
    """Where the mount agent of this node listens; empty: folders are mounted nowhere."""
    nodes: NodeKeys = field(default_factory=NodeKeys)
    """Which other nodes' agents may dial in."""
    cut_within: float = 1.0
    """Seconds that the answer to a revoke waits for the nodes to confirm it."""
    cloud: Cloud | None = None
    """Where machines are; None: this site offers none."""
    machine_rules: MachineRules = field(default_factory=MachineRules)
    sealing: Sealing | NotSealed = field(default_factory=no_sealing)
    """What the certificate authorities lie under in the database; or why there is nothing."""
    relays: RelayKeys = field(default_factory=RelayKeys)
    """Which relays may ask."""
    relay_address: RelayAddress | None = None
    """Where people reach the relay; None: machines can't be reached by SSH."""
    pace: Pace = field(default_factory=Pace)
    """How often the cloud is asked."""
    upgrade_database: bool = True
    grace: float = 10.0
    """Seconds that requests under way get when the service stops."""


class Service:
    """The running service of one process."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.db = Database(settings.db_url, clock=clock, check=check)
        self.store = PosixStore(settings.store)
        self.hub = Hub(settings.hub_api_url, settings.hub_token, max_age=settings.hub_max_age)
        self.membership = Membership(self.db, self.hub, settings.teams, every=settings.teams_every)
        self.membership.on_change(members_changed)
        self.membership.on_change(make_room_for_joined)
        self.succession = Succession(self.db, self.hub, acts=settings.set_former_aside)
        self.succession.on_change(end_what_they_had)
        self.succession.on_change(lambda tx, former: end_all_of(tx, former.aside))
        self.succession.on_change(lambda tx, former: lock_all_of(tx, former.name, GONE))
        self.succession.on_change(lambda tx, former: end_memberships_of(tx, former.aside))
        self.feed = EventFeed(self.db, Leases(self.db))
        self.folders = Folders(
            self.db,
            self.store,
            most_upload=settings.most_upload,
            limits=settings.limits,
            trash_for=settings.trash_for,
        )
        self.uploads = Uploads(self.db, self.store, most=settings.most_upload)
        self.mounts = Mounts(
            self.db,
            Leases(self.db),
            self._agent(),
            keys=settings.nodes,
            dialled=lambda dialled: connecting(dialled.open),
            cut_within=settings.cut_within,
            limited=settings.limits.bytes is not None,
        )
        self.machines = Machines(settings.cloud, settings.machine_rules)
        self.ways = Ways(
            self.db,
            settings.sealing,
            HeldRights(self.machines),
            known=self.succession.knows,
            keys=settings.relays,
            address=settings.relay_address,
        )
        self.telling = Telling(self.ways)
        self.reconciler = self._reconciler()
        self.expiry = Expiry(self.db)
        self.metrics = Metrics(self.db, self.feed, self.mounts.count)
        self.health = HealthCheck(self.db, self.hub.check, self.mounts.remark)
        self.rooms = self._rooms()
        self.web = self._web()
        self._server: HTTPServer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0

    def _agent(self) -> Connect | None:
        address = self.settings.agent_socket
        if not address:
            return None
        return connecting(over_unix(address))

    def _reconciler(self) -> Reconciler | None:
        cloud = self.settings.cloud
        if cloud is None:
            return None
        trusted = self.ways.machine_authorities
        return Reconciler(self.db, cloud, trusted=trusted, pace=self.settings.pace)

    def _rooms(self) -> Rooms:
        settings = self.settings
        limit = RateLimit(burst=settings.lookups_at_once, per_minute=settings.lookups_a_minute)
        return Rooms(
            db=self.db,
            hub=self.hub,
            identity=Identity(
                *(self.hub, self._oauth(), self.membership, self.succession), self._administered
            ),
            membership=self.membership,
            search=PeopleSearch(self.db, self.hub, self.succession, limit),
            leavers=Leavers(self.db, self.hub),
            folders=self.folders,
            uploads=self.uploads,
            store=self.store,
            streams=self.feed.streams,
            mounts=self.mounts,
            machines=self.machines,
            ways=self.ways,
            cutting=Cutting(self.telling, within=settings.cut_within),
            hook=HubHook(settings.hub_token),
            succession=self.succession,
        )

    async def _administered(self, person: str) -> frozenset[str]:
        async with self.db.glance() as conn:
            return await administered_by(conn, person, self.db.clock())

    def _oauth(self) -> HubOAuth:
        settings = self.settings
        return HubOAuth(
            api_url=settings.hub_api_url,
            api_token=settings.hub_token,
            base_url=settings.prefix,
            hub_host=settings.hub_host,
            hub_prefix=settings.hub_prefix + "hub/",
            oauth_client_id=settings.client_id,
            cache_max_age=int(settings.hub_max_age),
        )

    def _web(self) -> ObservedApplication:
        api = self.settings.prefix + "api"
        rules: list[Rule] = [
            url(api + pattern(route.path), route, {"rooms": self.rooms}) for route in ROUTES
        ]
        rules.append(url(api + "(?P<rest>/.*)?$", NoSuchRoute, {"rooms": self.rooms}))
        secret = _cookie_secret(self.settings.hub_token)
        rules += pages(
            self.settings.prefix,
            identity=self.rooms.identity,
            db=self.db,
            membership=self.membership,
            search=self.rooms.search,
            leavers=self.rooms.leavers,
            quota=self.rooms.folders.quota,
            secret=secret,
        )
        rules.append(url(self.settings.prefix + "nodes/link", NodeLink, {"mounts": self.mounts}))
        told = {"telling": self.telling, "keys": self.settings.relays}
        rules.append(url(self.settings.prefix + "relay/link", RelayLinkSocket, told))
        rules.append(url(self.settings.prefix + "relay/links", RelayLinks, {"ways": self.ways}))
        rules += operators_routes(self.settings.prefix, self.health, self.metrics, self.hub)
        return ObservedApplication(
            rules,
            self.metrics,
            cookie_secret=secret,
            websocket_max_message_size=LINE_LIMIT,
            websocket_ping_interval=_PING_EVERY,
            websocket_ping_timeout=_PING_WITHIN,
        )

    async def start(self) -> None:
        """Bring the database up to date, catch up with what is due, then take requests."""
        if self.settings.upgrade_database:
            await asyncio.to_thread(upgrade, self.settings.db_url)
        await self.store.start()
        await self.feed.start()
        await self.expiry.start()
        await end_what_is_over(self.db)
        await self.folders.start()
        await self.membership.catch_up()
        if not self.db.is_sqlite:
            self.feed.streams.delivered += [self.mounts.hear, self.telling.hear]
        await self.mounts.start()
        await self.ways.start()
        await self._start_machines()
        await self.telling.start()
        self._tasks = [
            _task("teams", self.membership.keep_fresh()),
            _task("shown folders", steadily("shown folders", lambda: keep_true(self.db))),
            _task("uploads", steadily("uploads", self.uploads.keep_tidy)),
            _task("memberships", steadily("memberships", lambda: keep_dates(self.db))),
            _task("idempotency keys", steadily("idempotency keys", lambda: keep_tidy(self.db))),
        ]
        self._server = HTTPServer(
            self.web, max_body_size=_BODY_LIMIT, chunk_size=_READ_AT_ONCE, xheaders=True
        )
        self._listen(self._server)

    async def _start_machines(self) -> None:
        if self.settings.cloud is None or self.reconciler is None:
            return
        await self.settings.cloud.start()
        if not self.db.is_sqlite:
            self.feed.streams.delivered.append(self.reconciler.hear)
        await self.reconciler.start()

    def _listen(self, server: HTTPServer) -> None:
        if self.settings.address.startswith("unix:"):
            server.add_socket(bind_unix_socket(self.settings.address.removeprefix("unix:")))
            return
        host, _, port = self.settings.address.rpartition(":")
        sockets = bind_sockets(int(port), host)
        self.port = int(sockets[0].getsockname()[1])
        server.add_sockets(sockets)

    async def stop(self) -> None:
        """Take no more requests, let those under way finish, then close everything."""
        server, self._server = self._server, None
        if server is None:
            return  # stopped already
        server.stop()
        self.feed.end_streams()
        # Closing a connection does not wait for its request: so we do.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.grace):
                await self.web.finished()
        await server.close_all_connections()
        await self.telling.stop()
        await self.uploads.stop()
        if self.settings.cloud is not None and self.reconciler is not None:
            await self.reconciler.stop()
            await self.settings.cloud.close()
        await self.mounts.stop()
        await self.expiry.stop()
        await self.folders.stop()
        await self.feed.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()
        await self.hub.close()
        await self.db.close()


def connecting(connect: Open) -> Connect:
    """How the room reaches an agent."""
    return lambda on_event, on_connected: AgentClient(
        connect, on_event=on_event, on_connected=on_connected
    )


def _cookie_secret(hub_token: str) -> bytes:
    """The same for every replica and after a restart, as long as the service's token is."""
    return hmac.digest(hub_token.encode(), b"vmshare cookies", "sha256")


def _task(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)
