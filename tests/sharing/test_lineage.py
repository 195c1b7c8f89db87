"""Random histories of machines and drives that are given on, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.words import ThingKind
from tests.sharing.lineage import Lineages

KINDS = [
    pytest.param(ThingKind.MACHINE, id="a machine"),
    pytest.param(ThingKind.DRIVE, id="a drive"),
]


def play(url: str, kind: ThingKind, examples: int) -> None:
    """Bring an empty database to the schema, and play so many histories on it."""
    upgrade(url)
    machine = cast(type[RuleBasedStateMachine], lambda: Lineages(url, kind))
    slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=slow_is_fine,
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_lineages_on_sqlite(tmp_path: Path, kind: ThingKind) -> None:
    play(f"sqlite:///{tmp_path / 'lineages.sqlite'}", kind, 12)


@pytest.mark.postgres_all
def test_lineages_on_postgresql(postgres_url: str) -> None:
    play(postgres_url, ThingKind.MACHINE, 5)


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("kind", KINDS)
def test_long_lineages_on_sqlite(tmp_path: Path, kind: ThingKind) -> None:
    play(f"sqlite:///{tmp_path / 'lineages.sqlite'}", kind, 150)
