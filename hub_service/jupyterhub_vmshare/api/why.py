"""``/why``: the same decision as everywhere, with everything that it was made from."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked
from jupyterhub_vmshare.api.contract.people import Source, Why
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.errors import BadInput, NotFound
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.explain import Explanation, HeldSource, explain
from jupyterhub_vmshare.policy.model import Person, Target, Thing
from jupyterhub_vmshare.policy.tables import ACTIONS
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import demand, load, load_one
from jupyterhub_vmshare.words import ID_PREFIX


class WhyAsked(Asked):
    """``action`` as the permission tables call it: ``folder.delete_file`` or ``delete_file``."""

    action: str = Field(max_length=64, pattern="^([a-z]+[.])?[a-z_]+$")
    thing: str | None = Field(None, pattern=f"^{ID_PATTERN}$", description="A thing's id.")


class WhyMe(Route):
    """About the caller."""

    path = "/why"

    @operation("service.ask_why", query=WhyAsked, gives=Why)
    async def get(self) -> None:
        """Whether the caller may do something, by which rule, and what they hold."""
        asked = self.query(WhyAsked)
        action, person, at = _bare(asked), self.caller.person(), self.rooms.db.clock()
        demand(decide(person, "ask_why", None, at, target=Target(person=person.name)))
        thing = None
        if asked.thing is not None:
            async with self.rooms.db.read() as conn:
                thing = await load_one(conn, person, asked.thing)
        told = explain(person, action, thing, at)
        if told.decision.rule == "not_visible":
            raise NotFound
        self.reply(200, _view(person, action, thing, told))


class WhyAnother(Route):
    """About somebody else, on a thing whose people the caller may see."""

    path = "/people/{person}/why"

    @operation("service.ask_why_about_another", query=WhyAsked, gives=Why)
    async def get(self, person: str) -> None:
        """Whether somebody else may do something with a thing, and by which grant.

        A name that nobody has is answered like somebody who holds nothing.
        """
        asked = self.query(WhyAsked)
        action, asker, at = _bare(asked), self.caller.person(), self.rooms.db.clock()
        other = Person(person, teams=await self.rooms.membership.teams_of(person))
        thing = None
        async with self.rooms.db.read() as conn:
            seen = None if asked.thing is None else await load_one(conn, asker, asked.thing)
            about = Target(person=person)
            demand(decide(asker, "ask_why_about_another", seen, at, target=about))
            if seen is not None:
                # What is over is between the person, the giver and the owner.
                past = decide(asker, "revoke", seen, at).allowed or asker.hub_admin
                thing = (await load(conn, other, [seen.id], ended=past))[seen.id]
        if asker.hub_admin and seen is not None and not _is_ones_own(seen, asker.name):
            await self._tell_the_owner(seen, asker.name, person)
        told = explain(other, action, thing, at, listener=asker.name)
        self.reply(200, _view(other, action, thing, told))

    async def _tell_the_owner(self, thing: Thing, asker: str, person: str) -> None:
        """What a hub admin does with somebody's thing is no secret from them."""
        async with self.rooms.db.write() as tx:
            its = await store.thing_of(tx.conn, thing.id)
            await tx.record(
                NewEvent(
                    "admin.asked_why",
                    actor=asker,
                    audience=frozenset(await store.keepers(tx.conn, its, tx.at)),
                    thing_id=thing.id,
                    thing_name=thing.name,
                    data={"person": person},
                )
            )


def _is_ones_own(thing: Thing, person: str) -> bool:
    return thing.personal and thing.owner == person


def _bare(asked: WhyAsked) -> str:
    """The action without its table. Raises ``BadInput`` for one that there is not."""
    kinds = {prefix: kind.value for kind, prefix in ID_PREFIX.items()}
    kind = "service" if asked.thing is None else kinds.get(asked.thing[:3], "")
    table, _, action = asked.action.rpartition(".")
    if f"{kind}.{action}" not in ACTIONS or table not in ("", kind):
        what = "without a thing" if asked.thing is None else f"of a {kind or 'thing'}"
        raise BadInput(f"There is no action {asked.action!r} {what}.")
    return action


def _view(person: Person, action: str, thing: Thing | None, told: Explanation) -> Why:
    decision = told.decision
    return Why(
        person=person.name,
        action=action,
        thing_id=None if thing is None else thing.id,
        allowed=decision.allowed,
        rule=decision.rule,
        because=decision.because,
        sources=[source_view(source) for source in told.sources],
    )


def source_view(source: HeldSource) -> Source:
    """A source as it goes over the wire."""
    return Source(
        kind=source.kind,
        level=source.level,
        grant_id=source.grant_id,
        giver=source.giver,
        receiver=source.receiver,
        ends_at=source.ends_at,
        live=source.live,
        ended_why=source.ended_why,
    )
