"""Random histories of sharing, on both databases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.storage.posix import copying
from tests.sharing.mounting import MountedHistories
from tests.sharing.placed import PlacedHistories
from tests.sharing.played import Ground, Played

# Explaining traces every line, and a history that fails is told before the time is over.
_MEMORY = Path("/dev/shm")
_PHASES = [phase for phase in Phase if phase is not Phase.explain]
_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the store is: in memory, if files have attributes there. Each copy of a folder waits
    until the whole disk that it is on has written down what it has."""
    # Files need not lie still for two seconds before they are known to be the same.
    monkeypatch.setattr(copying, "_SETTLED_NS", 0)
    with TemporaryDirectory(dir=_MEMORY if _keeps_attributes(_MEMORY) else tmp_path) as root:
        yield Path(root)


def _keeps_attributes(directory: Path) -> bool:
    try:
        with NamedTemporaryFile(dir=directory) as file:
            os.setxattr(file.name, "user.vmshare", b"1")
    except OSError:
        return False
    return True


def play(url: str, root: Path, examples: int, histories: type[Played] = MountedHistories) -> None:
    """Bring an empty database to the schema, and play so many histories on it."""
    upgrade(url)
    ground = Ground(url, root / "store")
    machine = cast(type[RuleBasedStateMachine], lambda: histories(ground))
    try:
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
    finally:
        ground.close()


def test_histories_on_sqlite(root: Path) -> None:
    play(f"sqlite:///{root / 'histories.sqlite'}", root, 20)


@pytest.mark.postgres_all
def test_histories_on_postgresql(postgres_url: str, root: Path) -> None:
    play(postgres_url, root, 9)


@pytest.mark.scenario("P5")
def test_histories_of_projects_on_sqlite(root: Path) -> None:
    play(f"sqlite:///{root / 'histories.sqlite'}", root, 20, PlacedHistories)


@pytest.mark.scenario("P5")
@pytest.mark.postgres_all
def test_histories_of_projects_on_postgresql(postgres_url: str, root: Path) -> None:
    play(postgres_url, root, 9, PlacedHistories)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_long_histories_on_sqlite(root: Path) -> None:
    play(f"sqlite:///{root / 'histories.sqlite'}", root, 150)


@pytest.mark.slow
@pytest.mark.postgres_all
@pytest.mark.timeout(2400)
def test_long_histories_on_postgresql(postgres_url: str, root: Path) -> None:
    play(postgres_url, root, 75)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_long_histories_of_projects_on_sqlite(root: Path) -> None:
    play(f"sqlite:///{root / 'histories.sqlite'}", root, 150, PlacedHistories)


@pytest.mark.slow
@pytest.mark.postgres_all
@pytest.mark.timeout(2400)
def test_long_histories_of_projects_on_postgresql(postgres_url: str, root: Path) -> None:
    play(postgres_url, root, 75, PlacedHistories)
