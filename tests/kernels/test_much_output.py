"""More output than anything on the way holds: all of it comes, and in order."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from jupyter_vmshare.kernels.ends import KILLED_THERE
from jupyter_vmshare.kernels.news import News, board
from jupyter_vmshare.kernels.saying import LastWords
from tests.kernels.conftest import PATIENCE, Started
from tests.kernels.test_last_words import SILENCE, heard_of, is_silent, prepared, text_of
from tests.kernels.test_news import kill
from tests.kernels.test_provisioner import until

PIECES = "for n in range(10): print(str(n) * 9_999_999, flush=True)"
LINES = """
import time
from pathlib import Path
for n in range(2_000): print(f"{{n:09999d}}", flush=True)
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


@contextmanager
def another_client(kernel: Started) -> Iterator[BlockingKernelClient]:
    """With a session of its own, as another browser has."""
    other = BlockingKernelClient()
    other.load_connection_info(kernel.manager.get_connection_info())
    other.start_channels()
    try:
        other.wait_for_ready(timeout=PATIENCE)
        yield other
    finally:
        other.stop_channels()


def words_of(kernel: Started) -> LastWords:
    provisioner: Any = kernel.manager.provisioner
    found: LastWords = provisioner._remote.last_words
    return found


def is_refused(path: str) -> bool:
    """Whether nobody listens at a local socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        try:
            tried.connect(path)
        except OSError:
            return True
    return False


def killed_behind_20_megabytes(kernel: Started, done: Path) -> str:
    """The request whose output nobody reads."""
    told: list[News] = []
    end = board.listen(told.append)
    try:
        act = prepared(kernel, kill("getpid"))
        asked: str = kernel.client.execute(LINES.format(done=str(done)))
        until(done.exists)
        act(kernel)
        until(lambda: any(news.state == "ended" for news in told))
    finally:
        end()
    return asked


@pytest.mark.scenario("V7")
def test_a_kernel_that_is_killed_behind_20_megabytes_that_nobody_reads_is_told_at_once_and_late(
    doomed: Started, tmp_path: Path
) -> None:
    asked = killed_behind_20_megabytes(doomed, tmp_path / "done")
    assert not doomed.manager.is_alive()
    # A publisher drops what no subscriber takes, here as locally: what comes is not all of it.
    assert text_of(heard_of(doomed.client, asked)).endswith(f"{KILLED_THERE}\n")


@pytest.mark.scenario("V7")
def test_who_reads_late_hears_the_end_late_and_others_need_not_wait(
    doomed: Started, tmp_path: Path
) -> None:
    words = words_of(doomed)
    words.to_take, words.to_come = 0.1, SILENCE
    with another_client(doomed) as other:
        asked = killed_behind_20_megabytes(doomed, tmp_path / "done")
        assert text_of(heard_of(other, asked)).endswith(f"{KILLED_THERE}\n")
        time.sleep(2 * SILENCE)
        assert text_of(heard_of(doomed.client, asked)).endswith(f"{KILLED_THERE}\n")
        assert is_silent(doomed.client)
        assert is_silent(other)


@pytest.mark.scenario("V7")
def test_who_does_not_go_on_is_waited_for_no_longer_than_patience_and_another_kernel_may_begin(
    doomed: Started, tmp_path: Path
) -> None:
    words = words_of(doomed)
    words.to_take = words.to_come = words.patience = 0.1
    killed_behind_20_megabytes(doomed, tmp_path / "done")
    until(lambda: is_refused(f"{doomed.manager.ip}-{doomed.manager.iopub_port}"))
    doomed.manager.restart_kernel(now=True)
    with another_client(doomed) as other:
        assert Started(doomed.manager, other, doomed.machine).run("print(1)") == "1\n"
