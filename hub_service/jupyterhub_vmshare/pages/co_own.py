"""The confirm page for making somebody a co-owner of a machine or a drive (DESIGN: D12 c).

One co-owner is advised: whoever has one is told so before they name another. Of whom the machine or
drive is shared with already, the grant is raised.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.errors import ChangedMeanwhile, VMShareError
from jupyterhub_vmshare.pages.confirm import OUT_OF_DATE
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.hand_over import NOBODY
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.people.search import PeopleSearch
from jupyterhub_vmshare.sharing import changing, inviting, store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.inviting import Wanted
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.teams import hold_still
from jupyterhub_vmshare.sharing.verbs import inviting as invitation
from jupyterhub_vmshare.sharing.verbs import kind_of
from jupyterhub_vmshare.words import ReceiverKind

VERB = "co_own"


@dataclass(frozen=True, slots=True)
class Shared:
    """What is to have one more owner, and those that it has beside its owner."""

    thing: SharedThing
    co_owners: tuple[str, ...]


class ConfirmCoOwner(Page):
    """``GET`` and ``POST /confirm/co-own/{id}``; ``?to=`` fills in the name."""

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

    async def get(self, thing_id: str) -> None:
        """What a co-owner may do; asks for their name."""
        self._ask(await self._shared(thing_id), to=self.get_query_argument("to", "")[:255])

    async def post(self, thing_id: str) -> None:
        """Invite that person, if nothing changed since it was shown."""
        self.refuse_other_origins()
        # A dangerous verb asks again who is in which team.
        await self.membership.refresh()
        shared = await self._shared(thing_id)
        to = self.get_body_argument("to", "").strip()
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(shared.thing)):
            self._ask(shared, 409, OUT_OF_DATE, to)
            return
        name = await self.search.by_exact_name(self.caller.name, to) if to else None
        if name is None:
            self._ask(shared, 422, NOBODY.format(name=to), to)
            return
        try:
            await self._give(shared, name)
        except VMShareError as error:
            if error.status not in (403, 409, 412, 422):
                raise
            self._ask(await self._shared(thing_id), error.status, error.message, to)

    async def _give(self, shared: Shared, to: str) -> None:
        teams = await self.membership.teams_of(to, fresh=True)
        async with self.db.write() as tx:
            await hold_still(tx)
            thing = await store.lock(tx, shared.thing.id)
            if thing.version != shared.thing.version:
                raise ChangedMeanwhile(OUT_OF_DATE)
            is_raised = await self._raise(tx, thing, to)
            if not is_raised:
                wanted = [Wanted(to, VERB, confirmed=True)]
                person = self.caller.person()
                [given] = await inviting.invite(tx, person, thing.id, wanted, {to: teams})
                if isinstance(given, VMShareError):
                    raise given
        self.show("co_owner.html", name=thing.name, to=to, is_raised=is_raised)

    async def _raise(self, tx: Transaction, thing: SharedThing, to: str) -> bool:
        """Whether they have it from the caller, and have another level of it by now."""
        giver, kind = self.caller.name, ReceiverKind.PERSON
        there = await store.live_from(tx.conn, thing.id, kind, to, giver)
        if there is None or there.is_over(tx.at):
            return False
        person = self.caller.person()
        await changing.change(tx, person, there.id, there.version, level=VERB, confirmed=True)
        return True

    async def _shared(self, thing_id: str) -> Shared:
        """Raises what the permission tables refuse with: 404, 403 or 409."""
        at, action = self.db.clock(), invitation(kind_of(thing_id), VERB)
        async with self.db.read() as conn:
            await permitted(conn, self.caller.person(), action, thing_id, at)
            thing = await store.thing_of(conn, thing_id)
            live = [g for g in await store.live_on(conn, thing_id) if not g.is_over(at)]
        return Shared(thing, tuple(sorted({g.receiver for g in live if g.level == VERB})))

    def _ask(
        self, shared: Shared, status: int = 200, wrong: str | None = None, to: str = ""
    ) -> None:
        token = self.forms.make(self._form(shared.thing))
        self.show("co_own.html", status, shared=shared, form=token, wrong=wrong, to=to)

    def _form(self, thing: SharedThing) -> Form:
        return Form(self.session, self.caller.name, VERB, thing.id, thing.version)
