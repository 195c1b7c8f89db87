"""The histories once more, in which folders also change hands."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, multiple, rule

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound, VMShareError
from jupyterhub_vmshare.folders.handing import settle
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import handing
from jupyterhub_vmshare.sharing.handovers import HandOver
from jupyterhub_vmshare.sharing.model import SharedThing
from tests.sharing.histories import Histories, actors, people
from tests.sharing.model import ModelGrant, ModelOffer


class HandingHistories(Histories):
    """Owners offer their folders to others, who take them over or don't."""

    offers = Bundle("offers")

    @rule(target=offers, by=actors, folder=Histories.folders, to=people, keep=st.booleans())
    def offer(self, by: str, folder: str, to: str, keep: bool) -> Any:
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
        act = self._accepted if yes else handing.decline
        result = self.attempt(self._write(act, self.person(by), offer))
        it = self.model.folders.get(known.folder)
        same = "accepted" if yes else "declined"
        if by != known.receiver:
            assert isinstance(result, NotFound), result
        elif known.state == same:
            assert not isinstance(result, VMShareError), result
        elif it is None or known.state != "pending" or (yes and it.trashed):
            assert isinstance(result, Conflict), result
        else:
            assert not isinstance(result, VMShareError), result
            known.state = same
            if yes:
                self._changes_hands(known)

    @staticmethod
    async def _accepted(tx: Transaction, person: Person, offer: str) -> HandOver:
        async def make_ready(folder: SharedThing) -> SharedThing:
            return await settle(tx, person, folder)

        _, done = await handing.accept(tx, person, offer, settle=make_ready)
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
