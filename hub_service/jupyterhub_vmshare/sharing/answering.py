"""The receiver's answer to an invitation: one transaction, and only the receiver's own.

What a team or a project was given is active; there each member answers for themself, and may change
a no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import ChangedMeanwhile, Conflict, NotFound
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import projects, store, teams
from jupyterhub_vmshare.sharing.ending import end, end_given_through
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind


class InvitationOver(Conflict):
    """The invitation was taken back, answered otherwise, or ran out."""

    code = "invitation-over"


Settle = Callable[[SharedThing], Awaitable[None]]
"""What the thing's room has to settle before the yes counts, such as a name that clashes."""


async def accept(
    tx: Transaction,
    person: Person,
    grant_id: str,
    *,
    version: int | None = None,
    settle: Settle | None = None,
) -> Grant:
    """The receiver says yes. Saying it twice is saying it once.

    ``version``: what the person saw; raises ``ChangedMeanwhile`` when it is another by now.
    What ``settle`` raises leaves the invitation as it was.
    """
    thing, grant = await _own(tx, person, grant_id)
    if await _is_accepted(tx, person, grant):
        return grant
    _still_open(grant, tx)
    await permitted(tx.conn, person, "accept", thing.id, tx.at)
    if version is not None and version != grant.version:
        raise ChangedMeanwhile("The invitation was changed meanwhile; look at it again.")
    if settle is not None:
        await settle(thing)
    if grant.receiver_kind is not ReceiverKind.PERSON:
        await teams.write_answer(tx, grant, person.name, "accepted")
        accepted = grant
    else:
        accepted = await store.update(tx, grant, state=GrantState.ACTIVE, answered_at=tx.at)
    await store.tell(tx, "accepted", thing, accepted, person.name)
    reached("sharing.accept.accepted")
    return accepted


async def decline(tx: Transaction, person: Person, grant_id: str) -> Grant:
    """The receiver says no; a later yes needs a new invitation, but for a member's."""
    thing, grant = await _own(tx, person, grant_id)
    if grant.ended_why is EndedWhy.DECLINED:
        return grant
    if await _is_accepted(tx, person, grant):
        raise Conflict(_LEAVE_IT if thing.project_id is None else _OF_PROJECT)
    _still_open(grant, tx)
    if grant.receiver_kind is not ReceiverKind.PERSON:
        if await teams.decline(tx, thing, grant, person.name):
            await end_given_through(tx, thing, grant, person.name, person.name)
        return grant
    ended = await end(tx, thing, [grant], EndedWhy.DECLINED, person.name)
    return ended[0]


async def _own(tx: Transaction, person: Person, grant_id: str) -> tuple[SharedThing, Grant]:
    """A grant that this person, or a team or project of theirs, received; to all others it is
    not there."""
    thing, grant = await store.locked_grant(tx, grant_id)
    is_theirs = grant.receiver_kind is ReceiverKind.PERSON and grant.receiver == person.name
    if is_theirs or teams.is_for(person, thing, grant):
        return thing, grant
    if not await projects.is_for(tx.conn, person.name, thing, grant, tx.at):
        raise NotFound
    return thing, grant


async def _is_accepted(tx: Transaction, person: Person, grant: Grant) -> bool:
    if grant.state is not GrantState.ACTIVE or grant.is_over(tx.at):
        return False
    if grant.receiver_kind is ReceiverKind.PERSON:
        return True
    return await teams.answer_of(tx.conn, grant, person.name) == "accepted"


def _still_open(grant: Grant, tx: Transaction) -> None:
    if not grant.is_over(tx.at):
        return
    why = grant.ended_why or EndedWhy.EXPIRED
    raise InvitationOver(_SAID.get(why, "This invitation is over.").format(giver=grant.giver))


_LEAVE_IT = "You accepted this already; leave it instead."
_OF_PROJECT = (
    "You accepted this already. It need not be in your sessions; it is left by leaving its project."
)
_SAID = {
    EndedWhy.CANCELLED: "{giver} took this invitation back.",
    EndedWhy.DECLINED: "You declined this invitation; ask {giver} for a new one.",
    EndedWhy.EXPIRED: "This invitation has run out; ask {giver} for a new one.",
    EndedWhy.REVOKED: "{giver} ended your access; ask for a new invitation.",
    EndedWhy.LEFT: "You left; ask {giver} for a new invitation.",
    EndedWhy.THING_DELETED: "What this invitation was for has been deleted.",
}
