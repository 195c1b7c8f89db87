"""Two sessions use one folder at random, and are held to what the guard promises.

`make test-stress` does this for an hour, `make test-stress MINUTES=3` for three minutes. What goes
wrong is told with a seed, and `make test-stress SEED=…` plays that round alone.
"""

from __future__ import annotations

import os

import pytest

from tests.stress import keeping
from tests.stress.conftest import MINUTES
from tests.stress.playing import Failed, play


def test_sessions_agree_with_the_file_system(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    rest = float(os.environ.get("VMSHARE_STRESS_REST", "0"))
    with capsys.disabled():
        print(f"\nSEED={seed}, for {MINUTES:g} minutes", flush=True)
    try:
        played = play(seed, 60 * MINUTES, rest)
    except Failed as failed:
        pytest.fail(str(failed), pytrace=False)
    with capsys.disabled():
        print(keeping.row(played), flush=True)
    assert played.rounds
    if "KEEP" in os.environ:
        keeping.keep(played)
