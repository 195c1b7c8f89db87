"""The contract, row by row and level by level, as system calls from a session's own uid."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from jupyterhub_vmshare.policy.mount_operations import OPERATIONS, outcome
from jupyterhub_vmshare.words import LEVELS, ThingKind
from tests.mounts.guard import operations_names  # noqa: F401  (the rest of the rows)
from tests.mounts.guard.conftest import staged
from tests.mounts.guard.operations import PROCEDURES, SHORT_FRESH
from tests.mounts.guard.scene import Scene, Seen
from tests.mounts.guard.stage import Stage

CELLS = [
    pytest.param(operation, level, id=f"{operation} [{level}]")
    for operation in OPERATIONS
    for level in LEVELS[ThingKind.FOLDER]
    if outcome(operation, level).kind != "not_applicable"
]


@pytest.fixture(scope="module")
def patient_stage() -> Iterator[Stage]:
    """What is one's own is fresh for ten minutes."""
    with staged() as made:
        yield made


@pytest.fixture(scope="module")
def short_stage() -> Iterator[Stage]:
    """What is one's own is fresh for a second."""
    with staged(fresh_seconds=1) as made:
        yield made


def test_every_row_has_a_procedure_and_no_other_has() -> None:
    assert set(PROCEDURES) == set(OPERATIONS)


@pytest.mark.scenario("M2")
@pytest.mark.parametrize(("operation", "level"), CELLS)
def test_the_table(patient_stage: Stage, short_stage: Stage, operation: str, level: str) -> None:
    stage = short_stage if operation == SHORT_FRESH else patient_stage
    scene = Scene.of(stage, level, outcome(operation, level))
    try:
        PROCEDURES[operation](scene)
    finally:
        for session in list(stage.sessions.values()):
            stage.drop(session)
    told = as_table(operation, level, scene.seen)
    print(told)
    assert scene.seen, "the procedure has looked at nothing"
    assert all(seen.holds for seen in scene.seen), told


def as_table(operation: str, level: str, found: list[Seen]) -> str:
    """Expected and seen, for people."""
    width = max((len(seen.call) for seen in found), default=0)
    lines = [
        f"  {'  ' if seen.holds else '!!'} {seen.call:{width}}  expected {seen.wanted_text:20}"
        f" seen {seen.answer}"
        for seen in found
    ]
    return os.linesep.join(["", f"{operation} [{level}]", *lines])
