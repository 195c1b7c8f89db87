"""Random histories of sharing, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from jupyterhub_vmshare.db.upgrade import upgrade
from tests.sharing.mounting import MountedHistories

# Explaining traces every line, and a history that fails is told before the time is over.
_PHASES = [phase for phase in Phase if phase is not Phase.explain]
_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]


def play(url: str, examples: int) -> None:
    """Bring an empty database to the schema, and play so many histories on it."""
    upgrade(url)
    machine = cast(type[RuleBasedStateMachine], lambda: MountedHistories(url))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            phases=_PHASES,
            suppress_health_check=_SLOW_IS_FINE,
        ),
    )


def test_histories_on_sqlite(tmp_path: Path) -> None:
    play(f"sqlite:///{tmp_path / 'histories.sqlite'}", 20)


@pytest.mark.postgres_all
def test_histories_on_postgresql(postgres_url: str) -> None:
    play(postgres_url, 9)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_long_histories_on_sqlite(tmp_path: Path) -> None:
    play(f"sqlite:///{tmp_path / 'histories.sqlite'}", 150)


@pytest.mark.slow
@pytest.mark.postgres_all
@pytest.mark.timeout(2400)
def test_long_histories_on_postgresql(postgres_url: str) -> None:
    play(postgres_url, 75)
