"""Wire models of shared folders on machines."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told


class ShowAsked(Asked):
    """A choice to have a folder on a machine, too."""

    acknowledged: bool = Field(
        description="The caller has read `sentence`: who else can read the folder there."
    )


class ShowingView(Told):
    """A folder of the caller's, and a machine of theirs."""

    folder_id: str
    folder_name: str
    machine_id: str
    machine_name: str
    shown: bool = Field(
        description="Mounted there while the machine and a session of the caller's run."
    )
    chosen_at: Timestamp | None = None
    readers: list[PersonName] = Field(
        description="Who is root on the machine, the owner first: they can read what is shown."
    )
    sentence: str = Field(description="The same for the caller, before they choose.")


class ShowingsPage(Page):
    """Everything that the caller has chosen, on one page, in the order of choosing."""

    items: list[ShowingView]
