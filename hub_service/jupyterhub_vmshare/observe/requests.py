"""Each request gets an id, a line in the log and a place in the metrics."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Any
from weakref import WeakSet

import structlog
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from jupyterhub_vmshare.observe import redaction
from jupyterhub_vmshare.observe.metrics import Metrics

PLAIN_BODY = 1 << 16
"""Bytes of a body for handlers that take it whole: forms, nothing else."""

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_log = structlog.get_logger("vmshare.requests")


def request_id_of(request: HTTPServerRequest) -> str:
    """The id that a proxy gave the request, if it is sane, else a new one.

    It is written into logs and answers: anything but a short plain word is not taken over.
    """
    given = request.headers.get_list("X-Request-ID")
    if len(given) == 1 and _SANE_ID.fullmatch(given[0]):
        return given[0]
    return secrets.token_hex(10)


def route_of(handler: RequestHandler) -> str:
    """The route as the contract writes it; never the path, of which there are too many."""
    path = getattr(type(handler), "path", None)
    if isinstance(path, str):
        return path
    return type(handler).__name__


class ObservedApplication(Application):
    """A tornado application that knows its requests by their ids."""

    def __init__(self, rules: list[Any], metrics: Metrics, **settings: Any) -> None:
        super().__init__(rules, **settings)
        self._metrics = metrics
        # Weak, because a request whose head or body is refused by tornado is never logged.
        self._under_way: WeakSet[HTTPServerRequest] = WeakSet()

    async def finished(self) -> None:
        """When every request under way has been answered."""
        while self._under_way:  # noqa: ASYNC110 (what is dropped tells nobody)
            await asyncio.sleep(0.02)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """As tornado's; before that the request gets its id, for everything that is logged."""
        found = request_id_of(request)
        request.vmshare_request_id = found  # type: ignore[attr-defined]
        self._under_way.add(request)
        # A connection's requests come one after the other in one context; a handler's task copies
        # it, so that lines of concurrent requests don't mix.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=found)
        delegate = super().find_handler(request, **kwargs)
        if not delegate.stream_request_body and request.connection is not None:
            # Without a limit anybody could have a page's handler fill the memory with a body.
            request.connection.set_max_body_size(PLAIN_BODY)  # type: ignore[attr-defined]
        return delegate

    def log_request(self, handler: RequestHandler) -> None:
        """One line when a request has been answered."""
        request, status = handler.request, handler.get_status()
        self._under_way.discard(request)
        seconds = request.request_time()
        self._metrics.answered(str(request.method), route_of(handler), status, seconds)
        tell = _log.error if status >= 500 else _log.info
        tell(
            "request",
            request_id=getattr(request, "vmshare_request_id", None),
            method=request.method,
            route=route_of(handler),
            path=request.path,
            query=redaction.query(request.query),
            status=status,
            ms=round(seconds * 1000, 1),
            person=getattr(getattr(handler, "caller", None), "name", None),
            **_idempotency(request),
        )


def _idempotency(request: HTTPServerRequest) -> dict[str, str]:
    key = request.headers.get("Idempotency-Key")
    return {} if key is None else {"idempotency_key": key}
