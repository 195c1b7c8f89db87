"""The guard on a real disk, and people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.guard_binary import missing
from tests.mounts.guard.stage import Folder, Session, Stage

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these carry the marker `mounts`, and skip with a reason where they can't run."""
    lacking = missing()
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("mounts")
            needs = getattr(item, "fixturenames", ())
            if lacking and any("stage" in name for name in needs):
                item.add_marker(pytest.mark.skip(reason=lacking))


@contextmanager
def staged(**settings: int) -> Iterator[Stage]:
    """A stage that is gone afterwards, with the guard's log when something failed."""
    stage = Stage(**settings)  # type: ignore[arg-type]
    try:
        yield stage
    finally:
        print(stage.log())
        stage.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as made:
        yield made


@pytest.fixture
def hasty_stage() -> Iterator[Stage]:
    """What is one's own is fresh for a second after closing it."""
    with staged(fresh_seconds=1) as made:
        yield made


@pytest.fixture
def folder(stage: Stage) -> Folder:
    return stage.folder()


@pytest.fixture
def join(stage: Stage, folder: Folder) -> Callable[[str, str], Session]:
    """A new session of a person that has the folder at a level, as `shared/tests`."""

    def joined(person: str, level: str) -> Session:
        session = stage.session(person)
        stage.give(session, folder, level)
        return session

    return joined
