"""Wire models of events. Their names and details are described in ``audit/events.yaml``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told

MAX_POSITION = 2**53 - 1
"""Positions stay exact in JavaScript."""


class EventView(Told):
    """Something that happened, past tense; never a secret or a path outside the thing."""

    position: int = Field(description="Grows by one an event; the SSE id.")
    type: str = Field(description="Such as grant.accepted.")
    at: Timestamp
    actor: PersonName | None = Field(description="null: the service itself.")
    thing_id: str | None = None
    thing_name: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class EventsAsked(Asked):
    """Which of the caller's events."""

    before: int | None = Field(None, ge=1, le=MAX_POSITION, description="Only older ones.")
    thing: str | None = Field(
        None, pattern="^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$", description="Only of this folder."
    )
    since: Timestamp | None = Field(None, description="Only what happened then or later.")
    until: Timestamp | None = Field(None, description="Only what happened then or before.")
    limit: int = Field(50, ge=1, le=200)


class StreamAsked(Asked):
    """Where the stream begins; the header Last-Event-ID goes before it."""

    after: int | None = Field(
        None, ge=0, le=MAX_POSITION, description="A position; left out: from now on."
    )


class StreamStart(Told):
    """The data of a stream's first event: ``ready``, or ``reset`` where ``after`` was unknown."""

    position: int = Field(description="The newest position.")


class EventsPage(Page):
    """The caller's events, newest first."""

    next: str | None = Field(None, description="For ?before=; null on the last page.")
    items: list[EventView]
    position: int = Field(description="The newest position; where a stream may begin.")


class Health(Told):
    """Whether the service can do its work."""

    status: str
    version: str
    database: str
    hub: str
    mounts: str = "off"
    """A remark: folders in running sessions. The service does its work without them."""
