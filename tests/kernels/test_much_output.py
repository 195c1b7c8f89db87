"""More output than anything on the way holds: all of it comes, and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_vmshare.kernels.ends import KILLED_THERE
from jupyter_vmshare.kernels.news import News, board
from tests.kernels.conftest import Started
from tests.kernels.test_last_words import heard_of, prepared, text_of
from tests.kernels.test_news import kill
from tests.kernels.test_provisioner import until

PIECES = "for n in range(10): print(str(n) * 9_999_999, flush=True)"
LINES = """
import time
from pathlib import Path
for n in range(20_000): print(f"{{n:0999d}}", flush=True)
Path({done!r}).touch()
time.sleep(1000)
"""


@pytest.mark.scenario("V16")
def test_of_100_megabytes_nothing_is_lost_though_the_link_is_cut_again_and_again(
    kernel: Started,
) -> None:
    kernel.machine.cut_after = [5_000_003 + 3_333_337 * n for n in range(6)]
    kernel.machine.cut()
    printed = kernel.run(PIECES)
    assert not kernel.machine.cut_after
    assert len(printed) == 100_000_000
    assert printed == "".join(str(n) * 9_999_999 + "\n" for n in range(10))


@pytest.mark.scenario("V7")
def test_a_kernel_that_is_killed_behind_20_megabytes_that_nobody_reads_is_told_at_once_and_late(
    doomed: Started, tmp_path: Path
) -> None:
    told: list[News] = []
    end = board.listen(told.append)
    try:
        act = prepared(doomed, kill("getpid"))
        done = tmp_path / "done"
        asked = doomed.client.execute(LINES.format(done=str(done)))
        until(done.exists)
        act(doomed)
        until(lambda: any(news.state == "ended" for news in told))
        assert not doomed.manager.is_alive()
        # A publisher drops what no subscriber takes, here as locally: what comes is not all of it.
        assert text_of(heard_of(doomed.client, asked)).endswith(f"{KILLED_THERE}\n")
    finally:
        end()
