"""One request to the service and its answer, streamed both ways in constant memory.

tornado's HTTP clients read no answer before the whole body is sent, and closing them early leaves
the connection open. So this speaks HTTP/1.1 on tornado's own connection class: it reads while it
writes, waits for whoever is slower, and closes when it is told to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from tornado import httputil
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.iostream import StreamClosedError
from tornado.tcpclient import TCPClient

from jupyter_vmshare.client.tls import trusted

Deliver = Callable[[bytes], Awaitable[None]]
# How long the service may think about whether it wants a large body (``Expect: 100-continue``).
GO_AHEAD = 1.0
UNBOUNDED = 1 << 50


class NoAnswer(Exception):
    """The service could not be reached, or broke off."""


class Exchange(httputil.HTTPMessageDelegate):
    """Begin it, send the body's chunks, end the body, read the head, then relay the answer.

    Args:
        connection: To the service, fresh.
        patience: Seconds that the service may stay silent when it is its turn.
    """

    def __init__(self, connection: HTTP1Connection, patience: float) -> None:
        loop = asyncio.get_running_loop()
        self._connection = connection
        self._patience = patience
        self._head: asyncio.Future[tuple[int, httputil.HTTPHeaders]] = loop.create_future()
        self._end: asyncio.Future[None] = loop.create_future()
        self._go_ahead = asyncio.Event()
        self._wanted = asyncio.Event()
        self._deliver: Deliver | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._all_sent = False

    @classmethod
    async def open(cls, url: str, patience: float) -> Exchange:
        """Connect to where ``url`` points.

        Raises:
            NoAnswer: Nobody listens there.
        """
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        options = trusted() if secure else None
        try:
            stream = await TCPClient().connect(
                parts.hostname or "", port, ssl_options=options, timeout=5.0
            )
        except (OSError, TimeoutError) as error:
            raise NoAnswer from error
        parameters = HTTP1ConnectionParameters(no_keep_alive=True, max_body_size=UNBOUNDED)
        return cls(HTTP1Connection(stream, True, parameters), patience)

    async def begin(self, method: str, target: str, headers: httputil.HTTPHeaders) -> None:
        """Send the head. With ``Expect: 100-continue``, return when the service wants the body."""
        headers["Connection"] = "close"
        line = httputil.RequestStartLine(method, target, "HTTP/1.1")
        await self._within(self._connection.write_headers(line, headers))
        self._reading = asyncio.create_task(self._read())
        if "Expect" in headers:
            # A service that knows nothing of it says nothing: then the body is sent unasked.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._go_ahead.wait(), GO_AHEAD)

    async def send(self, chunk: bytes) -> bool:
        """Send a piece of the body. False: the answer is there already, so it was dropped."""
        if self.is_answered:
            return False
        try:
            await self._within(self._connection.write(chunk))
        except NoAnswer:
            if not self.is_answered:
                raise
        return not self.is_answered

    @property
    def is_answered(self) -> bool:
        """Whether the answer's head (or the end of the connection) has come."""
        return self._head.done()

    async def head(self) -> tuple[int, httputil.HTTPHeaders]:
        """End the body, and wait for the answer's status and headers.

        Raises:
            NoAnswer: None came.
        """
        if not self.is_answered and not self._all_sent:
            self._all_sent = True
            self._connection.finish()
        try:
            return await asyncio.wait_for(asyncio.shield(self._head), self._patience)
        except TimeoutError:
            self.close()
            raise NoAnswer from None

    async def relay(self, deliver: Deliver) -> None:
        """Hand each piece of the answer's body to ``deliver``, the next one after it is done.

        Raises:
            NoAnswer: The service broke off in the middle.
        """
        self._deliver = deliver
        self._wanted.set()
        self._watch()
        await self._end

    def close(self) -> None:
        """Close the connection now. The service notices at once."""
        self._wanted.set()
        self._stop_watching()
        self._connection.close()
        self._break()

    # What the connection tells as it reads.

    async def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> None:
        """The head of an answer, or of a go-ahead."""
        assert isinstance(start_line, httputil.ResponseStartLine)  # noqa: S101  (for the types)
        self._go_ahead.set()
        if start_line.code >= 200 and not self._head.done():
            self._head.set_result((start_line.code, headers))
            await self._wanted.wait()

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the answer: the next one is not read before this one is delivered."""
        self._stop_watching()
        if self._deliver is not None:
            await self._deliver(chunk)
        self._watch()

    def finish(self) -> None:
        """The answer is complete."""
        self._stop_watching()
        if not self._end.done():
            self._end.set_result(None)
        self._connection.close()

    def on_connection_close(self) -> None:
        """The service closed the connection before the answer was complete."""
        self._break()

    async def _read(self) -> None:
        try:
            await self._connection.read_response(self)
        except StreamClosedError:
            pass
        finally:
            self._break()

    def _break(self) -> None:
        self._go_ahead.set()
        self._stop_watching()
        for future in (self._head, self._end):
            if not future.done():
                future.set_exception(NoAnswer())
                future.exception()  # perhaps nobody asks; that is no mistake to be logged

    async def _within(self, sending: Awaitable[None]) -> None:
        try:
            await asyncio.wait_for(sending, self._patience)
        except (StreamClosedError, TimeoutError) as error:
            raise NoAnswer from error

    def _watch(self) -> None:
        if not self._end.done():
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(self._patience, self.close)

    def _stop_watching(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
