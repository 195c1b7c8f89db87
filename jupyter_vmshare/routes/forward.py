"""Forwards what the panel asks of the hub service, as the visitor who asks.

Only paths and methods of the service's contract, only headers that are listed here, bodies in
constant memory both ways, and problems (never a proxy's page) when something is wrong on the way.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, cast
from urllib.parse import unquote_plus, urlsplit

from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError

from jupyter_vmshare._version import __version__
from jupyter_vmshare.routes.base import Refused, Route, allowed, authorise
from jupyter_vmshare.routes.exchange import UNBOUNDED, Exchange, NoAnswer

REQUEST_HEADERS = (
    "Accept",
    "Accept-Language",
    "Content-Length",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Range",
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Concat",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Request-ID",
)
ANSWER_HEADERS = (
    "Accept-Ranges",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Security-Policy",
    "Content-Type",
    "Cross-Origin-Resource-Policy",
    "ETag",
    "Idempotent-Replayed",
    "Last-Modified",
    "Retry-After",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-Content-Type-Options",
    "X-Request-ID",
)
# Addresses of the service's own, which are others from here.
WITH_ADDRESSES = ("Location", "Upload-Concat")
# What authenticates the visitor here is no business of the service's.
OWN_PARAMETERS = frozenset({"_xsrf", "token", "no_track_activity"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# From this size on, the service is asked whether it wants the body before it is sent.
LARGE = 1 << 16
# How much of an unwanted body is swallowed so that the browser reads the answer in peace.
SWALLOWED = 1 << 23
PREFIX = "/vmshare/api/"


@web.stream_request_body
class Forward(Route):
    """``vmshare/api/…`` ↔ ``<service>/api/…``."""

    exchange: Exchange | None = None
    _swallowed = 0

    async def prepare(self, **options: Any) -> None:
        """Authenticate and authorise before the body comes, and begin the service's request."""
        await super().prepare(**options)
        if self._finished or self.request.method == "OPTIONS":
            return
        await authorise(self, "read" if self.request.method in ("GET", "HEAD") else "write")
        target, visitor, address = self._target(), self.visitor(), self.gateway.address
        if address is None:
            raise Refused(503, "service-absent", self.gateway.because)
        # The service says how large a body may be; here it only passes through.
        self._connection.set_max_body_size(UNBOUNDED)
        try:
            self.exchange = await Exchange.open(address.url, self.gateway.patience)
            path = urlsplit(address.api).path + target
            await self.exchange.begin(self.request.method or "", path, self._head(visitor.token))
        except NoAnswer:
            raise UNREACHABLE from None

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the body: the next one is read when the service took this one."""
        if self._finished or self.exchange is None or self.request.method not in WITH_BODY:
            return
        try:
            sent = await self.exchange.send(chunk)
        except NoAnswer:
            raise UNREACHABLE from None
        if not sent:
            self._swallowed += len(chunk)
            if self._swallowed > SWALLOWED:
                await self._relay()

    @allowed("read")
    async def get(self) -> None:
        """Forward a GET."""
        await self._relay()

    @allowed("read")
    async def head(self) -> None:
        """Forward a HEAD."""
        await self._relay()

    @allowed("write")
    async def post(self) -> None:
        """Forward a POST."""
        await self._relay()

    @allowed("write")
    async def put(self) -> None:
        """Forward a PUT."""
        await self._relay()

    @allowed("write")
    async def patch(self) -> None:
        """Forward a PATCH."""
        await self._relay()

    @allowed("write")
    async def delete(self) -> None:
        """Forward a DELETE."""
        await self._relay()

    def on_connection_close(self) -> None:
        """The browser went away: so does the request to the service."""
        super().on_connection_close()
        if self.exchange is not None:
            self.exchange.close()

    def on_finish(self) -> None:
        """Nothing stays open after the answer."""
        super().on_finish()
        if self.exchange is not None:
            self.exchange.close()

    @property
    def _connection(self) -> HTTP1Connection:
        return cast(HTTP1Connection, self.request.connection)

    def _target(self) -> str:
        """Path and query below the service's API, exactly as they came; or a refusal."""
        path = self.request.path.rpartition(PREFIX)[2]
        methods = self.gateway.contract.methods(path)
        if not methods:
            raise Refused(404, "not-found", "The VMShare service has no such address.")
        if self.request.method not in methods:
            sentence = "That can't be done at this address."
            raise Refused(405, "method-not-allowed", sentence, methods)
        query = forwarded_query(self.request.query)
        return f"{path}?{query}" if query else path

    def _head(self, token: str) -> HTTPHeaders:
        """The service's request headers: listed ones, and the visitor's token."""
        came = self.request.headers
        headers = HTTPHeaders({name: came[name] for name in REQUEST_HEADERS if name in came})
        headers["Host"] = urlsplit(self.gateway.address.url if self.gateway.address else "").netloc
        headers["Authorization"] = f"token {token}"
        headers["User-Agent"] = f"jupyter-vmshare-server/{__version__}"
        if self.request.method in WITH_BODY:
            self._announce_body(headers)
        else:
            headers.pop("Content-Length", None)
        return headers

    def _announce_body(self, headers: HTTPHeaders) -> None:
        length = headers.get("Content-Length")
        chunked = "Transfer-Encoding" in self.request.headers
        if length is None and not chunked:
            headers["Content-Length"] = "0"
        if chunked or int(length or 0) > LARGE:
            headers["Expect"] = "100-continue"

    async def _relay(self) -> None:
        """Answer what the service answers."""
        if self._finished or self.exchange is None:
            return
        try:
            status, headers = await self.exchange.head()
        except NoAnswer:
            raise UNREACHABLE from None
        foreign = foreign_answer(status, headers)
        if foreign is not None:
            raise foreign
        self._begin_answer(status, headers)
        try:
            await self.exchange.relay(self._deliver)
        except NoAnswer:
            self._break_off()
        else:
            # The browser may have gone away meanwhile: then there is nobody to finish for.
            with contextlib.suppress(StreamClosedError):
                self.finish(set_content_type=headers.get("Content-Type", "application/json"))

    def _begin_answer(self, status: int, headers: HTTPHeaders) -> None:
        self.set_status(status)
        for name in ANSWER_HEADERS:
            if name in headers:
                self.set_header(name, headers[name])
        service = urlsplit(self.gateway.address.api if self.gateway.address else "").path
        here = self.request.path.rpartition(PREFIX)[0] + PREFIX
        for name in WITH_ADDRESSES:
            if name in headers:
                self.set_header(name, moved(headers[name], service, here))
        # Whatever somebody put into a folder is never run as this server's own page.
        self.set_header("X-Content-Type-Options", "nosniff")

    async def _deliver(self, chunk: bytes) -> None:
        self.write(chunk)
        try:
            await self.flush()
        except StreamClosedError:
            if self.exchange is not None:
                self.exchange.close()

    def _break_off(self) -> None:
        """Half an answer must not look like a whole one."""
        if self._headers_written:
            self._connection.close()
        else:
            self.clear()
            raise UNREACHABLE


UNREACHABLE = Refused(
    503,
    "service-unreachable",
    "The VMShare service does not answer right now. Try again in a moment.",
)


def moved(header: str, service: str, here: str) -> str:
    """A header's addresses below the service's API as those below this server's; no others."""
    found: list[str] = re.findall(rf"(?:^|(?<=[; ])){re.escape(service)}([^\s;]*)", header)
    word, semicolon, _ = header.rpartition(";")
    if not found:
        return header if "/" not in header else here
    return word + semicolon + " ".join(here + one for one in found)


def forwarded_query(query: str) -> str:
    """The query as it came, without what is meant for this server."""
    return "&".join(part for part in query.split("&") if part and not _is_own(part))


def _is_own(part: str) -> bool:
    # JupyterLab adds a nameless number against caches, which no route of the service knows.
    return part.isdecimal() or unquote_plus(part.partition("=")[0]) in OWN_PARAMETERS


def foreign_answer(status: int, headers: HTTPHeaders) -> Refused | None:
    """The problem that an answer means which the service itself can't have written."""
    if 200 <= status < 300 or status == 304:
        return None
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if status >= 400 and kind == "application/problem+json":
        return None
    if status == 404:
        return Refused(503, "service-absent", "There is no VMShare service on this hub (yet).")
    if status in {401, 403}:
        sentence = "The hub does not let you reach the VMShare service from here."
        return Refused(status, "not-signed-in" if status == 401 else "forbidden", sentence)
    if status in {502, 503, 504}:
        return UNREACHABLE
    return Refused(502, "unexpected-answer", "The VMShare service answered something unexpected.")
