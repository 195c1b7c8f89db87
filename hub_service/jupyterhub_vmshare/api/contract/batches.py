"""Wire models of what is done to many entries at once, with a result for each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Problem, Told
from jupyterhub_vmshare.api.contract.files import EntryView, Move

MOST_AT_ONCE = 1000

Path = Annotated[str, Field(max_length=4096)]


class ArchiveAsked(Asked):
    """What is to be in an archive; ``""`` is the whole folder."""

    paths: list[Path] = Field(min_length=1, max_length=10_000)


class ManyMoves(Asked):
    """New paths of many; each is moved or not by itself, in this order."""

    moves: list[Move] = Field(min_length=1, max_length=MOST_AT_ONCE)


class MoveResult(Told):
    """What became of one: it is there now, or a problem."""

    source: str
    entry: EntryView | None = None
    problem: Problem | None = None


class MoveResults(Told):
    """In the order of the request."""

    results: list[MoveResult]


class ManyDeletions(Asked):
    """What is to go; each goes or not by itself, in this order."""

    paths: list[Path] = Field(min_length=1, max_length=MOST_AT_ONCE)
    recursive: bool = Field(False, description="Directories with all that is in them.")


class DeletionResult(Told):
    """What became of one: gone, or a problem."""

    path: str
    problem: Problem | None = None


class DeletionResults(Told):
    """In the order of the request."""

    results: list[DeletionResult]
