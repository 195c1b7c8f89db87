"""``/audit``: the trail of all events: read, verified and taken away for keeping."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from tornado.iostream import StreamClosedError

from jupyterhub_vmshare.api.contract.audit import (
    AuditAsked,
    AuditEvent,
    AuditPage,
    AuditPageAsked,
    AuditVerdict,
    AuditVerifyAsked,
)
from jupyterhub_vmshare.api.events import view
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.audit import reading
from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.reading import Asked, Scope
from jupyterhub_vmshare.audit.verify import Head, Verdict, verify
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.errors import BadInput, NotFound, TooMany
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import demand

STALLED_SECONDS: Final = 30.0
_LINES: Final = "application/x-ndjson"


class AuditRoute(Route):
    """What reading the trail has in common."""

    def scope(self) -> Scope | None:
        """What the caller may read; None: everything."""
        decision = decide(self.caller.person(), "read_audit", None, self.rooms.db.clock())
        demand(decision)
        if not decision.limits:
            return None
        return Scope(self.caller.name, self.caller.administers)

    async def tell(self, scope: Scope | None, asked: AuditAsked, type_: str) -> None:
        """What a hub admin reads of others is no secret from them, nor from who reads it later."""
        if scope is not None:
            return
        about = frozenset[str]() if asked.person is None else frozenset({asked.person})
        async with self.rooms.db.write() as tx:
            thing = None
            with contextlib.suppress(NotFound):  # of what is deleted, the trail still tells
                thing = await store.thing_of(tx.conn, asked.thing) if asked.thing else None
            if thing is not None:
                about |= await store.keepers(tx.conn, thing, tx.at)
            told = asked.model_dump(mode="json", include={"person", "verb", "since", "until"})
            await tx.record(
                NewEvent(
                    type_,
                    self.caller.name,
                    about | {self.caller.name},
                    thing_id=None if thing is None else thing.id,
                    thing_name=None if thing is None else thing.name,
                    data={name: said for name, said in told.items() if said is not None},
                )
            )


class Audit(AuditRoute):
    """The trail in pages."""

    path = "/audit"

    @operation("service.read_audit", query=AuditPageAsked, gives=AuditPage)
    async def get(self) -> None:
        """What was done, newest first: all of it for hub admins; else what one was told, and
        what concerns things of projects that one administers."""
        asked = self.query(AuditPageAsked)
        scope = self.scope()
        async with self.rooms.db.read() as conn:
            found = await reading.page(conn, scope, _which(asked), asked.after, asked.limit + 1)
        if asked.after is None:
            await self.tell(scope, asked, "admin.read_audit")
        items = [_view(event, scope) for event in found[: asked.limit]]
        following = str(items[-1].position) if len(found) > asked.limit else None
        self.reply(200, AuditPage(items=items, next=following))


class AuditExport(AuditRoute):
    """The trail to take away."""

    path = "/audit/export"
    # A browser that saves what it gets can't send headers.
    xsrf_in_query = True

    @operation("service.read_audit", query=AuditAsked, raw_out=_LINES)
    async def get(self) -> None:
        """The same events, oldest first, one JSON object a line, with hash and audience."""
        asked = self.query(AuditAsked)
        scope = self.scope()
        await self.tell(scope, asked, "admin.exported_audit")
        self.set_header("Content-Type", f"{_LINES}; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="vmshare-audit.ndjson"')
        self.set_header("X-Accel-Buffering", "no")
        try:
            async for batch in reading.all_of(self.rooms.db, scope, _which(asked)):
                self.write("".join(f"{_view(event, scope).model_dump_json()}\n" for event in batch))
                # No faster than it is read, and not for ever for one who reads no more.
                await asyncio.wait_for(self.flush(), STALLED_SECONDS)
        except (StreamClosedError, TimeoutError):
            self.request.connection.close()  # type: ignore[union-attr]


class AuditVerification(Route):
    """Whether the trail is whole."""

    path = "/audit/verification"
    _turn: Final = asyncio.Lock()

    @operation("service.verify_audit", query=AuditVerifyAsked, gives=AuditVerdict)
    async def get(self) -> None:
        """Walk the whole chain; it says positions and hashes alone, and nothing of the events."""
        asked = self.query(AuditVerifyAsked)
        demand(decide(self.caller.person(), "verify_audit", None, self.rooms.db.clock()))
        try:
            noted = Head.parse(asked.head) if asked.head else None
        except ValueError as error:
            raise BadInput(str(error)) from None
        if self._turn.locked():
            raise TooMany("The trail is being verified already. Wait for it.", retry_after=10)
        async with self._turn:
            verdict = await verify(self.rooms.db, noted)
        self.reply(200, _verdict(verdict))


def _which(asked: AuditAsked) -> Asked:
    return Asked(asked.person, asked.thing, asked.verb, asked.since, asked.until)


def _view(event: Event, scope: Scope | None) -> AuditEvent:
    return AuditEvent(
        **view(event).model_dump(),
        id=event.id,
        audience=sorted(event.audience) if scope is None else None,
        hash=event.hash if scope is None else None,
    )


def _verdict(verdict: Verdict) -> AuditVerdict:
    broken = verdict.broken
    return AuditVerdict(
        whole=verdict.whole,
        head=str(verdict.head),
        events=verdict.head.position,
        broken_at=None if broken is None else broken.position,
        why=None if broken is None else broken.why,
        sentence=str(verdict),
    )


ROUTES = (Audit, AuditExport, AuditVerification)
