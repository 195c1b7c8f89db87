"""Ids sort in the order of their making, and can't be guessed from one another."""

from __future__ import annotations

import re

import pytest

from jupyterhub_vmshare import ids


def test_ids_of_one_process_are_in_order_also_within_a_millisecond() -> None:
    made = [ids.new_id("evt") for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000


def test_a_clock_that_goes_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.new_id("evt")
    monkeypatch.setattr("time.time_ns", lambda: 0)
    assert ids.new_id("evt") > first


def test_neighbours_in_a_millisecond_lie_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 0)
    tails = {ids.new_id("fld")[-13:-8] for _ in range(1000)}
    assert len(tails) > 990


def test_ids_fit_their_pattern() -> None:
    assert all(re.fullmatch(ids.ID_PATTERN, ids.new_id("fld")) for _ in range(1000))
