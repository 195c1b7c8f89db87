"""What the service asks the hub: whose token, which person, which groups, which shares.

Every question has a time limit. Whatever keeps the hub from answering is `HubUnreachable`:
nothing is opened on a guess. Tokens are never logged, and remembered as hashes alone.
"""

from __future__ import annotations

import hashlib
import logging
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import quote

import httpx2

from jupyterhub_vmshare.errors import HubForbids, HubUnreachable
from jupyterhub_vmshare.people.memory import ShortMemory

log = logging.getLogger(__name__)

_PAGED: Final = {"Accept": "application/jupyterhub-pagination+json"}
_PAGE_SIZE: Final = 200
_MAX_PAGES: Final = 1000
_STOP_SECONDS: Final = 20.0
"""The hub answers when the server has stopped, or after ten seconds of its own."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,1024}")


# Reading the system's certificates takes as long as a dozen requests.
_default_tls = cache(ssl.create_default_context)


@dataclass(frozen=True, slots=True)
class TokenModel:
    """What the hub says about a token. ``session_id`` is set for OAuth logins alone."""

    name: str
    kind: str
    admin: bool
    scopes: frozenset[str]
    session_id: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """A hub group and who is in it."""

    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person by the hub's name, and since when it is theirs; ``since`` is None when the hub does
    not say (that takes the scope read:users)."""

    name: str
    since: datetime | None


class Hub:
    """A client of the hub's REST API, with the service's own token.

    Args:
        api_url: Such as ``http://127.0.0.1:8081/hub/api``.
        api_token: The service's token.
        timeout: Seconds that one request may take, connecting apart (as long again at most).
        max_age: Seconds that an answer about a token or a share is believed; 10 at most (D12).
        tls: For a hub with ``internal_ssl``.
    """

    def __init__(
        self,
        api_url: str,
        api_token: str,
        *,
        timeout: float = 5.0,
        max_age: float = 10.0,
        tls: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._own = {"Authorization": f"token {api_token}"}
        self._http = httpx2.AsyncClient(
            timeout=timeout,
            verify=tls or _default_tls(),
            trust_env=False,  # the hub is a neighbour: no proxy of the environment sees tokens
            limits=httpx2.Limits(max_connections=20),
        )
        age = min(max_age, 10.0)
        self._tokens = ShortMemory[TokenModel](max_age=age, size=20_000, monotonic=monotonic)
        self._shares = ShortMemory[bool](max_age=age, size=20_000, monotonic=monotonic)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def check(self) -> None:
        """Raise ``HubUnreachable`` unless the hub answers."""
        await self._must("/")

    async def who(self, token: str, *, fresh: bool = False) -> TokenModel | None:
        """Whose token this is; None for one that the hub does not know (any more)."""
        if not _TOKEN.fullmatch(token):
            return None
        key = hashlib.sha256(token.encode()).hexdigest()
        try:
            # Unknown tokens are not remembered: nonsense must not push known people out.
            return await self._tokens.get(key, lambda: self._who(token), fresh=fresh)
        except _UnknownToken:
            return None

    async def person(self, name: str) -> str | None:
        """The hub's name of the person of exactly this name; None if there is none."""
        holder = await self.holder(name)
        return holder.name if holder else None

    async def holder(self, name: str) -> Holder | None:
        """Who has this name, and since when; None if there is nobody."""
        model = await self._ask(f"/users/{quote(name, safe='')}", absent=(404,))
        if not model or model.get("kind") != "user":
            return None
        told = model.get("created")
        try:
            return Holder(str(model["name"]), None if told is None else _moment(told))
        except (KeyError, TypeError, ValueError) as error:
            raise _not_understood(error) from error

    async def groups(self) -> list[Group]:
        """All groups with their members, in the hub's order (the oldest first)."""
        return [_group(model) async for model in self._pages("/groups")]

    async def group(self, name: str) -> Group | None:
        """One group; None if there is none of that name."""
        model = await self._ask(f"/groups/{quote(name, safe='')}", absent=(404,))
        return _group(model) if model else None

    async def is_shared(self, server: str, *, fresh: bool = False) -> bool:
        """Whether ``server`` (``ana/``, ``ana/gpu``) is shared with anybody at all."""
        return await self._shares.get(server, lambda: self._is_shared(server), fresh=fresh)

    async def stop_server(self, person: str, server_name: str) -> None:
        """Stop a person's server; one that does not run (any more) is stopped.

        Raises:
            HubForbids: the service lacks the scope.
            HubUnreachable: whether it stops is not known.
        """
        named = f"servers/{quote(server_name, safe='')}" if server_name else "server"
        path = f"/users/{quote(person, safe='')}/{named}"
        try:
            answer = await self._http.delete(
                self._api_url + path, headers=self._own, timeout=_STOP_SECONDS
            )
        except httpx2.HTTPError as error:
            raise _silent(path, error) from error
        if answer.status_code == 403:
            raise HubForbids(
                "JupyterHub does not let this service stop servers. Ask its administrator to call "
                "configure(c) of this version, and to restart the hub."
            )
        # 202: it takes its time. 400 and 404: it does not run.
        if answer.status_code not in (202, 204, 400, 404):
            raise _refused(path, answer)

    async def _who(self, token: str) -> TokenModel:
        model = await self._ask(
            "/user", headers={"Authorization": f"token {token}"}, absent=(401, 403)
        )
        if model is None:
            raise _UnknownToken
        try:
            return TokenModel(
                name=str(model["name"]),
                kind=str(model.get("kind", "user")),
                admin=model.get("admin") is True,
                scopes=frozenset(model.get("scopes", ())),
                session_id=model.get("session_id") or None,
            )
        except (KeyError, TypeError) as error:
            raise _not_understood(error) from error

    async def _is_shared(self, server: str) -> bool:
        owner, _, name = server.partition("/")
        path = f"/shares/{quote(owner, safe='')}/{quote(name, safe='')}?limit=1"
        # A server that is not there (renamed, gone) is an error here, not "shared with nobody".
        model = await self._must(path)
        try:
            return bool(model["items"]) or int(model["_pagination"]["total"]) > 0
        except (KeyError, TypeError, ValueError) as error:
            raise _not_understood(error) from error

    async def _pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        offset: int | None = 0
        for _ in range(_MAX_PAGES):
            page = await self._must(f"{path}?offset={offset}&limit={_PAGE_SIZE}")
            try:
                for item in page["items"]:
                    yield item
                offset = (page["_pagination"]["next"] or {}).get("offset")
            except (KeyError, TypeError) as error:
                raise _not_understood(error) from error
            if offset is None:
                return
        raise HubUnreachable("JupyterHub lists more than this service can read.")

    async def _must(self, path: str) -> dict[str, Any]:
        model = await self._ask(path)
        if model is None:
            raise _not_understood(TypeError("nothing"))
        return model

    async def _ask(
        self, path: str, *, absent: tuple[int, ...] = (), headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """The JSON object at ``path``; None for a status in ``absent``."""
        try:
            answer = await self._http.get(
                self._api_url + path, headers={**_PAGED, **(headers or self._own)}
            )
        except httpx2.HTTPError as error:
            raise _silent(path, error) from error
        if answer.status_code in absent:
            return None
        if answer.status_code != 200:
            raise _refused(path, answer)
        return _object(answer)


class _UnknownToken(Exception):
    pass


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        model = answer.json()
    except ValueError as error:
        raise _not_understood(error) from error
    if not isinstance(model, dict):
        raise _not_understood(TypeError("not an object"))
    return model


def _group(model: Mapping[str, Any]) -> Group:
    try:
        # Without the scope read:groups the members are missing: that is not an empty group.
        return Group(str(model["name"]), frozenset(str(name) for name in model["users"]))
    except (KeyError, TypeError) as error:
        raise _not_understood(error) from error


def _silent(path: str, error: Exception) -> HubUnreachable:
    log.warning("hub.unreachable path=%s error=%s", _bare(path), type(error).__name__)
    return HubUnreachable("JupyterHub does not answer. Try again in a moment.")


def _refused(path: str, answer: httpx2.Response) -> HubUnreachable:
    log.warning("hub.refused path=%s status=%s", _bare(path), answer.status_code)
    return HubUnreachable("JupyterHub can't tell right now. Try again in a moment.")


def _moment(told: str) -> datetime:
    found = datetime.fromisoformat(told)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _not_understood(error: Exception) -> HubUnreachable:
    log.warning("hub.not_understood error=%s", type(error).__name__)
    return HubUnreachable("JupyterHub answered something that this service does not understand.")


def _bare(path: str) -> str:
    return path.partition("?")[0]
