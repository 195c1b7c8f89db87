"""The synchronous client."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from jupyter_vmshare.client import wire
from jupyter_vmshare.client.address import Address, service_address, service_token
from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Answer, Call
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.client.retries import Retries
from jupyter_vmshare.client.stream import PATH, Follower, Happened, Lost, Message
from jupyter_vmshare.client.twins import Sync
from jupyter_vmshare.client.verbs import Verbs
from jupyterhub_vmshare.api.contract.events import EventView

T = TypeVar("T")


class Client(Verbs, Sync):
    """Talks to the VMShare service, one call after the other. Safe to use from several threads.

    Args:
        url: The service's address; found out when empty (see `address`).
        token: The token to act with; found out when empty.
        retries: When to try again.
        verify: TLS settings; the system's own by default.
        transport: For tests.
    """

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        retries: Retries | None = None,
        verify: ssl.SSLContext | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.address: Address = service_address(url)
        self._retries = retries or Retries()
        self._player = self
        self._token, self._verify = service_token(token), verify
        self._http = httpx2.Client(
            transport=transport, **wire.settings(self.address, self._token, verify)
        )

    def run(self, call: Call[T]) -> T:
        """Send a call, again where that does no harm, and read its answer.

        Raises:
            VMShareError: The service refused, or did not answer.
        """
        attempt = 1
        while True:
            try:
                return call.read(self._send(call))
            except VMShareError as error:
                pause = self._retries.after(error, call, attempt)
                if pause is None:
                    raise
            time.sleep(pause)
            attempt += 1

    def events(self, after: int | None = None) -> Iterator[EventView]:
        """Events as they happen, for ever; resumed by itself when the connection breaks.

        Args:
            after: A position to begin after; None begins now.

        Raises:
            VMShareError: The service does not accept this token (any more).
        """
        for message in self.stream(after):
            if isinstance(message, Happened):
                yield message.event

    def stream(self, after: int | None = None) -> Iterator[Message]:
        """Like `events`, and says too when the stream is open and when it broke."""
        follower = Follower(after)
        while True:
            try:
                yield from self._follow(follower)
                lost = follower.lost("The VMShare service closed the stream.")
            except VMShareError as error:
                lost = follower.lost(error)
                if lost.state == "refused":
                    raise
            yield lost
            time.sleep(lost.pause)

    def another(self) -> AsyncClient:
        """Another client of the same person, for an event loop."""
        return AsyncClient(
            self.address.url, self._token, retries=self._retries, verify=self._verify
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _follow(self, follower: Follower) -> Iterator[Message]:
        call: Call[None] = Call("GET", PATH, lambda _: None)
        try:
            with self._http.sse(
                PATH, headers=follower.asks(), timeout=wire.STREAM_TIMEOUT
            ) as source:
                if not wire.succeeded(source.response, call):
                    source.response.read()
                    raise wire.failure(source.response)
                for sent in source:
                    message = follower.takes(sent)
                    if message is not None:
                        yield message
        except httpx2.TransportError as error:
            raise wire.lost(error, call) from None

    def _send(self, call: Call[Any]) -> Answer:
        content = call.body if call.source is None else call.source.chunks()
        request = wire.request(self._http, call, content)
        try:
            response = self._http.send(request, stream=True)
            try:
                return self._receive(call, response)
            finally:
                response.close()
        except httpx2.TransportError as error:
            raise wire.lost(error, call) from None

    def _receive(self, call: Call[Any], response: httpx2.Response) -> Answer:
        if call.sink is None or not wire.succeeded(response, call):
            response.read()
            if not wire.succeeded(response, call):
                raise wire.failure(response)
            return wire.answer(response)
        call.sink.begins(response.status_code, response.headers)
        for chunk in response.iter_raw():
            call.sink.takes(chunk)
        call.sink.ends()
        return Answer(response.status_code, response.headers, b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.address.url}>"


__all__ = ["Client", "Lost"]
