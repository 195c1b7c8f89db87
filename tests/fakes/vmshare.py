"""A VMShare service that does what a test tells it, on loopback in a thread of its own.

It speaks the contract's protocol over HTTP: scripted answers, server-sent events with resume, bytes
of any amount that nobody holds in memory. It is strict: a request with a cookie, without a known
token, or with a header that the contract has no use for is written down in `complaints`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tornado import web
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets

PREFIX = "/services/vmshare/api"
KNOWN_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "authorization", "cache-control",
        "connection", "content-length", "content-type", "expect", "host", "idempotency-key",
        "if-match", "if-modified-since", "if-none-match", "if-range", "last-event-id", "range",
        "transfer-encoding", "tus-resumable", "upload-checksum", "upload-concat", "upload-length",
        "upload-metadata", "upload-offset", "user-agent", "x-http-method-override", "x-request-id",
    }
)  # fmt: skip
CHUNK = bytes(range(256)) * 256


@dataclass(frozen=True)
class Scripted:
    """An answer. ``drop`` closes the connection instead, after the request was read."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False

    @classmethod
    def json(cls, told: Any, status: int = 200, **headers: str) -> Scripted:
        kind = "application/problem+json" if status >= 400 else "application/json"
        return cls(status, json.dumps(told).encode(), {"Content-Type": kind, **headers})

    @classmethod
    def problem(cls, status: int, code: str, detail: str, **more: Any) -> Scripted:
        told = {"type": f"urn:x:{code}", "title": code, "status": status, "code": code}
        return cls.json({**told, "detail": detail, **more}, status)


@dataclass(frozen=True)
class Came:
    """A request that came in."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    token: str


class FakeVMShare:
    """The scripted service. ``with FakeVMShare() as service`` starts it on a free port."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.people: dict[str, str] = {"ana-token": "ana", "ben-token": "ben"}
        self.requests: list[Came] = []
        self.complaints: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.open_streams: list[str] = []
        self.streams_opened = 0
        self.sent = 0
        self.broken_uploads = 0
        self.is_stalled = False
        self.received = 0
        self.port = 0
        self.refuse_streams: Scripted | None = None
        self._scripts: dict[tuple[str, str], deque[Scripted]] = defaultdict(deque)
        self._made: dict[tuple[str, str], Callable[[Came], Scripted]] = {}
        self._wake: set[asyncio.Event] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: HTTPServer | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}/services/vmshare/"

    def answer(self, method: str, path: str, *answers: Scripted) -> None:
        """What to answer to a path, in order; the last one stays."""
        self._scripts[method, path].extend(answers)

    def answer_by(self, method: str, path: str, made: Callable[[Came], Scripted]) -> None:
        """What to answer to a path, made from what came."""
        self._made[method, path] = made

    def emit(self, kind: str, **data: Any) -> int:
        """An event for everybody; its position."""
        position = len(self.events) * 3 + 7
        event = {
            "position": position, "type": kind, "at": "2026-11-27T12:00:00.000Z",
            "actor": "ana", "thing_id": None, "thing_name": None, "data": data,
        }  # fmt: skip
        self.on_its_loop(lambda: self._append(event))
        return position

    def came(self, method: str, path: str) -> list[Came]:
        return [c for c in self.requests if (c.method, c.path) == (method, path)]

    def on_its_loop(self, act: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return act()

        return self.run(run())

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Run something asynchronous on its loop, such as a hub beside it."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    def start(self) -> None:
        """Listen (again), on the same port as before."""
        self.on_its_loop(self._listen)

    def stop(self) -> None:
        """Close the port and every connection, as a killed process does."""
        self.run(self._close())

    def next_answer(self, method: str, path: str) -> Scripted | None:
        if (made := self._made.get((method, path))) is not None:
            return made(self.requests[-1])
        script = self._scripts.get((method, path))
        if not script:
            return None
        return script.popleft() if len(script) > 1 else script[0]

    async def wait_for_event(self) -> None:
        wake = asyncio.Event()
        self._wake.add(wake)
        try:
            await asyncio.wait_for(wake.wait(), 0.2)
        except TimeoutError:
            pass
        finally:
            self._wake.discard(wake)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _listen(self) -> None:
        app = web.Application(
            [
                (f"{PREFIX}/events/stream", EventStream, {"service": self}),
                (f"{PREFIX}/folders/([a-z0-9_]+)/(?:file|download)", Bytes, {"service": self}),
                (f"{PREFIX}(/.*)", Script, {"service": self}),
                # Outside the API.
                (f"{PREFIX.removesuffix('/api')}(/health)", Script, {"service": self}),
            ],
            default_handler_class=web.ErrorHandler,
            default_handler_args={"status_code": 404},
            log_function=lambda _handler: None,
        )
        sockets = bind_sockets(self.port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._server = HTTPServer(app, max_body_size=1 << 40, ssl_options=self._tls)
        self._server.add_sockets(sockets)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None
        self._rouse()

    def _append(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._rouse()

    def _rouse(self) -> None:
        for wake in self._wake:
            wake.set()


@web.stream_request_body
class _Strict(web.RequestHandler):
    """Looks at every request before anything else does."""

    def initialize(self, service: FakeVMShare) -> None:
        self.service = service
        self.taken = bytearray()
        self.gone = False

    async def prepare(self) -> None:
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        unknown = set(headers) - KNOWN_HEADERS
        if unknown:
            self.service.complaints.append(f"{self.request.uri}: headers {sorted(unknown)}")
        self.token = headers.get("authorization", "").removeprefix("token ")
        if self.token not in self.service.people:
            self._say(Scripted.problem(401, "not-signed-in", "The hub does not know this token."))

    def data_received(self, chunk: bytes) -> None:
        self.taken += chunk

    def write_down(self, path: str) -> None:
        headers = {name.lower(): value for name, value in self.request.headers.items()}
        came = Came(
            self.request.method or "",
            path,
            self.request.query,
            headers,
            bytes(self.taken),
            self.token,
        )
        self.service.requests.append(came)

    def on_connection_close(self) -> None:
        self.gone = True

    def _say(self, scripted: Scripted) -> None:
        self.set_status(scripted.status)
        self.clear_header("Content-Type")
        for name, value in scripted.headers.items():
            self.set_header(name, value)
        self.finish(scripted.body or None)


class Script(_Strict):
    """Whatever was scripted."""

    async def _any(self, path: str) -> None:
        # As it came: what the forwarder sends is compared byte for byte.
        path = self.request.path.removeprefix(PREFIX).removeprefix(PREFIX.removesuffix("/api"))
        self.write_down(path)
        scripted = self.service.next_answer(self.request.method or "", path)
        if scripted is None:
            self.service.complaints.append(f"{self.request.method} {path} was not expected")
            scripted = Scripted.problem(404, "not-found", "There is no such thing here.")
        if scripted.drop:
            self.request.connection.close()  # type: ignore[union-attr]
            return
        self._say(scripted)

    get = head = post = put = patch = delete = _any


class EventStream(_Strict):
    """Server-sent events, resumed by ``Last-Event-ID``."""

    async def get(self) -> None:
        self.write_down("/events/stream")
        if self.service.refuse_streams is not None:
            self._say(self.service.refuse_streams)
            return
        events = self.service.events
        last = self.request.headers.get("Last-Event-ID")
        seen = int(last) if last else (events[-1]["position"] if events else 0)
        self.service.streams_opened += 1
        self.service.open_streams.append(self.token)
        self.set_header("Content-Type", "text/event-stream")
        try:
            self._frame(seen, "ready", {"position": events[-1]["position"] if events else 0})
            while not self.gone:
                for event in [e for e in events if e["position"] > seen]:
                    seen = event["position"]
                    self._frame(seen, event["type"], event)
                self.write(": beat\n\n")
                await self.flush()
                await self.service.wait_for_event()
        except StreamClosedError:
            pass
        finally:
            self.service.open_streams.remove(self.token)

    def _frame(self, position: int, kind: str, told: dict[str, Any]) -> None:
        self.write(f"id: {position}\nevent: {kind}\ndata: {json.dumps(told)}\n\n")


class Bytes(_Strict):
    """``?path=<size>`` is a file of so many bytes; uploads are counted and forgotten."""

    async def prepare(self) -> None:
        await super().prepare()
        if not self._finished and self.request.method == "PUT":
            scripted = self.service.next_answer("PUT", "/file")
            if scripted is not None:
                # As a service that authorises before it takes the body.
                self.write_down("/file")
                self._say(scripted)

    async def data_received(self, chunk: bytes) -> None:  # type: ignore[override]
        while self.service.is_stalled and not self.gone:
            await asyncio.sleep(0.02)
        self.service.received += len(chunk)

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.service.broken_uploads += self.request.method == "PUT"

    async def put(self, _folder: str) -> None:
        self.write_down("/file")
        name = self.get_query_argument("path")
        entry = {"name": name, "path": name, "kind": "file", "size": self.service.received}
        self._say(Scripted.json({**entry, "modified_at": "2026-11-27T12:00:00Z"}, 201))

    async def get(self, _folder: str) -> None:
        self.write_down("/download")
        scripted = self.service.next_answer("GET", "/download")
        if scripted is not None:
            self._say(scripted)
            return
        size, start = int(self.get_query_argument("path")), 0
        asked = self.request.headers.get("Range", "")
        if asked.startswith("bytes=") and self.request.headers.get("If-Range", '"e1"') == '"e1"':
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if self.service.next_answer("GET", "/of-unknown-length") is None:
            self.set_header("Content-Length", str(size - start))
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", "attachment; filename*=utf-8''a.bin")
        self.set_header("ETag", '"e1"')
        self.set_header("Set-Cookie", "stolen=1")
        await self._send(start, size)

    async def _send(self, start: int, size: int) -> None:
        stop = size
        broken = self.service.next_answer("GET", "/break-after")
        if broken is not None and start == 0:
            stop = int(broken.body)
        while start < stop and not self.gone:
            offset = start % len(CHUNK)
            piece = CHUNK[offset : offset + stop - start]
            self.write(piece)
            try:
                await self.flush()
            except StreamClosedError:
                return
            start += len(piece)
            self.service.sent += len(piece)
        if stop < size:
            self.request.connection.close()  # type: ignore[union-attr]
