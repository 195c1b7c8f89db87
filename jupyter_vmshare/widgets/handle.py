"""What everything that stands for one thing has: its view, and the way to the service."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from jupyter_vmshare.client.address import Address, page_address
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.things import ThingView


class Addressed(Protocol):
    """A client: it knows where the service is."""

    @property
    def address(self) -> Address:
        """The service's."""


V = TypeVar("V", bound=ThingView)
_KINDS: Final = {"fld_": "folder", "mch_": "machine", "drv_": "drive"}


class Handle(Generic[V]):
    """A thing as it was when the service last told of it. ``view`` is all that it told."""

    def __init__(self, view: V, player: Addressed) -> None:
        self.view = view
        self._player = player

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return self.view.id

    @property
    def name(self) -> str:
        """The owner's name for it."""
        return self.view.name

    @property
    def label(self) -> str:
        """What it is called for you."""
        return self.name

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.view.owner

    @property
    def level(self) -> str:
        """What you hold: owner, or a level."""
        return self.view.level

    @property
    def ends_at(self) -> datetime | None:
        """When your access ends; None when it does not."""
        return self.view.ends_at

    @property
    def actions(self) -> list[str]:
        """What you may do with it now."""
        return list(self.view.actions)

    @property
    def hand_over_page(self) -> str:
        """Where you offer it to somebody: a page of the hub, which no program can answer."""
        return self._page("hand-over")

    @property
    def deletion_page(self) -> str:
        """Where you delete it for ever: a page of the hub, too. A folder is in the trash first."""
        return self._page(f"delete-{_KINDS[self.id[:4]]}")

    def _page(self, verb: str) -> str:
        return page_address(self._player.address.url, f"confirm/{verb}/{self.id}")


class FolderHandle(Handle[FolderView]):
    """A folder as it was when the service last told of it."""

    def __init__(self, view: FolderView, player: Addressed, path: Path | None = None) -> None:
        super().__init__(view, player)
        self.path = path
        """Where it was mounted in this session when the service last told; None: it was not."""

    @property
    def label(self) -> str:
        """What it is called for you: your alias, or the name."""
        return self.view.label

    @property
    def is_read_only(self) -> bool:
        """Whether you may change nothing in it."""
        return "upload" not in self.view.actions
