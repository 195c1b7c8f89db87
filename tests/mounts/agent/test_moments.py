"""What lasts only for a moment, so that no test of whole processes meets it each time."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.mounts.agent.control import Control, GuardGone
from jupyterhub_vmshare.mounts.agent.direct import Directs
from jupyterhub_vmshare.mounts.agent.fulfilling import Fulfilling
from jupyterhub_vmshare.mounts.agent.guard import Guard
from jupyterhub_vmshare.mounts.agent.orders import Orders
from jupyterhub_vmshare.mounts.agent.sessions import Sessions
from jupyterhub_vmshare.mounts.agent.trees import Trees
from jupyterhub_vmshare.mounts.agent.views import Views
from jupyterhub_vmshare.mounts.messages import Event, Lost, SessionWanted
from tests.fixtures.guard_binary import missing
from tests.mounts.agent.node import BEN, PROGRAMS

lacking = missing(*PROGRAMS, guard=False)
pytestmark = [
    pytest.mark.mounts,
    pytest.mark.scenario("M6"),
    pytest.mark.skipif(lacking is not None, reason=str(lacking)),
]


@pytest.mark.asyncio
async def test_nobody_in_a_session_at_one_look_is_not_its_end(tmp_path: Path) -> None:
    told: list[Event] = []
    orders = Orders(tmp_path / "state.json")
    views = Views(tmp_path)
    directs = Directs(views, Trees(tmp_path))
    fulfilling = Fulfilling(orders, views, Trees(tmp_path), directs, told.append)
    sessions = Sessions(orders, views, fulfilling, directs, told.append)
    name = new_id("ses")
    orders.hold(SessionWanted(name, 1, "ben", BEN, BEN))
    assert await sessions.end_vanished({name}, set()) == set()
    once = await sessions.end_vanished(set(), set())
    # It is there again: somebody forked just while the processes were gone through.
    assert await sessions.end_vanished({name}, once) == set()
    once = await sessions.end_vanished(set(), set())
    assert (set(orders.held), told) == ({name}, [])
    assert await sessions.end_vanished(set(), once) == set()
    assert (set(orders.held), told) == (set(), [Lost(name)])


@pytest.mark.asyncio
async def test_a_guard_that_was_lost_a_moment_ago_gets_no_order() -> None:
    async def nothing(control: Control) -> None:
        pass

    guard = Guard(
        lambda: None,
        patience=1.0,
        on_event=lambda words: None,
        on_adopted=nothing,
        on_ready=nothing,
    )
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    guard.control = Control(ours, lambda words: None, patience=1.0)
    assert await guard.current(limit=0.1) is guard.control
    guard.control.close()
    theirs.close()
    with pytest.raises(GuardGone):
        await guard.current(limit=0.1)
