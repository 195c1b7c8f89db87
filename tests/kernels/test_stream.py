"""The stream that outlives its links, cut at any byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_vmshare.relay.machine.vmshare_kernels import stream as wire
from jupyterhub_vmshare.relay.machine.vmshare_kernels.stream import Backlog, Malformed, Stream


@dataclass
class End:
    """One end, and what it was brought."""

    stream: Stream
    got: dict[int, bytes] = field(default_factory=dict)
    told: list[object] = field(default_factory=list)
    closed: set[int] = field(default_factory=set)
    passes_on: bool = True

    def take(self, data: bytes) -> None:
        for frame in self.stream.feed(data):
            if frame.kind == wire.HELLO:
                self.stream.resume(frame.told().get("received"))
            elif frame.kind == wire.DATA:
                self.got[frame.connection] = self.got.get(frame.connection, b"") + frame.payload
                if self.passes_on:
                    self.stream.passed_on(frame.connection, len(frame.payload))
            elif frame.kind == wire.TELL:
                self.told.append(frame.told()["n"])
            elif frame.kind == wire.CLOSE:
                self.closed.add(frame.connection)


@dataclass
class Pair:
    """Both ends, and the link between them."""

    one: End = field(default_factory=lambda: End(Stream("s")))
    other: End = field(default_factory=lambda: End(Stream("s", most=wire.MOST_BACKLOG)))
    on_the_way: tuple[bytearray, bytearray] = field(
        default_factory=lambda: (bytearray(), bytearray())
    )

    def link(self) -> None:
        for end, way in zip((self.one, self.other), self.on_the_way, strict=True):
            way[:] = end.stream.greeting()

    def go(self, most: int | None = None) -> int:
        """Carry so many bytes each way; how many went."""
        went = 0
        ends = ((self.one, self.other), (self.other, self.one))
        for (giver, taker), way in zip(ends, self.on_the_way, strict=True):
            way += giver.stream.outgoing()
            piece = bytes(way[:most])
            del way[: len(piece)]
            taker.take(piece)
            went += len(piece)
        return went

    def settle(self) -> None:
        while self.go():
            pass

    def cut(self) -> None:
        for end in (self.one, self.other):
            end.stream.cut()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.sampled_from([1, 2]), st.binary(min_size=1, max_size=300)),
        st.tuples(st.just("back"), st.sampled_from([1, 2]), st.binary(min_size=1, max_size=300)),
        st.tuples(st.just("tell"), st.integers(0, 9), st.just(b"")),
        st.tuples(st.just("go"), st.integers(1, 400), st.just(b"")),
        st.tuples(st.just("cut"), st.just(0), st.just(b"")),
    ),
    max_size=60,
)


@pytest.mark.scenario("V16")
@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_whatever_is_cut_wherever_all_of_it_comes_once_and_in_order(
    steps: list[tuple[str, int, bytes]],
) -> None:
    pair = Pair()
    pair.link()
    sent: dict[str, dict[int, bytes]] = {"data": {}, "back": {}}
    told = []
    for connection in (1, 2):
        pair.one.stream.open(connection, 7)
    pair.settle()
    for what, number, data in steps:
        if what in sent:
            end = pair.one if what == "data" else pair.other
            end.stream.send(number, data)
            sent[what][number] = sent[what].get(number, b"") + data
        elif what == "tell":
            pair.one.stream.tell(n=number)
            told.append(number)
        elif what == "go":
            pair.go(number)
        else:
            pair.cut()
            pair.link()
    pair.settle()
    assert (pair.other.got, pair.one.got) == (sent["data"], sent["back"])
    assert pair.other.told == told


def test_it_is_the_same_after_a_cut_at_each_byte() -> None:
    at, data = 0, bytes(range(256)) * 2
    while True:
        pair = Pair()
        pair.link()
        pair.one.stream.open(1, 7)
        pair.one.stream.send(1, data)
        pair.one.stream.close(1)
        carried = sum(pair.go(1) for _ in range(at))
        pair.cut()
        pair.link()
        pair.settle()
        assert pair.other.got == {1: data}, at
        assert pair.other.closed == {1}
        if carried < at:
            return
        at += 1


def test_more_than_a_window_waits_until_the_other_end_has_passed_it_on(tmp_path: Path) -> None:
    sender = Stream("s", where=tmp_path, most=wire.MOST_BACKLOG)
    sender.open(1, 7)
    sender.resume(0)
    pieces = 100_000_000 // wire.PIECE
    for _ in range(pieces):
        sender.send(1, b"x" * wire.PIECE)
    under_way = 0
    while piece := sender.outgoing():
        under_way += len(piece)
    assert under_way < wire.WINDOW + 10_000
    assert sender.room(1) == wire.MOST_BACKLOG - pieces * wire.PIECE + wire.WINDOW
    sender.end()


def test_who_only_listens_acknowledges_a_part_of_a_window_at_a_time() -> None:
    pair = Pair()
    pair.other.passes_on = False
    pair.link()
    pair.one.stream.open(1, 7)
    pair.settle()
    answers = 0
    for _ in range(100):
        pair.one.stream.send(1, b"x" * (wire.WINDOW // 100))
        pair.other.take(pair.one.stream.outgoing())
        answer = pair.other.stream.outgoing()
        answers += bool(answer)
        pair.one.take(answer)
        kept = sum(len(frame) for frame in pair.one.stream._sent)
        assert kept <= wire.WINDOW // 4 + 2 * wire.PIECE
    assert 3 <= answers <= 4
    pair.other.stream.tell(n=1)
    pair.settle()
    assert not pair.one.stream._sent


def test_an_end_that_ends_a_link_for_what_it_hears_takes_nothing_more_from_it() -> None:
    giver, taker = Stream("s"), Stream("s")
    giver.greeting()
    giver.resume(0)
    taker.greeting()
    for number in range(3):
        giver.tell(n=number)
    data = wire.packed_hello(received=0) + giver.outgoing()
    heard = []
    for frame in taker.feed(data):
        if frame.kind == wire.TELL:
            heard.append(frame.told()["n"])
            taker.cut()
    assert (heard, taker.received) == ([0], 1)


def test_a_backlog_that_is_large_lies_in_a_file_and_comes_out_as_it_went_in(tmp_path: Path) -> None:
    backlog = Backlog(tmp_path)
    pieces = [bytes([n % 256]) * (1 + n * 37 % wire.PIECE) for n in range(1000)]
    for piece in pieces:
        backlog.append(piece)
    assert backlog._in_memory <= 4 << 20 < len(backlog)
    out = bytearray()
    while piece := backlog.take(50_000):
        out += piece
    assert bytes(out) == b"".join(pieces)
    assert len(backlog) == 0
    backlog.append(b"again")
    assert backlog.take(10) == b"again"
    backlog.close()


MALFORMED = [
    pytest.param(wire.packed(wire.TELL, 0, b"{}"), id="no greeting first"),
    pytest.param(wire.packed_hello(received=1), id="it has a frame that was never sent"),
    pytest.param(wire.packed_hello(received="x"), id="it has no number of frames"),
    pytest.param(wire.packed_hello(received=0) * 2, id="it greets twice"),
    pytest.param(
        wire.packed_hello(received=0) + wire.packed(wire.ACK, 0, b"\0" * 7 + b"\3"),
        id="it acknowledges what was never sent",
    ),
    pytest.param(
        wire.packed_hello(received=0) + b"\4\0\0\0\1\xff\0\0\0", id="a piece that is too large"
    ),
    pytest.param(
        wire.packed_hello(received=0)
        + wire.packed(wire.DATA, 1, b"x" * wire.PIECE) * (wire.WINDOW // wire.PIECE + 1),
        id="more data than it was allowed",
    ),
    pytest.param(
        wire.packed_hello(received=0) + wire.packed(wire.CREDIT, 1, b"\0" * 7 + b"\1"),
        id="more taken than was sent",
    ),
    pytest.param(
        wire.packed_hello(received=0) + wire.packed(wire.TELL, 0, b"["), id="words that are none"
    ),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_an_end_that_is_root_on_a_machine_may_say_anything(data: bytes) -> None:
    end = End(Stream("s"), passes_on=False)
    end.stream.open(1, 7)
    end.stream.greeting()
    with pytest.raises(Malformed):
        end.take(data)
