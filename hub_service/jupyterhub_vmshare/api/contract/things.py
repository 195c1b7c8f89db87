"""What folders, machines and drives have in common on the wire."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import PersonName, Timestamp, Told


class ThingView(Told):
    """A thing as the caller sees it; ``actions`` is what they may do with it now."""

    id: str
    name: str = Field(description="The owner's name for it.")
    owner: PersonName
    level: str = Field(
        description="owner, a level of its kind, or project: by a role in the project in which it "
        "is, and no more than `actions` says."
    )
    ends_at: Timestamp | None = Field(None, description="When the caller's access ends.")
    shared_with: int | None = Field(
        None, description="Pending and live grants on it; null where the caller may not see."
    )
    created_at: Timestamp
    actions: list[str]
    tagged: bool = Field(
        False, description="Only active members of its project get in, whatever they hold."
    )
    version: int


class ThingInCloud(ThingView):
    """A machine or a drive: what is wanted of it comes true by and by."""

    project_id: str | None = Field(None, description="The project in which its owner made it.")
    project: str | None = Field(None, description="What that is called.")
    because: str | None = Field(None, description="Why it is not as it was wanted, in a sentence.")
    retry_at: Timestamp | None = Field(None, description="When that is tried again by itself.")
