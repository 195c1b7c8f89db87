"""The confirm page for what can't be undone (DESIGN: D12 c).

Reached by a link alone, signed in by the service's own OAuth client, asked of the hub anew. The
form holds a token that is bound to this session, this folder and the version that was shown.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import ChangedMeanwhile
from jupyterhub_vmshare.folders.life import delete_for_ever
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ReceiverKind

VERB = "delete_folder_for_ever"
OUT_OF_DATE = "This page is out of date. Look at what it says now, and confirm again."
NOT_THE_NAME = "That is not the folder's name. Nothing was deleted."


@dataclass(frozen=True, slots=True)
class Doomed:
    """A folder, and for whom it ends."""

    folder: SharedThing
    people: tuple[str, ...]
    groups: tuple[str, ...]
    invited: int


class ConfirmDeletion(Page):
    """``GET`` and ``POST /confirm/delete-folder/{id}``."""

    fresh = True

    def initialize(  # type: ignore[override]
        self, identity: Identity, db: Database, membership: Membership, forms: FormTokens
    ) -> None:
        super().initialize(identity)
        self.db, self.membership, self.forms = db, membership, forms

    async def get(self, folder_id: str) -> None:
        """What will be deleted, and for whom it ends; asks for the folder's name."""
        self._ask(await self._doomed(folder_id))

    async def post(self, folder_id: str) -> None:
        """Delete it for ever, if the name is right and nothing changed since it was shown."""
        self.refuse_other_origins()
        # A dangerous verb asks again who is in which team.
        await self.membership.refresh()
        doomed = await self._doomed(folder_id)
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(doomed.folder)):
            self._ask(doomed, 409, OUT_OF_DATE)
        elif _plain(self.get_body_argument("name", "")) != _plain(doomed.folder.name):
            self._ask(doomed, 422, NOT_THE_NAME)
        else:
            await self._delete(doomed)

    async def _delete(self, doomed: Doomed) -> None:
        async with self.db.write() as tx:
            folder = await store.lock(tx, doomed.folder.id)
            if folder.version != doomed.folder.version:
                raise ChangedMeanwhile(OUT_OF_DATE)
            await delete_for_ever(tx, self.caller.person(), folder.id)
        self.show("deleted.html", name=folder.name)

    async def _doomed(self, folder_id: str) -> Doomed:
        """Raises what the permission tables refuse with: 404, 403 or 409."""
        at = self.db.clock()
        async with self.db.read() as conn:
            await permitted(conn, self.caller.person(), VERB, folder_id, at)
            folder = await store.thing_of(conn, folder_id)
            grants = [g for g in await store.live_on(conn, folder_id) if not g.is_over(at)]
        direct = {g.receiver for g in grants if g.receiver_kind is ReceiverKind.PERSON}
        groups = {g.receiver for g in grants if g.receiver_kind is not ReceiverKind.PERSON}
        invited = sum(1 for g in grants if g.state == "pending")
        return Doomed(folder, tuple(sorted(direct)), tuple(sorted(groups)), invited)

    def _ask(self, doomed: Doomed, status: int = 200, wrong: str | None = None) -> None:
        token = self.forms.make(self._form(doomed.folder))
        self.show("confirm.html", status, doomed=doomed, form=token, wrong=wrong)

    def _form(self, folder: SharedThing) -> Form:
        return Form(self.session, self.caller.name, VERB, folder.id, folder.version)


def _plain(name: str) -> str:
    # The browser sends what the keyboard makes: composed or not, with a space pasted along.
    return unicodedata.normalize("NFC", name).strip()
