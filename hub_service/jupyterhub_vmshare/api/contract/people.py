"""Wire models about people, credentials and ``why``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.words import CredentialKind


class Credential(Told):
    """Through what the caller acts, and what that takes away."""

    kind: CredentialKind
    server: str | None = Field(None, description="The notebook server it is limited to.")
    read_only: bool = False
    because: str | None = Field(None, description="Why it is read-only, in a sentence.")


class Me(Told):
    """The caller as the service knows them."""

    name: PersonName
    hub_admin: bool = Field(description="True only through the service's own pages.")
    teams: list[str]
    credential: Credential
    actions: list[str] = Field(description="Service actions this person may do now.")


class PersonView(Told):
    """A person somebody may invite."""

    name: PersonName
    teams: list[str] = Field(description="The teams shared with the asker.")


class PeoplePage(Page):
    """People found."""

    items: list[PersonView]


class Source(Told):
    """One thing that gives (or gave) a person something on a thing."""

    kind: Annotated[str, Field(description="owner, grant, team_grant, project, …")]
    level: str | None = None
    grant_id: str | None = None
    giver: str | None = None
    receiver: str | None = None
    ends_at: Timestamp | None = None
    live: bool = True
    ended_why: str | None = None


class Why(Told):
    """The decision, its rule, and everything it was made from."""

    person: PersonName
    action: str
    thing_id: str | None
    allowed: bool
    rule: str
    because: str
    sources: list[Source]
