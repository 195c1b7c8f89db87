"""Nodes on which an agent runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.guard_binary import missing
from tests.mounts.agent.node import PROGRAMS, Node


@pytest.fixture
def node() -> Iterator[Node]:
    """A node whose guard is the stand-in."""
    yield from _node(real=False)


@pytest.fixture
def real_node() -> Iterator[Node]:
    """A node with the guard itself."""
    yield from _node(real=True)


def _node(*, real: bool) -> Iterator[Node]:
    if lacking := missing(*PROGRAMS, guard=real):
        pytest.skip(lacking)
    made = Node(real=real)
    try:
        yield made
    finally:
        print(made.log() if (made.where / "agent.log").exists() else "")
        made.close()
