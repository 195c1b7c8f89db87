"""Sessions whose view or walls can't be made: which start all the same, and which must not."""

from __future__ import annotations

import os
import resource
import subprocess

import pytest

from jupyterhub_vmshare.spawning.enter import TRIAL_SECONDS, parse, ways
from tests.mounts.sessions.stage import PATIENCE, Stage, missing

lacking = missing()
pytestmark = pytest.mark.skipif(lacking is not None, reason=str(lacking))

CROWDED = 64242  # an account that nothing else runs as
FORBIDS = "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1"
BROKEN = [
    pytest.param("exit 1", "exit status 1", (), id="bubblewrap fails"),
    pytest.param(FORBIDS, "No permissions", (), id="it may not"),
    pytest.param(FORBIDS, "No permissions", ("--own-processes",), id="it may not, shared account"),
]


def bubblewrap_that(stage: Stage, program: str) -> str:
    fake = stage.where / "bwrap"
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)
    return f"--bwrap={fake}"


@pytest.mark.scenario("M8")
@pytest.mark.parametrize(("bwrap", "words", "options"), BROKEN)
def test_where_no_view_can_be_made_it_starts_and_says_why(
    stage: Stage, bwrap: str, words: str, options: tuple[str, ...]
) -> None:
    program = 'echo "$VMSHARE_MOUNTS_BECAUSE"; exit 3'
    status, said, _ = stage.start(program, bubblewrap_that(stage, bwrap), *options).end()
    assert status == 3
    assert words in said
    assert "panel" in said


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("view", [True, False], ids=["with a view", "without a view"])
def test_a_session_of_a_shared_account_does_not_start_without_walls(
    stage: Stage, view: bool
) -> None:
    fails = bubblewrap_that(stage, "exit 1")
    session = stage.start("echo POSSIBLE", fails, "--own-processes", view=view)
    status, said, errors = session.end()
    assert (status, said) == (os.EX_TEMPFAIL, "")
    assert "walls" in errors


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("most", [1, 2], ids=["to try", "for bubblewrap"])
def test_a_neighbour_that_uses_up_all_processes_brings_no_walls_down(
    stage: Stage, most: int
) -> None:
    command = stage.words("--own-processes", view=False)
    started = subprocess.run(
        [*command, "echo", "POSSIBLE"],
        env={"HOME": str(stage.home)},
        capture_output=True,
        text=True,
        user=CROWDED,
        group=CROWDED,
        extra_groups=[],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (most, most)),
        timeout=PATIENCE,
    )
    assert (started.returncode, started.stdout) == (os.EX_TEMPFAIL, "")
    assert "Resource temporarily unavailable" in started.stderr


def test_walls_are_waited_for_on_a_busy_machine() -> None:
    asked = parse(["--bwrap=bwrap", "--own-processes", "--", "true"])
    walls, _ = ways(asked, "/home/ben")
    assert walls.patience >= 10 * TRIAL_SECONDS
