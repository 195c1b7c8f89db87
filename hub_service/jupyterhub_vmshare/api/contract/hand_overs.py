"""Wire models of handing over, and of what people left who are gone from the hub."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import InSessions
from jupyterhub_vmshare.words import ThingKind, ThingState


class HandOverView(Told):
    """An offer that waits for its receiver's answer. The thing is its owner's until then."""

    id: str
    thing_id: str
    thing_kind: ThingKind
    thing_name: str
    owner: PersonName
    receiver: PersonName
    by: PersonName = Field(description="The owner, or a hub admin where the owner is gone.")
    keep: bool = Field(description="Whether the owner stays at the strongest level.")
    created_at: Timestamp
    available: bool = Field(description="False while the thing is in the trash.")


class HandOversPage(Page):
    """Offers to the caller, and those of the caller's things; newest first."""

    items: list[HandOverView]


class HandOversAsked(Asked):
    """``after`` is the ``next`` of the page before."""

    after: str | None = Field(None, pattern="^hnd_[0-9a-hjkmnp-tv-z]{26}$")
    limit: int = Field(50, ge=1, le=200)


class Taking(Asked):
    """The answer yes; ``name`` where the caller has one of that name: for everybody."""

    name: str | None = Field(None, max_length=1000)


class FolderTaken(FolderView, InSessions):
    """The folder as its new owner sees it, and what that reached in running sessions."""


class LeftThing(Told):
    """Something of a person whose hub account is gone; nothing of what is in it."""

    id: str
    kind: ThingKind
    name: str
    owner: PersonName
    state: ThingState
    created_at: Timestamp
    offered_to: PersonName | None = Field(None, description="Who was asked to take it over.")


class LeftThingsAsked(Asked):
    """``after`` is the ``next`` of the page before."""

    after: str | None = Field(None, min_length=1, max_length=255)


class LeftThingsPage(Page):
    """By owner and name. A page may be empty and yet have a next one."""

    items: list[LeftThing]
