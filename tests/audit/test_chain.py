"""The canonical form and the links: pure, and the same wherever they are computed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_vmshare.audit.chain import GENESIS, Event, canonical, link

EVENT = Event(
    id="evt_01",
    type="folder.renamed",
    at=datetime(2026, 11, 27, 18, 0, 0, 5, tzinfo=UTC),
    actor="ana",
    thing_id="fld_01",
    thing_name="Meßreihe",
    audience=("ben", "ana"),
    data={"to": "b", "from": "a"},
    position=7,
)


def test_the_canonical_form_is_what_is_documented() -> None:
    # Spelled out, so that a change of the form that would break every stored chain is noticed.
    assert canonical(EVENT).decode() == (
        '{"actor":"ana","at":"2026-11-27T18:00:00.000005+00:00","audience":["ana","ben"],'
        '"data":{"from":"a","to":"b"},"id":"evt_01","position":7,"thing_id":"fld_01",'
        '"thing_name":"Meßreihe","type":"folder.renamed"}'
    )


def test_a_link_is_the_hash_of_the_hash_before_and_the_event() -> None:
    expected = hashlib.sha256(bytes(32) + canonical(EVENT)).hexdigest()
    assert link(GENESIS, EVENT) == expected


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(replace(EVENT, audience=("ana", "ben")), id="people in another order"),
        pytest.param(replace(EVENT, data={"from": "a", "to": "b"}), id="keys in another order"),
        pytest.param(
            replace(EVENT, at=EVENT.at.astimezone(timezone(timedelta(hours=2)))),
            id="the same moment in another zone",
        ),
    ],
)
def test_the_spelling_does_not_matter(same: Event) -> None:
    assert canonical(same) == canonical(EVENT)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(EVENT, position=8), id="position"),
        pytest.param(replace(EVENT, id="evt_02"), id="id"),
        pytest.param(replace(EVENT, type="folder.trashed"), id="type"),
        pytest.param(replace(EVENT, at=EVENT.at + timedelta(microseconds=1)), id="moment"),
        pytest.param(replace(EVENT, actor=None), id="actor"),
        pytest.param(replace(EVENT, thing_id="fld_02"), id="thing"),
        pytest.param(replace(EVENT, thing_name="Messreihe"), id="name of the thing"),
        pytest.param(replace(EVENT, audience=("ana",)), id="audience"),
        pytest.param(replace(EVENT, data={"from": "a", "to": "c"}), id="data"),
    ],
)
def test_every_part_of_an_event_counts(other: Event) -> None:
    assert link(GENESIS, other) != link(GENESIS, EVENT)


def test_the_hash_before_counts() -> None:
    assert link("1" * 64, EVENT) != link(GENESIS, EVENT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"a": 1.5}, id="a number with a point"),
        pytest.param({"a": {"b": [float("nan")]}}, id="no number"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param({1: "a"}, id="a key that is no string"),
        pytest.param({"a": datetime.now(UTC)}, id="a moment that is not text"),
    ],
)
def test_what_json_can_not_carry_unambiguously_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        canonical(replace(EVENT, data=data))


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_DATA = st.dictionaries(
    _TEXT, st.recursive(st.none() | st.booleans() | st.integers() | _TEXT, st.lists, max_leaves=5)
)


@given(first=_DATA, second=_DATA)
def test_two_events_share_a_form_only_if_they_are_equal(
    first: dict[str, object], second: dict[str, object]
) -> None:
    one, other = (canonical(replace(EVENT, data=data)) for data in (first, second))
    # repr, because True == 1 in Python and not in JSON.
    alike = repr(sorted(first.items())) == repr(sorted(second.items()))
    assert (one == other) == alike
