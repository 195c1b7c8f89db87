"""Sharing at a glance: what the caller shares, what is shared with them, and changes of many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.api import taking
from jupyterhub_vmshare.api.contract.glance import (
    ManyChanges,
    ManyResult,
    ManyResults,
    ManyRevokes,
    SharesAsked,
    SharesPage,
    ShareView,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.problems import problem
from jupyterhub_vmshare.api.render import grant_view, in_sessions
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.taking import Held, Taken
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import glance, many
from jupyterhub_vmshare.sharing.changing import UNSET
from jupyterhub_vmshare.sharing.glance import Share
from jupyterhub_vmshare.sharing.many import AT_ONCE, Results
from jupyterhub_vmshare.sharing.model import Grant


class Seen(Protocol):
    """Finds a page of shares for a person."""

    async def __call__(
        self, conn: AsyncConnection, person: Person, at: datetime, *, before: str | None, limit: int
    ) -> list[Share]:
        """At most ``limit`` shares, from the one after ``before`` on."""


class SharesRoute(Route):
    """What both lists have in common."""

    async def reply_page(self, seen: Seen) -> None:
        """One page of what ``seen`` finds for the caller."""
        asked, db = self.query(SharesAsked), self.rooms.db
        person, more = self.caller.person(), asked.limit + 1
        async with db.read() as conn:
            found = await seen(conn, person, db.clock(), before=asked.after, limit=more)
        self.reply(200, _page(found, asked.limit))


class SharesGiven(SharesRoute):
    """Everything that the caller shares."""

    path = "/shares/given"

    @operation("folder.see_people", query=SharesAsked, gives=SharesPage)
    async def get(self) -> None:
        """Every pending or live grant on things of the caller's, newest first."""
        await self.reply_page(glance.given)


class SharesReceived(SharesRoute):
    """Everything that is shared with the caller."""

    path = "/shares/received"

    @operation("folder.see_in_list", query=SharesAsked, gives=SharesPage)
    async def get(self) -> None:
        """Every pending or live grant to the caller or a team of theirs, newest first."""
        await self.reply_page(glance.received)


class ManyRoute(Route):
    """What changing many grants has in common."""

    async def in_parts(
        self, ids: Sequence[str], act: Callable[[Transaction, list[str]], Awaitable[Results]]
    ) -> None:
        """Acts on them a part at a time, and answers when all are through."""
        results: Results = {}
        held: dict[str, Held] = {}
        for start in range(0, len(ids), AT_ONCE):
            async with self.rooms.db.write() as tx:
                done = await act(tx, list(ids[start : start + AT_ONCE]))
                for thing_id in _changed(done) - held.keys():
                    held[thing_id] = await taking.held(self.rooms, tx, thing_id)
            results |= done
        told = [_result(grant_id, results[grant_id]) for grant_id in ids]
        concerned = (taking.taken(self.rooms, one) for one in held.values() if one.is_in_use)
        reached = Taken.together(await asyncio.gather(*concerned))
        self.reply(200, ManyResults(results=told, **in_sessions(reached).model_dump()))


class ChangeMany(ManyRoute):
    """Levels and end dates of many grants."""

    path = "/grants/change"

    @operation("folder.change_level", takes=ManyChanges, gives=ManyResults)
    async def post(self) -> None:
        """Change the level or the end date of many grants; each has a result of its own."""
        asked, person = self.body(ManyChanges), self.caller.person()
        versions = {one.id: one.version for one in asked.grants}
        ends_at = asked.ends_at if "ends_at" in asked.model_fields_set else UNSET

        async def act(tx: Transaction, ids: list[str]) -> Results:
            seen = {grant_id: versions[grant_id] for grant_id in ids}
            return await many.change_all(tx, person, seen, level=asked.level, ends_at=ends_at)

        await self.in_parts(list(versions), act)


class RevokeMany(ManyRoute):
    """Many grants taken away."""

    path = "/grants/revoke"

    @operation("folder.revoke", takes=ManyRevokes, gives=ManyResults)
    async def post(self) -> None:
        """Take many grants away; each has a result of its own."""
        asked, person = self.body(ManyRevokes), self.caller.person()

        async def act(tx: Transaction, ids: list[str]) -> Results:
            return await many.revoke_all(tx, person, ids)

        await self.in_parts(list(dict.fromkeys(asked.grants)), act)


def _changed(results: Results) -> set[str]:
    """The things of which something was changed."""
    done = (result for result in results.values() if not isinstance(result, VMShareError))
    return {grant.thing_id for changed in done for grant in changed}


def _result(grant_id: str, result: list[Grant] | VMShareError) -> ManyResult:
    if isinstance(result, VMShareError):
        return ManyResult(grant_id=grant_id, problem=problem(result))
    return ManyResult(grant_id=grant_id, grants=[grant_view(grant) for grant in result])


def _page(found: list[Share], limit: int) -> SharesPage:
    items = [_view(share) for share in found[:limit]]
    return SharesPage(items=items, next=items[-1].id if len(found) > limit else None)


def _view(share: Share) -> ShareView:
    return ShareView(
        **grant_view(share.grant).model_dump(),
        thing_name=share.thing.name,
        thing_label=share.label,
        thing_state=share.thing.state,
        owner=share.thing.shown_owner,
        answer=share.answer,
        effective_level=share.level,
        actions=list(share.actions),
    )


ROUTES = (SharesGiven, SharesReceived, ChangeMany, RevokeMany)
