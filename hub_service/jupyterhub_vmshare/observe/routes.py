"""``/health`` and ``/metrics``, for wiring."""

from __future__ import annotations

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST
from tornado.routing import Rule
from tornado.web import RequestHandler, url

from jupyterhub_vmshare.errors import HubUnreachable
from jupyterhub_vmshare.observe.health import HealthCheck
from jupyterhub_vmshare.observe.metrics import Metrics
from jupyterhub_vmshare.people.hub import Hub

METRICS_SCOPE: Final = "read:metrics"
"""JupyterHub's own scope for metrics: one token serves a scraper for both."""


class _Plain(RequestHandler):
    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    def refuse(self, status: int, sentence: str) -> None:
        """Answer with a sentence."""
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(sentence + "\n")


class HealthRoute(_Plain):
    """Public: says nothing but whether the parts answer."""

    path = "/health"

    def initialize(self, health: HealthCheck) -> None:
        """``health`` does the looking."""
        self._health = health

    async def get(self) -> None:
        """200 when the service can do its work, else 503."""
        told = await self._health.look()
        self.set_status(200 if told.status == "ok" else 503)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(told.model_dump_json())


class MetricsRoute(_Plain):
    """For a scraper whose token has the scope ``read:metrics``."""

    path = "/metrics"

    def initialize(self, metrics: Metrics, hub: Hub) -> None:
        """``hub`` knows the tokens."""
        self._metrics, self._hub = metrics, hub

    async def get(self) -> None:
        """The metrics as Prometheus reads them."""
        kind, _, token = self.request.headers.get("Authorization", "").partition(" ")
        known = None
        if kind.lower() in ("bearer", "token"):
            try:
                known = await self._hub.who(token.strip())
            except HubUnreachable as error:
                self.refuse(503, error.message)
                return
        if known is None:
            self.set_header("WWW-Authenticate", "Bearer")
            self.refuse(401, "Send a token of JupyterHub with the scope read:metrics.")
        elif METRICS_SCOPE not in known.scopes:
            self.refuse(403, "This token lacks the scope read:metrics.")
        else:
            self.set_header("Content-Type", CONTENT_TYPE_LATEST)
            self.finish(await self._metrics.text())


def operators_routes(prefix: str, health: HealthCheck, metrics: Metrics, hub: Hub) -> list[Rule]:
    """Both, below ``prefix``."""
    return [
        url(prefix + "health", HealthRoute, {"health": health}),
        url(prefix + "metrics", MetricsRoute, {"metrics": metrics, "hub": hub}),
    ]
