"""Prometheus metrics of one process."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from jupyterhub_vmshare.audit.feed import EventFeed
from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.words import GrantState

LONG_ROUTES: Final = frozenset({"/events/stream"})
"""Counted, but kept out of the latencies: they last as long as their client likes."""

CountMounts = Callable[[], Awaitable[tuple[int, dict[str, int]]]]
"""Says how many sessions run, and how many mounts are in them by state."""

_MOUNT_STATES: Final = ("waiting", "mounted", "failed", "ended", "gone")
_LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WAIT: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
_GRANTS_EVERY: Final = 60.0


class Metrics:
    """What is counted on the way, and what is looked up when somebody asks."""

    def __init__(self, database: Database, feed: EventFeed, count_mounts: CountMounts) -> None:
        self._database = database
        self._feed = feed
        self._count_mounts = count_mounts
        self._grants_counted = float("-inf")
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "vmshare_http_requests", "Requests answered", ("method", "route", "status"),
            registry=registry,
        )  # fmt: skip
        self._latency = Histogram(
            "vmshare_http_request_duration_seconds", "Time to the end of an answer",
            ("method", "route", "status"), buckets=_LATENCY, registry=registry,
        )  # fmt: skip
        self._write_wait = Histogram(
            "vmshare_database_write_wait_seconds", "Time that a write waits for its turn",
            buckets=_WAIT, registry=registry,
        )  # fmt: skip
        self._backlog = self._gauge("events_without_position", "Events that wait for a position")
        self._lag = self._gauge("sequencer_lag_seconds", "Age of the oldest waiting event")
        self._grants = Gauge(
            "vmshare_grants", "Grants by state, counted at most once a minute", ("state",),
            registry=registry,
        )  # fmt: skip
        self._sessions = self._gauge("sessions", "Running notebook servers that the hub told of")
        self._mounts = Gauge(
            "vmshare_mounts", "Folders in running sessions, by what the node says", ("state",),
            registry=registry,
        )  # fmt: skip
        streams, sequencer = feed.streams, feed.sequencer
        opened = self._gauge("event_streams_open", "Event streams open in this process")
        opened.set_function(lambda: streams.open_streams)
        position = self._gauge("events_position", "Newest position this process handed out")
        position.set_function(lambda: streams.position)
        leads = self._gauge("sequencer_lease_held", "1 where this process orders the events")
        leads.set_function(lambda: float(sequencer.leads))
        database.waited.append(self._write_wait.observe)

    def _gauge(self, name: str, says: str) -> Gauge:
        return Gauge(f"vmshare_{name}", says, registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        # Clients invent methods; a label must not grow with them.
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, status).inc()
        if route not in LONG_ROUTES:
            self._latency.labels(known, route, status).observe(seconds)

    async def text(self) -> bytes:
        """The exposition, with what has to be asked of the database."""
        waiting = await backlog(self._database)
        self._backlog.set(waiting.events)
        self._lag.set(waiting.seconds)
        await self._count_grants()
        sessions, mounts = await self._count_mounts()
        self._sessions.set(sessions)
        for state in _MOUNT_STATES:
            self._mounts.labels(state).set(mounts.get(state, 0))
        return generate_latest(self.registry)

    async def _count_grants(self) -> None:
        # The only one that costs time on a large database.
        if time.monotonic() - self._grants_counted < _GRANTS_EVERY:
            return
        self._grants_counted = time.monotonic()
        query = sa.select(grants.c.state, sa.func.count()).group_by(grants.c.state)
        async with self._database.read() as conn:
            found = {state: count for state, count in await conn.execute(query)}
        for state in GrantState:
            self._grants.labels(state.value).set(found.get(state.value, 0))


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
