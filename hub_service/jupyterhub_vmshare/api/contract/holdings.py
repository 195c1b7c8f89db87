"""Wire models of what one person holds, for those who answer for others."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.api.contract.people import Source
from jupyterhub_vmshare.words import ThingKind, ThingState


class HoldingsAsked(Asked):
    """Which of somebody's things."""

    project: str | None = Field(
        None,
        pattern="^prj_[0-9a-hjkmnp-tv-z]{26}$",
        description="Only what belongs to this project, or is in it.",
    )
    after: str | None = Field(None, pattern="^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$")
    limit: int = Field(50, ge=1, le=200)


class HoldingView(Told):
    """A thing that somebody holds, and through what. Its name, and nothing that is in it."""

    thing_id: str
    kind: ThingKind
    name: str
    owner: PersonName = Field(description="A person, or the project that it belongs to.")
    project_id: str | None = Field(description="The project that it belongs to, or is in.")
    state: ThingState
    level: str | None = Field(description="What counts now; null: an invitation alone.")
    ends_at: Timestamp | None = Field(description="When the last of it ends.")
    because: str = Field(description="Why they have it, in a sentence.")
    sources: list[Source]


class HoldingsPage(Page):
    """What somebody holds, the oldest first. A page may be short, or empty, before the last."""

    items: list[HoldingView]
