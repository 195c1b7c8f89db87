"""What everything that stands for one folder has: its view, and the way to the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_vmshare.client.address import page_address
from jupyterhub_vmshare.api.contract.folders import FolderView

if TYPE_CHECKING:
    from datetime import datetime

    from jupyter_vmshare.client.address import Address


class FolderHandle:
    """A folder as it was when the service last told of it. ``view`` is all that it told."""

    def __init__(self, view: FolderView, player: object, path: Path | None = None) -> None:
        self.view = view
        self.path = path
        """Where it was mounted in this session when the service last told; None: it was not."""
        self._player = player

    @property
    def id(self) -> str:
        """The folder's id, which never changes."""
        return self.view.id

    @property
    def name(self) -> str:
        """The owner's name for it."""
        return self.view.name

    @property
    def label(self) -> str:
        """What it is called for you: your alias, or the name."""
        return self.view.label

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.view.owner

    @property
    def level(self) -> str:
        """What you hold: owner, view, edit or edit_delete."""
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
    def is_read_only(self) -> bool:
        """Whether you may change nothing in it."""
        return "upload" not in self.view.actions

    @property
    def hand_over_page(self) -> str:
        """Where you offer it to somebody: a page of the hub, which no program can answer."""
        return self._page("hand-over")

    @property
    def deletion_page(self) -> str:
        """Where you delete it for ever, once it is in the trash: a page of the hub, too."""
        return self._page("delete-folder")

    def _page(self, verb: str) -> str:
        address: Address = self._player.address  # type: ignore[attr-defined]
        return page_address(address.url, f"confirm/{verb}/{self.id}")
