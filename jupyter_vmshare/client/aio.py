"""The asynchronous client: the same calls as `sync`, awaited."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from jupyter_vmshare.client import wire
from jupyter_vmshare.client.address import Address, service_address, service_token
from jupyter_vmshare.client.call import Answer, Call
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.client.retries import Retries
from jupyter_vmshare.client.stream import PATH, Follower, Happened, Message
from jupyter_vmshare.client.twins import Async
from jupyter_vmshare.client.verbs import Verbs
from jupyterhub_vmshare.api.contract.events import EventView

T = TypeVar("T")


class AsyncClient(Verbs, Async):
    """Talks to the VMShare service from one event loop. Takes the same arguments as `Client`."""

    def __init__(
        self,
        url: str = "",
        token: str = "",
        *,
        retries: Retries | None = None,
        verify: ssl.SSLContext | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.address: Address = service_address(url)
        self._retries = retries or Retries()
        self._player = self
        self._token, self._verify = service_token(token), verify
        self._http = httpx2.AsyncClient(
            transport=transport, **wire.settings(self.address, self._token, verify)
        )

    async def run(self, call: Call[T]) -> T:
        """Send a call, again where that does no harm, and read its answer.

        Raises:
            VMShareError: The service refused, or did not answer.
        """
        attempt = 1
        while True:
            try:
                return call.read(await self._send(call))
            except VMShareError as error:
                pause = self._retries.after(error, call, attempt)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
            attempt += 1

    async def events(self, after: int | None = None) -> AsyncGenerator[EventView, None]:
        """Events as they happen, for ever; resumed by itself when the connection breaks.

        Args:
            after: A position to begin after; None begins now.

        Raises:
            VMShareError: The service does not accept this token (any more).
        """
        async with contextlib.aclosing(self.stream(after)) as messages:
            async for message in messages:
                if isinstance(message, Happened):
                    yield message.event

    async def stream(self, after: int | None = None) -> AsyncGenerator[Message, None]:
        """Like `events`, and says too when the stream is open and when it broke."""
        follower = Follower(after)
        while True:
            try:
                async with contextlib.aclosing(self._follow(follower)) as messages:
                    async for message in messages:
                        yield message
                lost = follower.lost("The VMShare service closed the stream.")
            except VMShareError as error:
                lost = follower.lost(error)
                if lost.state == "refused":
                    raise
            yield lost
            await asyncio.sleep(lost.pause)

    def another(self) -> AsyncClient:
        """Another client of the same person, for another event loop."""
        return AsyncClient(
            self.address.url, self._token, retries=self._retries, verify=self._verify
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _follow(self, follower: Follower) -> AsyncGenerator[Message, None]:
        call: Call[None] = Call("GET", PATH, lambda _: None)
        try:
            async with self._http.sse(
                PATH, headers=follower.asks(), timeout=wire.STREAM_TIMEOUT
            ) as source:
                if not wire.succeeded(source.response, call):
                    await source.response.aread()
                    raise wire.failure(source.response)
                async for sent in source:
                    message = follower.takes(sent)
                    if message is not None:
                        yield message
        except httpx2.TransportError as error:
            raise wire.lost(error, call) from None

    async def _send(self, call: Call[Any]) -> Answer:
        content = call.body if call.source is None else _off_the_loop(iter(call.source.chunks()))
        request = wire.request(self._http, call, content)
        try:
            response = await self._http.send(request, stream=True)
            try:
                return await self._receive(call, response)
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            raise wire.lost(error, call) from None

    async def _receive(self, call: Call[Any], response: httpx2.Response) -> Answer:
        if call.sink is None or not wire.succeeded(response, call):
            await response.aread()
            if not wire.succeeded(response, call):
                raise wire.failure(response)
            return wire.answer(response)
        call.sink.begins(response.status_code, response.headers)
        async for chunk in response.aiter_raw():
            await asyncio.to_thread(call.sink.takes, chunk)
        call.sink.ends()
        return Answer(response.status_code, response.headers, b"")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.address.url}>"


async def _off_the_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Chunks of a file: reading it may block, so it does so in a thread."""
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk
