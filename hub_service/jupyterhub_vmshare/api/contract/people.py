"""Wire models about people, credentials and ``why``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
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


class Meter(Told):
    """How much there is of something, and may be."""

    used: int
    limit: int | None = Field(None, description="Null: as much as the store has room for.")
    left: int | None = Field(None, description="Never below zero; null as the limit is.")


class FolderUsage(Told):
    """What one folder holds. Folders in the trash count as well."""

    folder_id: str
    used: int = Field(description="Bytes of its files.")
    snapshots: int = Field(0, description="Bytes of its snapshots, each file's states once.")


class QuotaView(Told):
    """What somebody's folders hold and may hold together, whoever wrote it."""

    person: PersonName
    bytes: Meter
    folders: Meter
    by_default: bool = Field(description="Whether these are the site's own limits.")
    by_folder: list[FolderUsage] = Field(description="The largest first.")


class QuotaAsked(Asked):
    """What somebody may have. Null: no limit."""

    bytes: int | None = Field(ge=0, le=2**62)
    folders: int | None = Field(ge=0, le=1_000_000)


class PersonView(Told):
    """A person somebody may invite."""

    name: PersonName
    teams: list[str] = Field(description="The teams shared with the asker.")


class PeoplePage(Page):
    """People found."""

    items: list[PersonView]


class TeamView(Told):
    """A team of the caller's, which they may share with."""

    name: str
    members: int = Field(description="How many people are in it, the caller too.")


class TeamsList(Told):
    """The caller's teams, by name."""

    items: list[TeamView]


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
