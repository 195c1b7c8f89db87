"""From a request to its caller (DESIGN: D12).

A token comes in the ``Authorization`` header, or in the cookie of the service's own OAuth login
together with the XSRF token that JupyterHub ties to it. Never in the address.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any, Final

from jupyterhub._xsrf_utils import _get_xsrf_token_cookie
from jupyterhub.services.auth import HubOAuth
from tornado.web import RequestHandler

from jupyterhub_vmshare.errors import Forbidden, HubUnreachable, NotSignedIn
from jupyterhub_vmshare.people.credentials import (
    SHARED,
    SHARED_UNKNOWN,
    Caller,
    Credential,
    Refusal,
    from_header,
    from_own_cookie,
)
from jupyterhub_vmshare.people.hub import Hub, TokenModel
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.succession import Succession
from jupyterhub_vmshare.words import CredentialKind

_HEADER: Final = re.compile(r"(?:token|bearer) +([\x21-\x7e]+)", re.IGNORECASE)

NOBODY: Final = "Sign in to JupyterHub, or send a token that it knows."
STALE_PAGE: Final = "This page is out of date: reload it and try again."


class Identity:
    """Finds out who calls. Believes the hub's answers for ten seconds, or not at all (``fresh``).

    Args:
        hub: The hub's REST API.
        oauth: The service's own OAuth client, which made and reads the cookie.
        membership: Tells the caller's teams.
        succession: Notices that a name is somebody else's by now.
        administers: Tells the projects that somebody administers.
    """

    def __init__(
        self,
        hub: Hub,
        oauth: HubOAuth,
        membership: Membership,
        succession: Succession,
        administers: Callable[[str], Awaitable[frozenset[str]]],
    ) -> None:
        self._hub = hub
        self._succession = succession
        self.oauth: Any = oauth
        self._membership = membership
        self._administers = administers

    async def caller(self, handler: RequestHandler, *, fresh: bool = False) -> Caller:
        """The caller of an API request.

        Raises ``NotSignedIn``, ``Forbidden`` (with the rule) or ``HubUnreachable``. A handler with
        ``xsrf_in_query = True`` takes the XSRF token as ``?_xsrf=``, for EventSource.
        """
        header = handler.request.headers.get("Authorization")
        if header is not None:
            token = await self._known(_token_of(header), fresh)
            return await self._caller(from_header(token), fresh)
        cookie = self.own_cookie(handler)
        if cookie is None:
            raise NotSignedIn(NOBODY)
        self._check_xsrf(handler)
        return await self.caller_of_cookie(cookie, fresh=fresh)

    def own_cookie(self, handler: RequestHandler) -> str | None:
        """The token in the service's own cookie, if its signature is ours."""
        token: str | None = self.oauth._get_token_cookie(handler)
        return token

    async def caller_of_cookie(self, token: str, *, fresh: bool = False) -> Caller:
        """The caller whose browser holds this token in the service's own cookie."""
        return await self._caller(from_own_cookie(await self._known(token, fresh)), fresh)

    async def _known(self, token: str, fresh: bool) -> TokenModel:
        model = await self._hub.who(token, fresh=fresh)
        if model is None:
            raise NotSignedIn(NOBODY)
        if model.kind == "user":
            await self._succession.check_token(token, model.name)
        return model

    async def _caller(self, credential: Credential | Refusal, fresh: bool) -> Caller:
        if isinstance(credential, Refusal):
            raise Forbidden(credential.because, rule=credential.rule)
        because = await self._why_read_only(credential, fresh)
        return Caller(
            name=credential.name,
            credential=credential.kind,
            server=credential.server,
            read_only=because is not None,
            because=because,
            hub_admin=credential.hub_admin and credential.kind is CredentialKind.PAGE,
            organizer=credential.organizer and credential.kind is CredentialKind.PAGE,
            teams=await self._membership.teams_of(credential.name, fresh=fresh),
            administers=await self._administered(credential),
        )

    async def _administered(self, credential: Credential) -> frozenset[str]:
        """Projects count on the service's own pages alone (DESIGN: D12 d)."""
        if credential.kind is not CredentialKind.PAGE:
            return frozenset()
        return await self._administers(credential.name)

    async def _why_read_only(self, credential: Credential, fresh: bool) -> str | None:
        if not credential.depends_on_shares or credential.server is None:
            return None
        try:
            return SHARED if await self._hub.is_shared(credential.server, fresh=fresh) else None
        except HubUnreachable:
            return SHARED_UNKNOWN

    def _check_xsrf(self, handler: RequestHandler) -> None:
        """Always, unlike JupyterHub, which lets navigations pass: the API is not navigated to."""
        wanted, wanted_id = _get_xsrf_token_cookie(handler)  # type: ignore[no-untyped-call]
        given = _given_xsrf(handler)
        if (
            wanted is None
            or given is None
            or wanted_id != self.oauth._get_xsrf_token_id(handler)
            or not compare_digest(given, wanted)
        ):
            raise Forbidden(STALE_PAGE, rule="credential.xsrf")


def _token_of(header: str) -> str:
    match = _HEADER.fullmatch(header.strip())
    if match is None:
        raise NotSignedIn(NOBODY)
    return match[1]


def _given_xsrf(handler: RequestHandler) -> bytes | None:
    headers: Any = handler.request.headers
    given = headers.get("X-XSRFToken") or headers.get("X-CSRFToken")
    if given is None and getattr(handler, "xsrf_in_query", False):
        given = handler.get_query_argument("_xsrf", None)
    return None if given is None else str(given).encode("utf-8", "replace")
