"""What a hub token opens here (DESIGN: D12 a, b and d). Pure: no hub, no clock.

One origin holds many notebook servers, and whoever owns a server can read the tokens of its
visitors, as a guest on a shared server can read its owner's. So a token is worth what its filter
says: ``custom:vmshare:use!server=ana/`` in ben's name was issued for ana's server and opens
nothing, whatever ben himself may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from jupyterhub_vmshare.people.hub import TokenModel
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.words import CredentialKind

USE: Final = "custom:vmshare:use"
CONFIRM: Final = "custom:vmshare:confirm"
ORGANIZE: Final = "custom:vmshare:organize"

SHARED: Final = (
    "While this notebook server is shared, its own token is read-only, because guests can read it."
)
SHARED_UNKNOWN: Final = (
    "JupyterHub can't tell right now whether this notebook server is shared, so its own token is "
    "read-only."
)
FOREIGN_SERVER: Final = (
    "This is somebody else's server: open your own server to use shared folders."
)
NO_SCOPE: Final = (
    f"This token may not use VMShare. Restart your server, or make a token with the scope {USE}."
)
NOT_A_PERSON: Final = "This token belongs to a service; VMShare is for people."
NOT_FOR_PAGES: Final = "This sign-in may not be used on VMShare's pages: sign in again."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a token opens nothing."""

    rule: str
    because: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody came with.

    ``server`` is the notebook server that it is limited to (``ana/``, ``ana/gpu``).
    ``hub_admin`` and ``organizer`` count on the service's own pages alone.
    """

    name: str
    kind: CredentialKind
    server: str | None = None
    hub_admin: bool = False
    organizer: bool = False

    @property
    def depends_on_shares(self) -> bool:
        """Whether it is read-only while ``server`` is shared: a guest's terminal can read it."""
        return self.kind is CredentialKind.KERNEL and self.server is not None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, through what, and what that takes away (``because`` says why)."""

    name: str
    credential: CredentialKind
    server: str | None = None
    read_only: bool = False
    because: str | None = None
    hub_admin: bool = False
    organizer: bool = False
    teams: frozenset[str] = frozenset()
    administers: frozenset[str] = frozenset()
    """Ids of projects, on the service's own pages alone."""

    def person(self) -> Person:
        """The same for ``policy.decide``."""
        return Person(
            self.name,
            teams=self.teams,
            hub_admin=self.hub_admin,
            administers=self.administers,
            organizer=self.organizer,
        )


def from_header(token: TokenModel) -> Credential | Refusal:
    """What a token in the ``Authorization`` header opens."""
    if token.kind != "user":
        return Refusal("credential.scope", NOT_A_PERSON)
    reach = _reach(token.scopes, token.name)
    if reach.everywhere and token.session_id is None:
        return Credential(token.name, CredentialKind.KERNEL)
    if reach.foreign:
        return Refusal("credential.foreign_server", FOREIGN_SERVER)
    # Of an OAuth login one must know whose server it went through: exactly one filter says so.
    if reach.everywhere or len(reach.servers) != 1:
        return Refusal("credential.scope", NO_SCOPE)
    kind = CredentialKind.KERNEL if token.session_id is None else CredentialKind.PANEL
    return Credential(token.name, kind, server=next(iter(reach.servers)))


def from_own_cookie(token: TokenModel) -> Credential | Refusal:
    """What the token of the service's own OAuth login opens (its cookie, never a header)."""
    if token.kind != "user":
        return Refusal("credential.scope", NOT_A_PERSON)
    if token.session_id is None or CONFIRM not in token.scopes:
        return Refusal("credential.scope", NOT_FOR_PAGES)
    return Credential(
        token.name,
        CredentialKind.PAGE,
        hub_admin=token.admin,
        organizer=ORGANIZE in token.scopes,
    )


@dataclass(frozen=True, slots=True)
class _Reach:
    servers: frozenset[str]
    everywhere: bool
    foreign: bool


def _reach(scopes: Iterable[str], name: str) -> _Reach:
    """Where ``custom:vmshare:use`` holds, as its filters say. A filter we don't know is foreign."""
    everywhere, foreign = False, False
    servers = set()
    for scope in scopes:
        base, has_filter, rest = scope.partition("!")
        if base != USE:
            continue
        kind, _, value = rest.partition("=")
        if not has_filter or (kind, value) == ("user", name):
            everywhere = True
        elif kind == "server" and value.startswith(f"{name}/"):
            servers.add(value)
        else:
            foreign = True
    return _Reach(frozenset(servers), everywhere, foreign)
