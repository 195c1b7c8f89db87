"""What people left whose hub account is gone, for hub admins: names, and a way to hand over."""

from __future__ import annotations

from dataclasses import replace

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.leavers import Leavers
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.words import ThingState


class LeaversPage(Page):
    """``GET /leavers``; ``?after=`` is the owner after which to go on."""

    fresh = True

    def initialize(  # type: ignore[override]
        self, identity: Identity, db: Database, leavers: Leavers
    ) -> None:
        super().initialize(identity)
        self.db, self.leavers = db, leavers

    async def get(self) -> None:
        """The things, each with a link to its confirm page."""
        person = replace(self.caller.person(), administers=frozenset())
        demand(decide(person, "list_leavers_things", None, self.db.clock()))
        after = self.get_query_argument("after", "")[:255] or None
        found, following = await self.leavers.page(after)
        live = ThingState.LIVE
        self.show("leavers.html", found=found, following=following, live=live)
