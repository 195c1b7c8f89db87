"""The relay's side of what it has to do with the service: questions over HTTP, news over a socket.

While the service is away links go on, nobody gets a new one, and end dates fire by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import structlog
from pydantic import BaseModel, ValidationError
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from jupyterhub_vmshare.api.contract.ways import (
    TO_RELAY,
    Hello,
    NewRelayLink,
    RelayLinkView,
    ToRelay,
)
from jupyterhub_vmshare.relay.door.guest import NotIn

_log = structlog.get_logger("vmshare.relay")
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_TO_CONNECT: Final = 5.0
_TO_ANSWER: Final = 15.0
_PING: Final = 5.0
_LONGEST_MESSAGE: Final = 4 << 20
AWAY = "The service that knows who may use which machine does not answer; try again in a moment."


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where the service is, such as ``https://hub.example.org/services/vmshare/``; as which relay.

    ``ca``: a file with whom to trust, or the system's.
    """

    url: str
    name: str
    key: str
    ca: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What shows who asks."""
        return {"Authorization": f"Bearer {self.key}", "X-VMShare-Relay": self.name}

    def http(self, path: str, asked: BaseModel) -> HTTPRequest:
        """A question."""
        return HTTPRequest(
            f"{self.url.rstrip('/')}{path}",
            method="POST",
            headers={**self.headers, "Content-Type": "application/json"},
            body=asked.model_dump_json(),
            connect_timeout=_TO_CONNECT,
            request_timeout=_TO_ANSWER,
            ca_certs=self.ca,
        )

    def socket(self) -> HTTPRequest:
        """The beginning of the news."""
        scheme, _, rest = self.url.rstrip("/").partition(":")
        url = f"{'wss' if scheme == 'https' else 'ws'}:{rest}/relay/link"
        return HTTPRequest(url, headers=self.headers, connect_timeout=_TO_CONNECT, ca_certs=self.ca)


class Service:
    """The one service of a relay.

    Args:
        address: Where it is.
        hello: What it is told first.
        heard: What it says.
    """

    def __init__(
        self,
        address: ServiceAddress,
        hello: Callable[[], Hello],
        heard: Callable[[ToRelay], Awaitable[None]],
    ) -> None:
        self._address, self._hello, self._heard = address, hello, heard
        self._client = AsyncHTTPClient(force_instance=True, max_clients=200)
        self._socket: WebSocketClientConnection | None = None

    @property
    def is_there(self) -> bool:
        """Whether it tells us its news now."""
        return self._socket is not None

    async def open(self, asked: NewRelayLink) -> RelayLinkView:
        """What one link needs. Raises `NotIn` with the service's own sentence."""
        try:
            answer = await self._client.fetch(self._address.http("/relay/links", asked))
            return RelayLinkView.model_validate_json(answer.body)
        except HTTPClientError as error:
            raise NotIn(_sentence(error)) from None
        except (OSError, ValidationError) as error:
            _log.warning("service_unreadable", because=type(error).__name__)
            raise NotIn(AWAY) from None

    async def tell(self, said: BaseModel) -> bool:
        """Whether it was sent; when not, the service asks again once it is back."""
        if self._socket is None:
            return False
        try:
            await self._socket.write_message(said.model_dump_json())
        except WebSocketClosedError:
            return False
        return True

    async def listen(self) -> NoReturn:
        """Be connected, for ever."""
        pause = _FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(2 * _TO_CONNECT):
                    socket = await websocket_connect(
                        self._address.socket(),
                        max_message_size=_LONGEST_MESSAGE,
                        ping_interval=_PING,
                        ping_timeout=_PING,
                    )
            except (OSError, HTTPClientError, TimeoutError) as error:
                # Where and why, and never the key.
                _log.warning("service_away", url=self._address.url, because=_why(error))
            else:
                pause = _FIRST_PAUSE
                await self._follow(socket)
                _log.warning("service_gone", url=self._address.url)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _follow(self, socket: WebSocketClientConnection) -> None:
        try:
            await socket.write_message(self._hello().model_dump_json())
            self._socket = socket
            while (message := await socket.read_message()) is not None:
                try:
                    said = TO_RELAY.validate_json(message)
                except ValidationError:
                    _log.error("service_unreadable", because="a message")
                    continue
                await self._heard(said)
        except WebSocketClosedError:
            pass
        finally:
            self._socket = None
            socket.close()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close()


def _sentence(error: HTTPClientError) -> str:
    """What a refusal of the service says; of everything else, that it does not answer."""
    if error.response is None or error.code >= 500:
        return AWAY
    try:
        told: Any = json.loads(error.response.body)
        sentence = told.get("because") or told.get("detail")
    except (ValueError, AttributeError):
        sentence = None
    if error.code == 404:
        return "There is no such machine, or it is not shared with you."
    return str(sentence) if sentence else AWAY


def _why(error: BaseException) -> str:
    if isinstance(error, HTTPClientError) and error.code in (403, 404):
        return "it does not know this relay by this key (jupyterhub-vmshare relay-key)"
    return str(error) or type(error).__name__
