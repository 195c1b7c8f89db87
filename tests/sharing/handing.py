"""The histories once more, in which folders also change hands."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule

from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound, QuotaExceeded, VMShareError
from jupyterhub_vmshare.folders.handing import settle
from jupyterhub_vmshare.sharing import handing
from jupyterhub_vmshare.sharing.handovers import HandOver
from jupyterhub_vmshare.sharing.model import SharedThing
from tests.sharing.histories import Histories, actors, people
from tests.sharing.model import ModelGrant, ModelOffer
from tests.sharing.owning import OwningHistories


class HandingHistories(OwningHistories):
    """Owners offer their folders to others, who take them over, have no room, or don't."""

    offers = Bundle("offers")

    @initialize(target=offers)
    def two_offers(self) -> Any:
        """Somebody may take a folder over from the first step on."""
        mine, bens = self.first
        return multiple(
            self.offer_("ana", mine, "cleo", True), self.offer_("ben", bens, "ana", False)
        )

    @rule(target=offers, by=actors, folder=Histories.folders, to=people, keep=st.booleans())
    def offer(self, by: str, folder: str, to: str, keep: bool) -> Any:
        return self.offer_(by, folder, to, keep)

    def offer_(self, by: str, folder: str, to: str, keep: bool) -> Any:
        it = self.model.folders[folder]
        by = self.actor(by, it.owner)
        wanted = handing.Offer(to, keep)
        result = self.attempt(self._write(handing.offer, self.person(by), folder, wanted))
        if by != it.owner:
            assert isinstance(result, self.refusal(by, folder)), result
        elif it.trashed:
            assert isinstance(result, Conflict), result
        elif to == it.owner:
            assert isinstance(result, BadInput), result
        elif self.model.offered(folder) is not None:
            assert isinstance(result, Conflict), result
        else:
            assert isinstance(result, HandOver), result
            self.model.offers[result.id] = ModelOffer(folder, by, to, keep)
            return result.id
        return multiple()

    @rule(by=actors, offer=offers, yes=st.sampled_from((True, True, False)))
    def answer_offer(self, by: str, offer: str, yes: bool) -> None:
        known = self.model.offers[offer]
        by = self.actor(by, known.receiver)
        act = self._accepted if yes else self._declined
        result = self.attempt(act(by, offer))
        it = self.model.folders.get(known.folder)
        same = "accepted" if yes else "declined"
        if by != known.receiver:
            assert isinstance(result, NotFound), result
        elif it is None:
            assert isinstance(result, VMShareError) or known.state == same, result
        elif known.state == same:
            assert not isinstance(result, VMShareError), result
        elif known.state != "pending" or (yes and it.trashed):
            assert isinstance(result, Conflict), result
        elif yes and (lacks := self.model.taking_asks(by, known.folder)):
            assert isinstance(result, QuotaExceeded), result
            assert (result.what, result.asked, result.left) in lacks
        else:
            assert not isinstance(result, VMShareError), result
            known.state = same
            if yes:
                self._changes_hands(known)

    async def _declined(self, by: str, offer: str) -> HandOver:
        return await self._write(handing.decline, self.person(by), offer)

    async def _accepted(self, by: str, offer: str) -> HandOver:
        person = self.person(by)
        async with self.db.write() as tx:

            async def make_ready(folder: SharedThing) -> SharedThing:
                settled = await settle(tx, person, folder)
                await self.room.quota.demand_taking(tx, by, folder.id)
                return settled

            _, done = await handing.accept(tx, person, offer, settle=make_ready)
        await self.room.quota.catch_up()
        return done

    def _changes_hands(self, offer: ModelOffer) -> None:
        self.model.folders[offer.folder].owner = offer.receiver
        self.model.grants.pop((offer.folder, offer.receiver), None)
        if offer.keep:
            kept = ModelGrant("edit_delete", accepted=True)
            self.model.grants[offer.folder, offer.owner] = kept

    @rule(by=actors, offer=offers)
    def take_back(self, by: str, offer: str) -> None:
        known = self.model.offers[offer]
        owner = self.owner(known.folder)
        by = self.actor(by, owner)
        result = self.attempt(self._write(handing.cancel, self.person(by), offer))
        if known.folder not in self.model.folders:
            return
        if by != owner:
            assert isinstance(result, self.refusal(by, known.folder)), result
            return
        assert isinstance(result, HandOver), result
        if known.state == "pending":
            known.state = "cancelled"
