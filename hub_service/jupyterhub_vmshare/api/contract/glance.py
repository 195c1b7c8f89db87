"""Wire models of sharing at a glance: everything given and received, and changes of many grants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Problem, Timestamp, Told
from jupyterhub_vmshare.api.contract.grants import GrantView, InSessions, MembersAnswer
from jupyterhub_vmshare.words import ThingState

GrantId = Annotated[str, Field(pattern="^gnt_[0-9a-hjkmnp-tv-z]{26}$")]


class SharesAsked(Asked):
    """``after`` is the ``next`` of the page before."""

    after: GrantId | None = None
    limit: int = Field(100, ge=1, le=200)


class ShareView(GrantView):
    """A pending or live grant with its thing."""

    thing_name: str
    thing_label: str = Field(description="What the caller's list calls it.")
    thing_state: ThingState
    owner: PersonName
    answer: MembersAnswer = Field(description="The caller's own, where they receive it.")
    effective_level: str | None = Field(
        None, description="What the caller has on the thing by all their sources; null: nothing."
    )
    actions: list[str] = Field(description="What the caller may do with the thing now.")


class SharesPage(Page):
    """Grants, newest first."""

    items: list[ShareView]


class GrantAt(Asked):
    """A grant, and the version of it that the caller saw."""

    id: GrantId
    version: int = Field(ge=1, le=2**31 - 1)


class ManyChanges(Asked):
    """What to change of every one of these; a field left out stays as it is."""

    grants: list[GrantAt] = Field(min_length=1, max_length=1000)
    level: str | None = Field(None, max_length=32)
    ends_at: Timestamp | None = Field(None, description="null takes the end dates away.")


class ManyRevokes(Asked):
    """The grants to take away."""

    grants: list[GrantId] = Field(min_length=1, max_length=1000)


class ManyResult(Told):
    """What became of one: the grant (and what ended with it), or a problem."""

    grant_id: str
    grants: list[GrantView] = Field(default_factory=list)
    problem: Problem | None = None


class ManyResults(InSessions):
    """In the order of the request; and what all of them reached in running sessions."""

    results: list[ManyResult]
