"""Invitations, for notebooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Generic, TypeVar, cast

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import drives as drive_calls
from jupyter_vmshare.client.calls import folders as folder_calls
from jupyter_vmshare.client.calls import grants as calls
from jupyter_vmshare.client.calls import machines as machine_calls
from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.drives import AsyncDrive, Drive
from jupyter_vmshare.widgets.folders import AsyncFolder, Folder, FolderVerbs
from jupyter_vmshare.widgets.handle import Addressed
from jupyter_vmshare.widgets.machines import AsyncMachine, Machine
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import Answered, InvitationView

F = TypeVar("F", bound=FolderVerbs)
Inv = TypeVar("Inv", bound="InvitationVerbs[FolderVerbs]")


class InvitationVerbs(Generic[F]):
    """An invitation that waits for your answer."""

    _folder: type[F]
    _others: ClassVar[dict[str, Any]]
    """What stands for a machine and for a drive."""

    def __init__(self, view: InvitationView, player: Addressed) -> None:
        self.view = view
        self._player = player

    @property
    def id(self) -> str:
        """The invitation's id."""
        return self.view.id

    @twin
    def accept(self, alias: str | None = None) -> Steps[F]:
        """Say yes; of a machine or a drive, its own object comes back.

        Args:
            alias: A name of your own for it; needed when you have a folder of that name.

        Raises:
            NameTaken: You have; ``suggestion`` is a free name.
        """
        grant: Answered = yield calls.accept(self.view.id, alias)
        kind = grant.thing_kind.value
        if kind in self._others:
            read: Any = {"machine": machine_calls.machine, "drive": drive_calls.drive}[kind]
            view: Any = yield read(grant.thing_id)
            return cast(F, self._others[kind](view, self._player))
        folder: FolderView = yield folder_calls.folder(grant.thing_id)
        return self._folder(folder, self._player)

    @twin
    def decline(self) -> Steps[None]:
        """Say no."""
        yield calls.decline(self.view.id)

    def __repr__(self) -> str:
        view = self.view
        until = f" until {shown(view.ends_at)}" if view.ends_at else ""
        gone = "" if view.available else " (in the trash now)"
        whom = "you" if view.receiver.kind.value == "person" else view.receiver.name
        text = f"{view.giver} invites {whom} to {view.thing_name!r}: {cards.level(view.level)}"
        return cards.visible(f"<Invitation: {text}{until}{gone}>")

    def _repr_html_(self) -> str:
        view = self.view
        whom = "you" if view.receiver.kind.value == "person" else view.receiver.name
        return cards.card(
            f"{view.giver} invites {whom} to {view.thing_name}",
            cards.facts(
                [
                    ("Owner", view.owner),
                    ("Level", cards.level(view.level)),
                    ("Until", shown(view.ends_at)),
                    ("Name for you", view.suggested_alias or ""),
                ]
            ),
            note="" if view.available else "in the trash now",
        )


class Invitation(InvitationVerbs[Folder], Sync):
    """An invitation. ``accept()`` and ``decline()`` answer it at once."""

    _player: Client
    _folder = Folder
    _others: ClassVar[dict[str, Any]] = {"machine": Machine, "drive": Drive}


class AsyncInvitation(InvitationVerbs[AsyncFolder], Async):
    """An invitation whose answers are awaited."""

    _player: AsyncClient
    _folder = AsyncFolder
    _others: ClassVar[dict[str, Any]] = {"machine": AsyncMachine, "drive": AsyncDrive}


class InvitationTable(Table[InvitationView]):
    """Several invitations."""

    heads: ClassVar[tuple[str, ...]] = ("To", "From", "For", "Level", "Until", "")
    empty = "No invitations."

    def row(self, item: InvitationView) -> tuple[str, ...]:
        """Name, giver, receiver, level, end, and whether it is in the trash."""
        gone = "" if item.available else "in the trash now"
        whom = "you" if item.receiver.kind.value == "person" else item.receiver.name
        level, until = cards.level(item.level), shown(item.ends_at)
        return item.thing_name, item.giver, whom, level, until, gone


class Invitations(Sync):
    """Your invitations: by position, id or name; newest first."""

    _player: Client

    def __init__(self, player: Client, *, declined: bool = False) -> None:
        self._player, self._declined = player, declined

    def __getitem__(self, which: int | str) -> Invitation:
        views = self._views()
        if isinstance(which, int):
            return Invitation(views[which], self._player)
        return Invitation(_named(views, which), self._player)

    def __iter__(self) -> Iterator[Invitation]:
        return (Invitation(view, self._player) for view in self._views())

    def __len__(self) -> int:
        return len(self._views())

    def _ipython_key_completions_(self) -> list[str]:
        return [view.thing_name for view in self._views()]

    def __repr__(self) -> str:
        return repr(InvitationTable(self._views()))

    def _repr_html_(self) -> str:
        return InvitationTable(self._views(), "Your invitations")._repr_html_()

    def _views(self) -> list[InvitationView]:
        return list(self._player.invitations(self._declined))


class AsyncInvitations(Async):
    """Your invitations: ``await invitations.get("tests")``, ``async for each in invitations``."""

    _player: AsyncClient

    def __init__(self, player: AsyncClient, *, declined: bool = False) -> None:
        self._player, self._declined = player, declined

    async def get(self, which: str) -> AsyncInvitation:
        """The invitation with this id, or to a thing of this name."""
        views = [view async for view in self._player.invitations(self._declined)]
        return AsyncInvitation(_named(views, which), self._player)

    async def __aiter__(self) -> AsyncIterator[AsyncInvitation]:
        """Each invitation."""
        async for view in self._player.invitations(self._declined):
            yield AsyncInvitation(view, self._player)


def _named(views: list[InvitationView], which: str) -> InvitationView:
    found = [view for view in views if which in (view.id, view.thing_name)]
    if not found:
        raise NotFound(f"No invitation to {which!r} waits for your answer.")
    return found[0]
