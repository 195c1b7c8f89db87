"""Wire models of events. Their names and details are described in ``audit/events.yaml``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Page, PersonName, Timestamp, Told


class EventView(Told):
    """Something that happened, past tense; never a secret or a path outside the thing."""

    position: int = Field(description="Grows by one an event; the SSE id.")
    type: str = Field(description="Such as grant.accepted.")
    at: Timestamp
    actor: PersonName | None = Field(description="null: the service itself.")
    thing_id: str | None = None
    thing_name: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class EventsPage(Page):
    """The caller's events, newest first."""

    items: list[EventView]
    position: int = Field(description="The newest position; where a stream may begin.")


class Health(Told):
    """Whether the service can do its work."""

    status: str
    version: str
    database: str
    hub: str
