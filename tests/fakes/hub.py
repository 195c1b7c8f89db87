"""A JupyterHub that is quick to start and does what a test tells it.

It speaks the hub's own REST and OAuth protocol over HTTP on loopback, with scripted people,
groups, tokens, shares, failures and delays. ``test_fake_hub.py`` holds its answers to a real
JupyterHub's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from jupyterhub_vmshare.configure import CONFIRM, SERVICE_NAME, SERVICE_SCOPES, USE, access_scope

SERVICE = SERVICE_NAME
ACCESS = access_scope()


@dataclass
class Person:
    """A hub user."""

    name: str
    admin: bool
    created: datetime


@dataclass(frozen=True)
class Token:
    """An API token: of a person, or (``service``) of a service."""

    owner: str
    scopes: frozenset[str]
    session_id: str | None = None
    service: bool = False
    token_id: str = field(default_factory=lambda: f"a{secrets.randbelow(10**6)}")


@dataclass(frozen=True)
class Share:
    """A server that its owner lets somebody (or a group) use."""

    owner: str
    server: str
    user: str | None = None
    group: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class OAuthClient:
    """Something that people sign in to through the hub."""

    client_id: str
    secret: str
    redirect_uri: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Code:
    """An authorisation code that has not been exchanged yet."""

    client_id: str
    person: str
    session_id: str
    redirect_uri: str
    challenge: str | None


@dataclass
class Trouble:
    """What goes wrong with the requests whose path matches."""

    path: str
    status: int | None = None
    delay: float = 0
    times: int | None = None

    def hits(self, path: str) -> bool:
        """Whether this request is one of them; counts it."""
        if self.times == 0 or not fnmatchcase(path, self.path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    query: str
    token_id: str | None


class FakeHub:
    """The scripted hub. ``async with fake_hub() as hub`` starts one on a free port."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, list[str]] = {}
        self.servers: set[tuple[str, str]] = set()
        self.stopped: list[tuple[str, str]] = []
        self.tokens: dict[str, Token] = {}
        self.shares: list[Share] = []
        self.clients: dict[str, OAuthClient] = {}
        self.codes: dict[str, Code] = {}
        self.sessions: dict[str, str] = {}
        self.troubles: list[Trouble] = []
        self.requests: list[Seen] = []
        self.page_default_limit, self.page_max_limit = 50, 200
        self.url = ""
        self.service_url = ""
        self._server: HTTPServer | None = None
        self.service_token = self.token(SERVICE, SERVICE_SCOPES, service=True)

    # --- what there is ---

    def add_person(
        self,
        name: str,
        *,
        admin: bool = False,
        server: bool = True,
        created: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    ) -> None:
        """A user, with a default server unless told otherwise."""
        self.people[name] = Person(name, admin, created)
        if server:
            self.servers.add((name, ""))

    def remove_person(self, name: str) -> None:
        """Deletes the user, with their tokens, servers, shares and memberships."""
        del self.people[name]
        self.servers = {s for s in self.servers if s[0] != name}
        self.shares = [s for s in self.shares if name not in (s.owner, s.user)]
        self.tokens = {t: k for t, k in self.tokens.items() if k.service or k.owner != name}
        for members in self.groups.values():
            if name in members:
                members.remove(name)

    def add_group(self, name: str, members: Iterable[str] = ()) -> None:
        """A group of people who are there already."""
        self.groups[name] = list(members)

    def join(self, person: str, group: str) -> None:
        """Puts a person into a group."""
        self.groups[group].append(person)

    def leave(self, person: str, group: str) -> None:
        """Takes a person out of a group."""
        self.groups[group].remove(person)

    def share(
        self, owner: str, *, user: str | None = None, group: str | None = None, server: str = ""
    ) -> None:
        """What ``POST /hub/api/shares/{owner}/{server}`` does."""
        self.servers.add((owner, server))
        self.shares.append(Share(owner, server, user, group))

    def unshare(self, owner: str, server: str = "") -> None:
        """Ends all shares of one server."""
        self.shares = [s for s in self.shares if (s.owner, s.server) != (owner, server)]

    # --- who comes with what ---

    def token(
        self,
        owner: str,
        scopes: Iterable[str],
        *,
        session_id: str | None = None,
        service: bool = False,
    ) -> str:
        """Any token at all; the methods below make those that really occur."""
        text = secrets.token_hex(16)
        self.tokens[text] = Token(owner, expanded(scopes), session_id, service)
        return text

    def server_token(self, owner: str, server: str = "") -> str:
        """What ``JUPYTERHUB_API_TOKEN`` is in the owner's notebook server: no login session."""
        self.servers.add((owner, server))
        return self.token(owner, _server_token_scopes(owner, server))

    def visitor_token(self, visitor: str, *, at: str | None = None, server: str = "") -> str:
        """The OAuth token with which a visitor uses a server: their own, or (``at``) another's."""
        owner = at or visitor
        self.servers.add((owner, server))
        return self.token(
            visitor, _visitor_token_scopes(owner, server, visitor), session_id=secrets.token_hex(16)
        )

    def own_token(self, person: str, scopes: Iterable[str] = (USE,)) -> str:
        """A token that the person made on the hub's token page."""
        return self.token(person, {*scopes, *_identify(person)})

    def page_token(self, person: str, scopes: Iterable[str] = (CONFIRM,)) -> str:
        """The OAuth token that the service's own login would bring (what its cookie holds)."""
        return self.token(
            person, {*scopes, ACCESS, *_identify(person)}, session_id=secrets.token_hex(16)
        )

    def revoke(self, token: str) -> None:
        """The token is not known any more, as after a logout or its expiry."""
        del self.tokens[token]

    def add_client(self, redirect_uri: str, scopes: Iterable[str] = (CONFIRM,)) -> OAuthClient:
        """The service's OAuth client; its secret is the service's token, as on a real hub."""
        client = OAuthClient(
            f"service-{SERVICE}", self.service_token, redirect_uri, frozenset(scopes)
        )
        self.clients[client.client_id] = client
        return client

    def sign_in(self, person: str) -> dict[str, str]:
        """Cookies of a browser that is signed in to the hub as the person."""
        session = secrets.token_hex(16)
        self.sessions[session] = person
        return {"jupyterhub-session-id": session}

    def exchange(self, code: Code) -> str:
        """The access token for a code."""
        client = self.clients[code.client_id]
        scopes = {*client.scopes, ACCESS, *_identify(code.person)}
        return self.token(code.person, scopes, session_id=code.session_id)

    # --- what goes wrong ---

    def fail(self, path: str, status: int = 500, times: int | None = None) -> Trouble:
        """Requests for ``path`` (with ``*``) answer ``status``; all, or the next ``times``."""
        return self._trouble(Trouble(path, status=status, times=times))

    def delay(self, path: str, seconds: float, times: int | None = None) -> Trouble:
        """Requests for ``path`` wait that long, then go on."""
        return self._trouble(Trouble(path, delay=seconds, times=times))

    def _trouble(self, trouble: Trouble) -> Trouble:
        self.troubles.append(trouble)
        return trouble

    def heal(self) -> None:
        """Ends all scripted trouble."""
        self.troubles.clear()

    async def go_through_trouble(self, path: str) -> int | None:
        """Waits as scripted; returns the status of a scripted failure."""
        for trouble in self.troubles:
            if trouble.hits(path):
                await asyncio.sleep(trouble.delay)
                if trouble.status is not None:
                    return trouble.status
        return None

    def asked(self, path: str) -> list[Seen]:
        """The requests so far whose path matches (with ``*``)."""
        return [seen for seen in self.requests if fnmatchcase(seen.path, path)]

    # --- running ---

    @property
    def api_url(self) -> str:
        """What a service gets as ``JUPYTERHUB_API_URL``."""
        return f"{self.url}/hub/api"

    async def start(self, port: int = 0) -> None:
        """Listens on loopback; on a free port, or (to come back after ``stop``) on a given one."""
        from tests.fakes.hub_routes import routes

        sockets = bind_sockets(port, "127.0.0.1")
        self._server = HTTPServer(Application(routes(self), log_function=lambda _: None))
        self._server.add_sockets(sockets)
        self.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Closes the port and every connection: from now on the hub is unreachable."""
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None

    @property
    def port(self) -> int:
        """The port it listens (or listened) on."""
        return int(self.url.rpartition(":")[2])

    def serve(self, service_url: str, prefix: str) -> OAuthClient:
        """Takes the service in: its OAuth client, and its pages at this hub's address."""
        self.service_url = service_url
        return self.add_client(f"{prefix}oauth_callback")


IMPLIED = {
    "read:groups": ("read:groups:name",),
    "read:users": ("read:users:name", "read:users:groups", "read:users:activity"),
    "shares": ("read:shares",),
}
"""Scopes that others bring with them; ``GET /hub/api/user`` lists them too."""


def expanded(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes with those that they imply."""
    held = frozenset(scopes)
    return held.union(*(IMPLIED.get(scope, ()) for scope in held))


def _identify(person: str) -> set[str]:
    return {f"read:users:{what}!user={person}" for what in ("name", "groups")}


def _server_token_scopes(owner: str, server: str) -> set[str]:
    at = f"!server={owner}/{server}"
    return {
        f"{USE}{at}",
        f"access:servers{at}",
        f"users:activity!user={owner}",
        f"read:users:activity!user={owner}",
        ACCESS,
        *_identify(owner),
    }


def _visitor_token_scopes(owner: str, server: str, visitor: str) -> set[str]:
    at = f"!server={owner}/{server}"
    return {f"{USE}{at}", f"access:servers{at}", ACCESS, *_identify(visitor)}


def challenge_of(verifier: str) -> str:
    """PKCE's S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@asynccontextmanager
async def fake_hub() -> AsyncIterator[FakeHub]:
    """A running hub with nobody in it."""
    hub = FakeHub()
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()
