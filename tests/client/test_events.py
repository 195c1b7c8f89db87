"""The iterator of live events, in both colours."""

from __future__ import annotations

import threading
import time

import pytest

from jupyter_vmshare.client import NotAllowed, NotSignedIn
from jupyter_vmshare.client.stream import Happened, Lost, Message, Ready
from tests.client.conftest import Colour
from tests.fakes.vmshare import FakeVMShare, Scripted


def test_events_come_as_they_happen(colour: Colour, fake: FakeVMShare) -> None:
    for kind in ("one", "two", "three"):
        fake.emit(kind)
    events = colour.first(lambda c: c.events(after=7), 2)
    assert [(event.type, event.position) for event in events] == [("two", 10), ("three", 13)]
    assert fake.requests[0].headers["last-event-id"] == "7"


def test_nothing_of_the_past_comes_unasked(colour: Colour, fake: FakeVMShare) -> None:
    fake.emit("old")
    later = threading.Timer(0.4, lambda: fake.emit("new"))
    later.start()
    (event,) = colour.first(lambda c: c.events(), 1)
    later.join()
    assert event.type == "new"


def test_the_stream_closes_when_nobody_listens(colour: Colour, fake: FakeVMShare) -> None:
    fake.emit("one")
    colour.first(lambda c: c.events(after=0), 1)
    end = time.monotonic() + 3
    while fake.open_streams:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_restart_loses_and_doubles_nothing(colour: Colour, fake: FakeVMShare) -> None:
    fake.emit("one")

    def restart() -> None:
        time.sleep(0.3)
        fake.stop()
        fake.emit("two")
        time.sleep(0.3)
        fake.start()
        fake.emit("three")

    other = threading.Thread(target=restart)
    other.start()
    messages: list[Message] = colour.first(lambda c: c.stream(after=0), 7)
    other.join()
    happened = [m.event.type for m in messages if isinstance(m, Happened)]
    assert happened == ["one", "two", "three"][: len(happened)]
    assert len(happened) >= 2
    lost = [m for m in messages if isinstance(m, Lost)]
    assert lost
    assert {m.state for m in lost} == {"unreachable"}
    assert sum(isinstance(m, Ready) for m in messages) >= 2


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [
        (Scripted.problem(401, "not-signed-in", "No."), NotSignedIn),
        (Scripted.problem(403, "forbidden", "No."), NotAllowed),
    ],
    ids=["not signed in", "not allowed"],
)
def test_a_refusal_ends_it(
    colour: Colour, fake: FakeVMShare, scripted: Scripted, kind: type[Exception]
) -> None:
    fake.refuse_streams = scripted
    with pytest.raises(kind):
        colour.first(lambda c: c.events(), 1)
    assert len(fake.requests) == 1
