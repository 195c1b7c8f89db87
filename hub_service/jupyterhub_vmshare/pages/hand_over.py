"""The confirm page for handing a folder, a machine or a drive over (DESIGN: D12 c).

The owner names who is to have it; a hub admin may where the owner's account is gone. It changes
hands when that person accepts, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import ChangedMeanwhile, VMShareError
from jupyterhub_vmshare.pages.confirm import OUT_OF_DATE
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.leavers import is_gone
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.search import PeopleSearch
from jupyterhub_vmshare.policy.model import Target
from jupyterhub_vmshare.sharing import handing, store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.handovers import HandOver, open_on
from jupyterhub_vmshare.sharing.model import SharedThing

VERB = "hand_over"
NOBODY = "There is nobody called “{name}” here. Names must match exactly. Nothing was offered."


@dataclass(frozen=True, slots=True)
class Offered:
    """A thing that is to be somebody else's, and the offer that waits already."""

    folder: SharedThing
    is_own: bool
    waiting: HandOver | None


class ConfirmHandOver(Page):
    """``GET`` and ``POST /confirm/hand-over/{id}``; ``?to=`` fills in the name."""

    fresh = True

    def initialize(  # type: ignore[override]
        self,
        identity: Identity,
        db: Database,
        membership: Membership,
        search: PeopleSearch,
        forms: FormTokens,
    ) -> None:
        super().initialize(identity)
        self.db, self.membership, self.search, self.forms = db, membership, search, forms

    async def get(self, folder_id: str) -> None:
        """What is handed over, and what that means; asks for the receiver's name."""
        offered, _ = await self._offered(folder_id)
        self._ask(offered, to=self.get_query_argument("to", "")[:255])

    async def post(self, folder_id: str) -> None:
        """Offer it to that person, if nothing changed since it was shown."""
        self.refuse_other_origins()
        # A dangerous verb asks again who is in which team.
        await self.membership.refresh()
        offered, gone = await self._offered(folder_id)
        to = self.get_body_argument("to", "").strip()
        keep = self.get_body_argument("keep", "") == "yes"
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(offered.folder)):
            self._ask(offered, 409, OUT_OF_DATE, to, keep)
            return
        name = await self.search.by_exact_name(self.caller.name, to) if to else None
        if name is None:
            self._ask(offered, 422, NOBODY.format(name=to), to, keep)
            return
        try:
            await self._offer(offered, handing.Offer(name, keep, gone))
        except VMShareError as error:
            if error.status not in (403, 409, 422):
                raise
            again, _ = await self._offered(folder_id)
            self._ask(again, error.status, error.message, to, keep)

    async def _offer(self, offered: Offered, wanted: handing.Offer) -> None:
        async with self.db.write() as tx:
            folder = await store.lock(tx, offered.folder.id)
            if folder.version != offered.folder.version:
                raise ChangedMeanwhile(OUT_OF_DATE)
            await handing.offer(tx, self.caller.person(), folder.id, wanted)
        self.show("offered.html", name=folder.name, to=wanted.receiver)

    async def _offered(self, folder_id: str) -> tuple[Offered, bool]:
        """Raises what the permission tables refuse with: 404, 403 or 409."""
        at, person = self.db.clock(), self.caller.person()
        gone = person.hub_admin and await is_gone(self.search.hub, self.db, folder_id)
        async with self.db.read() as conn:
            await permitted(conn, person, VERB, folder_id, at, owner_gone=gone, target=Target())
            folder = await store.thing_of(conn, folder_id)
            handing.demand_personal(folder)
            waiting = await open_on(conn, folder_id)
        return Offered(folder, folder.owner == person.name, waiting), gone

    def _ask(
        self,
        offered: Offered,
        status: int = 200,
        wrong: str | None = None,
        to: str = "",
        keep: bool = True,
    ) -> None:
        token = self.forms.make(self._form(offered.folder))
        values = {"offered": offered, "form": token, "wrong": wrong, "to": to, "keep": keep}
        self.show("hand_over.html", status, **values)

    def _form(self, folder: SharedThing) -> Form:
        return Form(self.session, self.caller.name, VERB, folder.id, folder.version)
