"""The confirm page for what can't be undone (DESIGN: D12 c).

Reached by a link alone, signed in by the service's own OAuth client, asked of the hub anew. The
form holds a token that is bound to this session, this thing and the version that was shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.errors import ChangedMeanwhile
from jupyterhub_vmshare.folders.life import delete_for_ever
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.drives import delete as delete_drive
from jupyterhub_vmshare.machines.drives import demand_on_no_machine
from jupyterhub_vmshare.machines.life import delete as delete_machine
from jupyterhub_vmshare.pages.forms import Form, FormTokens
from jupyterhub_vmshare.pages.page import Page
from jupyterhub_vmshare.people.identity import Identity
from jupyterhub_vmshare.people.membership import Membership
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.verbs import kind_of
from jupyterhub_vmshare.words import ReceiverKind, ThingKind

OUT_OF_DATE = "This page is out of date. Look at what it says now, and confirm again."
NOT_THE_NAME = "That is not the {kind}'s name. Nothing was deleted."


@dataclass(frozen=True, slots=True)
class Verb:
    """How a thing of one kind is deleted: the tables' action, and what does it."""

    action: str
    delete: Callable[[Transaction, Person, str], Awaitable[None]]


VERBS: Final = {
    ThingKind.FOLDER: Verb("delete_folder_for_ever", delete_for_ever),
    ThingKind.MACHINE: Verb("delete", delete_machine),
    ThingKind.DRIVE: Verb("delete", delete_drive),
}


@dataclass(frozen=True, slots=True)
class Doomed:
    """What is to be deleted, for whom it ends, and which drives of a machine stay."""

    thing: SharedThing
    people: tuple[str, ...]
    groups: tuple[str, ...]
    invited: int
    drives: tuple[str, ...]


class ConfirmDeletion(Page):
    """``GET`` and ``POST /confirm/delete-folder/{id}``, ``…-machine/{id}``, ``…-drive/{id}``."""

    fresh = True

    def initialize(  # type: ignore[override]
        self, identity: Identity, db: Database, membership: Membership, forms: FormTokens
    ) -> None:
        super().initialize(identity)
        self.db, self.membership, self.forms = db, membership, forms

    async def get(self, thing_id: str) -> None:
        """What will be deleted, and for whom it ends; asks for the thing's name."""
        self._ask(await self._doomed(thing_id))

    async def post(self, thing_id: str) -> None:
        """Delete it for ever, if the name is right and nothing changed since it was shown."""
        self.refuse_other_origins()
        # A dangerous verb asks again who is in which team.
        await self.membership.refresh()
        doomed = await self._doomed(thing_id)
        if not self.forms.fits(self.get_body_argument("form", ""), self._form(doomed.thing)):
            self._ask(doomed, 409, OUT_OF_DATE)
        elif _plain(self.get_body_argument("name", "")) != _plain(doomed.thing.name):
            self._ask(doomed, 422, NOT_THE_NAME.format(kind=doomed.thing.kind.value))
        else:
            await self._delete(doomed)

    async def _delete(self, doomed: Doomed) -> None:
        async with self.db.write() as tx:
            thing = await store.lock(tx, doomed.thing.id)
            if thing.version != doomed.thing.version:
                raise ChangedMeanwhile(OUT_OF_DATE)
            await VERBS[thing.kind].delete(tx, self.caller.person(), thing.id)
        self.show("deleted.html", name=thing.name)

    async def _doomed(self, thing_id: str) -> Doomed:
        """Raises what the permission tables refuse with: 404, 403 or 409."""
        at, action = self.db.clock(), VERBS[kind_of(thing_id)].action
        async with self.db.read() as conn:
            await permitted(conn, self.caller.person(), action, thing_id, at)
            thing = await store.thing_of(conn, thing_id)
            if thing.kind is ThingKind.DRIVE:
                await demand_on_no_machine(conn, await model.drive(conn, thing_id))
            grants = [g for g in await store.live_on(conn, thing_id) if not g.is_over(at)]
            drives = await _drives_of(conn, thing)
        direct = {g.receiver for g in grants if g.receiver_kind is ReceiverKind.PERSON}
        groups = {g.receiver for g in grants if g.receiver_kind is not ReceiverKind.PERSON}
        # A co-owner who deletes it takes it from its owner, too.
        owner = {thing.owner} if thing.project_id is None else set[str]()
        people = (direct | owner) - {self.caller.name}
        invited = sum(1 for g in grants if g.state == "pending")
        return Doomed(thing, tuple(sorted(people)), tuple(sorted(groups)), invited, drives)

    def _ask(self, doomed: Doomed, status: int = 200, wrong: str | None = None) -> None:
        token = self.forms.make(self._form(doomed.thing))
        self.show("confirm.html", status, doomed=doomed, form=token, wrong=wrong)

    def _form(self, thing: SharedThing) -> Form:
        verb = VERBS[thing.kind].action
        return Form(self.session, self.caller.name, verb, thing.id, thing.version)


async def _drives_of(conn: AsyncConnection, thing: SharedThing) -> tuple[str, ...]:
    if thing.kind is not ThingKind.MACHINE:
        return ()
    attached = await model.attachments_of(conn, machine_id=thing.id)
    return tuple([(await model.drive(conn, one.drive_id)).name for one in attached])


def _plain(name: str) -> str:
    # The browser sends what the keyboard makes: composed or not, with a space pasted along.
    return unicodedata.normalize("NFC", name).strip()
