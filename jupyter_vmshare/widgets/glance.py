"""Sharing at a glance, for notebooks: everything that is shared, and changes of many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import glance as calls
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.moments import KEEP, Until, moment, shown
from jupyter_vmshare.widgets.tables import Table, level_named
from jupyterhub_vmshare.api.contract.glance import ManyResults, ShareView

T = TypeVar("T")
AT_ONCE = 1000


class SharesTable(Table[ShareView]):
    """What is shared, with whom, until when."""

    heads = ("Id", "Folder", "With", "Level", "Until", "State")
    empty = "Nothing is shared."

    def row(self, item: ShareView) -> tuple[str, ...]:
        """Id, folder, receiver, level, end, state."""
        until = shown(item.ends_at) or "no end"
        return item.id, item.thing_label, item.receiver.name, item.level, until, item.state.value


class GlanceVerbs:
    """Methods on everything that is shared."""

    @twin
    def shares(
        self, thing: str | None = None, who: str | None = None, *, received: bool = False
    ) -> Steps[SharesTable]:
        """Everything that you share, or that is shared with you.

        Args:
            thing: Only of this folder, machine or drive: its name in your list, or its id.
            who: Only with this person or team.
            received: What is shared with you.
        """
        found = yield from (calls.shares_received() if received else calls.shares_given()).steps()
        title = "Shared with me" if received else "Shared by me"
        return SharesTable((one for one in found if _fits(one, thing, who)), title)

    @twin
    def change_shares(
        self, shares: Iterable[ShareView], level: str | None = None, until: Until = KEEP
    ) -> Steps[ManyResults]:
        """Change many shares of yours in the same way; each has a result of its own.

        Args:
            shares: Which, as `shares` lists them; what somebody changed since then is refused.
            level: The new level; None leaves it.
            until: The new end; None: never.
        """
        ends_at = "" if until == KEEP else moment(until)
        level = None if level is None else level_named(level)
        told: list[ManyResults] = []
        for some in _in_batches(shares):
            versions = {one.id: one.version for one in some}
            told.append((yield calls.change_grants(versions, level=level, ends_at=ends_at)))
        return together(told)

    @twin
    def revoke_shares(self, shares: Iterable[ShareView]) -> Steps[ManyResults]:
        """Take many shares of yours away; what is not answered yet is cancelled."""
        told: list[ManyResults] = []
        for some in _in_batches(shares):
            told.append((yield calls.revoke_grants([one.id for one in some])))
        return together(told)


def _fits(one: ShareView, thing: str | None, who: str | None) -> bool:
    return thing in {None, one.thing_label, one.thing_id} and who in {None, one.receiver.name}


def _in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    every = list(items)
    return (every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE))


def together(told: list[ManyResults]) -> ManyResults:
    """As if all had been one request."""
    said = dict.fromkeys(one.in_sessions for one in told if one.in_sessions)
    return ManyResults(
        results=[result for one in told for result in one.results],
        sessions_cut=sum(one.sessions_cut for one in told),
        descriptors_cut=sum(one.descriptors_cut for one in told),
        unconfirmed=sum(one.unconfirmed for one in told),
        in_sessions=" ".join(said) or None,
        holders=[holder for one in told for holder in one.holders],
        links=[link for one in told for link in one.links],
    )
