"""Wire models of the audit trail."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.api.contract.events import MAX_POSITION, EventView


class AuditAsked(Asked):
    """Which events. What the caller may not read is left out."""

    person: PersonName | None = Field(
        None, description="Who did it, or, for hub admins and about oneself, was told."
    )
    thing: str | None = Field(None, pattern="^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$")
    verb: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        pattern="^[a-z_.]+$",
        description="How the type begins: grant, or grant.revoked.",
    )
    since: Timestamp | None = Field(None, description="Only what happened then or later.")
    until: Timestamp | None = Field(None, description="Only what happened then or before.")


class AuditPageAsked(AuditAsked):
    """One page of them."""

    after: int | None = Field(None, ge=1, le=MAX_POSITION, description="Only older ones.")
    limit: int = Field(50, ge=1, le=200)


class AuditEvent(EventView):
    """An event as it stands in the trail."""

    id: str
    audience: list[PersonName] | None = Field(
        description="Who was told; null for whom a part of the trail is shown alone."
    )
    hash: str | None = Field(
        description="Of this event and all before it; null as the audience is, of which it tells."
    )


class AuditPage(Page):
    """Events, newest first."""

    items: list[AuditEvent]


class AuditVerifyAsked(Asked):
    """What the trail is held to."""

    head: str | None = Field(
        None,
        max_length=100,
        description="A head (position:hash) that was noted down earlier, somewhere else.",
    )


class AuditVerdict(Told):
    """Whether every event still fits the one before it."""

    whole: bool
    head: str = Field(description="How far it is whole, as position:hash; note it down elsewhere.")
    events: int = Field(description="How many events that is.")
    broken_at: int | None = Field(description="The first position that does not fit.")
    why: str | None = Field(
        description="changed, missing, reordered, cut_off, added or head; null: nothing."
    )
    sentence: str
