"""Programs at Edit: on a tree of one's own while fresh and later, and on somebody else's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.mounts.guard import programs, saving
from tests.mounts.guard.conftest import staged
from tests.mounts.guard.programs import USES, Use
from tests.mounts.guard.stage import Folder, Session, Stage

pytestmark = [pytest.mark.slow, pytest.mark.scenario("M3")]
FRESH_SECONDS = 4


def lacking(use: Use) -> str | None:
    """What is not installed here."""
    tools = [tool for tool in use.tools if shutil.which(tool) is None]
    modules = [module for module in use.modules if importlib.util.find_spec(module) is None]
    if tools:
        return f"{', '.join(tools)} is not installed here."
    return f"{', '.join(modules)} comes with `make test-mounts` alone." if modules else None


@dataclass
class Trees:
    """One directory for each use in a folder, which its maker has prepared."""

    stage: Stage
    folder: Folder
    ben: Session
    kind: str
    prepared: dict[str, str] = field(default_factory=dict)
    """What went wrong; empty: nothing."""

    def path(self, session: Session, use: Use) -> str:
        return session.path("tests", f"tree{USES.index(use)}")

    def prepare(self, maker: Session, uses: list[Use]) -> None:
        for use in uses:
            if lacking(use):
                continue
            maker(os.mkdir, self.path(maker, use))
            self.prepared[use.name] = tried(maker, use.prepare, self.path(maker, use))


def tried(session: Session, deed: programs.Deed, path: str) -> str:
    """`ok`, or what the program said."""
    program = session.program()
    program.deadline = 90
    try:
        program(programs.do, deed, path)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    finally:
        program.close()
    return "ok"


def trees(kind: str, fresh_seconds: int) -> Iterator[Trees]:
    with staged(fresh_seconds=fresh_seconds) as stage:
        folder, ben = stage.folder(), stage.session("ben")
        stage.give(ben, folder, "edit")
        made = Trees(stage, folder, ben, kind)
        maker = ben
        if kind == "others":
            maker = stage.session("ana")
            stage.give(maker, folder, "edit_delete")
        if kind != "fresh":
            made.prepare(maker, list(USES))
        if kind == "later":
            time.sleep(1.5 * fresh_seconds)
        yield made


@pytest.fixture(scope="module")
def fresh_stage() -> Iterator[Trees]:
    yield from trees("fresh", 600)


@pytest.fixture(scope="module")
def later_stage() -> Iterator[Trees]:
    yield from trees("later", FRESH_SECONDS)


@pytest.fixture(scope="module")
def others_stage() -> Iterator[Trees]:
    yield from trees("others", 600)


EVERY_USE = pytest.mark.parametrize("use", USES, ids=[use.name for use in USES])


def expect(made: Trees, use: Use, wanted: str) -> None:
    if reason := lacking(use):
        pytest.skip(reason)
    assert made.prepared[use.name] == "ok"
    path = made.path(made.ben, use)
    said = tried(made.ben, use.act, path)
    print(f"{use.name} [{made.kind}]: {said}")
    if wanted == "ok":
        assert said == "ok"
        assert tried(made.ben, use.check, path) == "ok"
    else:
        assert said != "ok", "this is expected to fail"
        assert wanted in said


@EVERY_USE
def test_while_the_tree_is_fresh(fresh_stage: Trees, use: Use) -> None:
    fresh_stage.prepare(fresh_stage.ben, [use])
    expect(fresh_stage, use, use.fresh)


@EVERY_USE
def test_when_the_tree_is_no_longer_fresh(later_stage: Trees, use: Use) -> None:
    expect(later_stage, use, use.later)


@EVERY_USE
def test_on_somebody_else_s_tree(others_stage: Trees, use: Use) -> None:
    expect(others_stage, use, use.others)


def test_wal_from_two_sessions_is_refused_and_not_wrong(fresh_stage: Trees) -> None:
    """Shared memory of two sessions would not be the same: sqlite is told so by an error."""
    stage, folder = fresh_stage.stage, fresh_stage.folder
    first, second = fresh_stage.ben, stage.session("ben")
    stage.give(second, folder, "edit")
    first(os.mkdir, first.path("tests/wal"))
    one, other = first.program(), second.program()
    one(programs.do, saving.hold_wal, first.path("tests/wal"))
    with pytest.raises(Exception, match=r"(?i)disk i/o error|unable to open|locked|read-?only"):
        other(programs.do, saving.row, second.path("tests/wal"))
    one(saving.let_go)
    assert tried(first, saving.is_whole, first.path("tests/wal")) == "ok"
