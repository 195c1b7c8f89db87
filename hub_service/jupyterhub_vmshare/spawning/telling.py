"""The hub tells the service which session is whose (``POST``, ``DELETE /hub/sessions``)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import httpx2

from jupyterhub_vmshare.spawning.accounts import Account
from jupyterhub_vmshare.spawning.address import SessionUrl

DEADLINE = 2.0
"""Seconds that a start (unless the operator gives it others), or a stop, may wait for the service
in all."""
_FOR_THE_VIEW = 0.75
"""The part of a start's seconds after which the service answers without a view; the rest is for
what happens before, and on the way."""


def hook_secret(api_token: str) -> str:
    """What the hub's hooks show the service. The hub and the service know it, and no session."""
    return hmac.new(api_token.encode(), b"vmshare hub hook", hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Registered:
    """What the service said: the session's id, and its view; None: no mounts, and why."""

    id: str
    view: str | None
    because: str | None


class Service:
    """The service, as the hub's hooks reach it."""

    def __init__(self, url: SessionUrl, secret: str, deadline: float = DEADLINE) -> None:
        self._url, self._secret, self.deadline = url, secret, deadline

    def __repr__(self) -> str:
        return f"the service at {self._url!r}"

    async def has_started(
        self, spawner: Any, account: Account, node: str | None = None
    ) -> Registered:
        """A session of this account is about to start, on that node; None: on the service's own.

        Raises ``httpx2.HTTPError``, and ``ValueError`` for an answer that makes no sense.
        """
        told = {
            **_named(spawner),
            "uid": account.uid,
            "gid": account.gid,
            "wait_seconds": self.deadline * _FOR_THE_VIEW,
            **({} if node is None else {"node": node}),
        }
        answer = (await self._call(spawner, "POST", told, self.deadline)).json()
        view = answer.get("view")
        if view is not None and not str(view).startswith("/"):
            raise ValueError(f"a view at {view!r}")
        return Registered(str(answer["id"]), view, answer.get("because"))

    async def has_ended(self, spawner: Any) -> None:
        """It is over. Raises ``httpx2.HTTPError``."""
        await self._call(spawner, "DELETE", _named(spawner), DEADLINE)

    async def _call(
        self, spawner: Any, method: str, told: dict[str, Any], within: float
    ) -> httpx2.Response:
        url = f"{self._url(spawner)}api/hub/sessions"
        # Making a TLS context takes longer than the call: without TLS there is none.
        tls = url.startswith("https:")
        async with httpx2.AsyncClient(timeout=within, trust_env=False, verify=tls) as client:
            headers = {"Authorization": f"Bearer {self._secret}"}
            answer = await client.request(method, url, json=told, headers=headers)
        if method == "DELETE" and answer.status_code == httpx2.codes.NOT_FOUND:
            return answer
        return answer.raise_for_status()


def _named(spawner: Any) -> dict[str, str]:
    return {"person": str(spawner.user.name), "server_name": str(spawner.name)}
