"""`connect()`: the door to VMShare from a notebook."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_vmshare.client import AsyncClient, Client, Retries
from jupyter_vmshare.client.address import service_token
from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import clones as clone_calls
from jupyter_vmshare.client.calls import hand_overs as offers
from jupyter_vmshare.client.calls import mounts as mount_calls
from jupyter_vmshare.client.calls import people as calls
from jupyter_vmshare.client.calls import projects as project_calls
from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.client.twins import Async, Sync, twin, twin_property
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.cardshelf import close_cards
from jupyter_vmshare.widgets.drives import AsyncDrives, Drives
from jupyter_vmshare.widgets.folders import AsyncFolders, Folders
from jupyter_vmshare.widgets.glance import GlanceVerbs
from jupyter_vmshare.widgets.handle import Handle
from jupyter_vmshare.widgets.invitations import AsyncInvitations, Invitations
from jupyter_vmshare.widgets.machines import AsyncMachines, Machines
from jupyter_vmshare.widgets.projects import ProjectFolders, Projects
from jupyter_vmshare.widgets.tables import (
    Answer,
    Copies,
    HandOvers,
    People,
    Quota,
    Sessions,
    Teams,
)
from jupyterhub_vmshare.api.contract.drives import DriveView
from jupyterhub_vmshare.api.contract.events import EventView
from jupyterhub_vmshare.api.contract.hand_overs import FolderTaken, HandOverView
from jupyterhub_vmshare.api.contract.machines import MachineView
from jupyterhub_vmshare.api.contract.people import Me, QuotaView, TeamsList, Why

if TYPE_CHECKING:
    from jupyter_vmshare.widgets.panel import Panel


class VMShareVerbs(GlanceVerbs):
    """What both colours have."""

    @twin_property
    def me(self) -> Steps[Me]:
        """Who the service takes you for, and what this notebook may do in your name."""
        me: Me = yield calls.me()
        return me

    @twin_property
    def quota(self) -> Steps[Quota]:
        """What your folders hold together and may hold, those in the trash included."""
        view: QuotaView = yield calls.quota()
        return Quota(view)

    @twin_property
    def copies(self) -> Steps[Copies]:
        """Copies of folders that you asked for, under way and ended, the newest first."""
        found = yield from clone_calls.clones().steps()
        return Copies(found, "Copies")

    @twin_property
    def projects(self) -> Steps[Projects]:
        """Projects that you are in, asked for, or asked to join, the newest first."""
        found = yield from project_calls.projects().steps()
        return Projects(found, "Your projects")

    @twin
    def project_folders(self, project: str) -> Steps[ProjectFolders]:
        """The folders of one of your projects, by its name or id. Raises ``LookupError``."""
        mine = yield from project_calls.projects().steps()
        its = Projects(mine, "Your projects").named(project)
        found = yield from project_calls.project_folders(its.id).steps()
        return ProjectFolders(found, its.name)

    @twin
    def give_up_copy(self, clone_id: str) -> Steps[None]:
        """Give up a copy that is under way, or forget one that has ended; the folder stays."""
        yield clone_calls.give_up_clone(clone_id)

    @twin_property
    def sessions(self) -> Steps[Sessions]:
        """Your running notebook servers, and which folders are in each of them."""
        found = yield from mount_calls.sessions().steps()
        return Sessions(found, "Your sessions")

    @twin
    def people(self, q: str = "") -> Steps[People]:
        """Team-mates whose name begins with ``q``, or anybody by their exact name."""
        found = yield from calls.people(q).steps()
        return People(found, "People")

    @twin_property
    def teams(self) -> Steps[Teams]:
        """Your teams; share with one by ``folder.share("genomics", teams=True)``."""
        told: TeamsList = yield calls.teams()
        return Teams(told.items, "Your teams")

    @twin_property
    def hand_overs(self) -> Steps[HandOvers]:
        """What you are asked to take over, and what of yours others are asked to."""
        found = yield from offers.hand_overs().steps()
        return HandOvers(found, "Handing over")

    @twin
    def take_over(
        self, what: str, name: str | None = None
    ) -> Steps[FolderTaken | MachineView | DriveView]:
        """Take over what somebody offers you: it is yours from then on.

        Args:
            what: Its name, or the offer's id.
            name: Another name, for everybody; needed when you have one of that name.
        """
        offer = yield from self._offer(what)
        if offer.thing_kind.value == "machine":
            machine: MachineView = yield offers.take_machine_over(offer.id, name)
            return machine
        if offer.thing_kind.value == "drive":
            drive: DriveView = yield offers.take_drive_over(offer.id, name)
            return drive
        taken: FolderTaken = yield offers.take_over(offer.id, name)
        return taken

    @twin
    def refuse_hand_over(self, what: str) -> Steps[None]:
        """Leave a folder that is offered to you with its owner."""
        offer = yield from self._offer(what)
        yield offers.refuse_hand_over(offer.id)

    @twin
    def cancel_hand_over(self, what: str) -> Steps[None]:
        """Take back your offer of a folder that was not answered yet."""
        offer = yield from self._offer(what)
        yield offers.cancel_hand_over(offer.id)

    def _offer(self, what: str) -> Steps[HandOverView]:
        found = yield from offers.hand_overs().steps()
        named = [offer for offer in found if what in (offer.id, offer.thing_name)]
        if not named:
            raise NotFound(f"Nothing called {what!r} is being handed over to you, or by you.")
        return named[0]

    @twin
    def why(
        self, action: str, thing: Handle[Any] | str | None = None, person: str | None = None
    ) -> Steps[Answer]:
        """Whether you (or somebody else) may do something, by which rule, and from which grant.

        Args:
            action: As the permission tables call it, such as ``delete_file``.
            thing: The folder, machine or drive (or its id) that it is about.
            person: Somebody else, of a thing whose people you may see.
        """
        thing_id = thing.id if isinstance(thing, Handle) else thing
        told: Why = yield calls.why(action, thing_id, person)
        return Answer(told)


class VMShare(VMShareVerbs, Sync):
    """VMShare from a notebook. See ``folders``, ``machines``, ``invitations``, ``panel()``."""

    def __init__(self, client: Client) -> None:
        self.client = self._player = client
        self._aio: AsyncVMShare | None = None

    @property
    def folders(self) -> Folders:
        """Your folders, by label or id."""
        return Folders(self.client)

    @property
    def machines(self) -> Machines:
        """Your machines, by name or id."""
        return Machines(self.client)

    @property
    def drives(self) -> Drives:
        """Your drives, by name or id."""
        return Drives(self.client)

    @property
    def invitations(self) -> Invitations:
        """The invitations that wait for your answer."""
        return Invitations(self.client)

    @property
    def declined(self) -> Invitations:
        """What teams of yours have and you said no to: it can still be accepted."""
        return Invitations(self.client, declined=True)

    def events(self, after: int | None = None) -> Iterator[EventView]:
        """What happens, as it happens, for ever."""
        return self.client.events(after)

    def panel(self) -> Panel:
        """A live view of invitations and folders, with buttons."""
        from jupyter_vmshare.widgets.panel import Panel

        return Panel(self, self.client.another())

    @property
    def aio(self) -> AsyncVMShare:
        """The same, awaited."""
        if self._aio is None:
            self._aio = AsyncVMShare(self.client.another())
        return self._aio

    def close(self) -> None:
        """Close all connections, and the cards of machines."""
        close_cards(self.client)
        self.client.close()

    def __repr__(self) -> str:
        return f"<VMShare at {self.client.address.url}>"

    def _repr_html_(self) -> str:
        me = self.me
        parts = [self.invitations._repr_html_(), self.folders._repr_html_()]
        note = me.credential.because or "" if me.credential.read_only else ""
        return cards.card(f"VMShare as {me.name}", *parts, note=note)


class AsyncVMShare(VMShareVerbs, Async):
    """VMShare from a notebook, awaited."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = self._player = client

    @property
    def folders(self) -> AsyncFolders:
        """Your folders."""
        return AsyncFolders(self.client)

    @property
    def machines(self) -> AsyncMachines:
        """Your machines."""
        return AsyncMachines(self.client)

    @property
    def drives(self) -> AsyncDrives:
        """Your drives."""
        return AsyncDrives(self.client)

    @property
    def invitations(self) -> AsyncInvitations:
        """The invitations that wait for your answer."""
        return AsyncInvitations(self.client)

    @property
    def declined(self) -> AsyncInvitations:
        """What teams of yours have and you said no to: it can still be accepted."""
        return AsyncInvitations(self.client, declined=True)

    def events(self, after: int | None = None) -> AsyncGenerator[EventView, None]:
        """What happens, as it happens, for ever."""
        return self.client.events(after)

    async def close(self) -> None:
        """Close all connections, and the cards of machines."""
        close_cards(self.client)
        await self.client.close()

    def __repr__(self) -> str:
        return f"<AsyncVMShare at {self.client.address.url}>"


def connect(url: str = "", token: str = "", *, retries: Retries | None = None) -> VMShare:
    """Connect to the hub's VMShare service as yourself.

    In a notebook on the hub nothing needs to be said: the address and the token are there. The
    notebook server's token is read-only while the server is shared with somebody.

    Args:
        url: The service's address; ``VMSHARE_SERVICE_URL`` or the hub's by default.
        token: ``VMSHARE_TOKEN`` or the notebook server's own by default.
        retries: When to try again.

    Raises:
        NotConfigured: It is not known where the service is, or there is no token.
        VMShareError: The service does not accept you.
    """
    share = VMShare(Client(url, service_token(token), retries=retries))
    _ = share.me  # a wrong token is found out here, not at the first use
    return share


async def connect_async(
    url: str = "", token: str = "", *, retries: Retries | None = None
) -> AsyncVMShare:
    """Like `connect`, and everything after it is awaited."""
    share = AsyncVMShare(AsyncClient(url, token, retries=retries))
    await share.me
    return share
