"""The confirm page for taking a project's tag away: an owner and an administrator, two people."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.machines.tagging import demand_untaggable
from jupyterhub_vmshare.pages.confirm import OUT_OF_DATE
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.projects import tags
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import SharedThing

VERB: Final = "untag"


class ConfirmUntagging(Page):
    """``GET`` and ``POST /confirm/untag/{id}``."""

    fresh = True

    def initialize(  # type: ignore[override]
        self, identity: Identity, db: Database, membership: Membership, forms: FormTokens
    ) -> None:
        super().initialize(identity)
        self.db, self.membership, self.forms = db, membership, forms

    async def get(self, thing_id: str) -> None:
        """What it means; asks to confirm."""
        self._ask(await self._tagged(thing_id))

    async def post(self, thing_id: str) -> None:
        """Confirm, if nothing changed since it was shown; the second one takes it away."""
        self.refuse_other_origins()
        await self.membership.refresh()
        thing = await self._tagged(thing_id)
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(thing)):
            self._ask(thing, 409, OUT_OF_DATE)
            return
        async with self.db.write() as tx:
            asker = Asker(self.caller.name, on_pages=True)
            gone = await tags.confirm_removal(tx, asker, thing_id, demand_untaggable)
        self.show("untagged.html", thing=thing, gone=gone)

    async def _tagged(self, thing_id: str) -> SharedThing:
        """Raises ``NotFound`` to whom there is nothing to confirm."""
        async with self.db.write() as tx:
            sides = await tags.sides_of(tx, thing_id, self.caller.name)
            thing = await store.thing_of(tx.conn, thing_id)
        if not sides or not thing.tagged:
            raise NotFound
        return thing

    def _ask(self, thing: SharedThing, status: int = 200, wrong: str | None = None) -> None:
        token = self.forms.make(self._form(thing))
        self.show("untag.html", status, thing=thing, form=token, wrong=wrong)

    def _form(self, thing: SharedThing) -> Form:
        # What the other one confirmed meanwhile changes nothing for this one.
        return Form(self.session, self.caller.name, VERB, thing.id, 0)
