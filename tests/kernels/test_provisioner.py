"""A kernel on a machine behaves as a local one, whatever becomes of its link."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernels.conftest import PATIENCE, Started, kept
from tests.kernels.local import LocalMachine

OUTPUT = "for n in range({count}): print(f'line {{n}}', flush=True)"


def until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lines(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(count))


def place_of(kernel: Started) -> Path:
    """Its directory on the machine."""
    return Path(kernel.run("import sys; print(sys.argv[-1])").strip()).parent


@pytest.mark.scenario("V16")
def test_what_is_run_there_answers(kernel: Started) -> None:
    assert kernel.run("print(6 * 7)") == "42\n"
    assert kernel.run("import os; print(os.getcwd())") == f"{kernel.machine.home}\n"


@pytest.mark.scenario("V16")
def test_fifty_cuts_lose_neither_variables_nor_a_line(kernel: Started) -> None:
    kernel.run("kept = 41")
    # Each link dies after a few bytes more than the last one, somewhere in a frame.
    kernel.machine.cut_after = [200 + 37 * n for n in range(50)]
    kernel.machine.cut()
    assert kernel.run(OUTPUT.format(count=2000)) == lines(2000)
    while kernel.machine.cut_after:
        assert kernel.run(OUTPUT.format(count=20)) == lines(20)
    assert kernel.run("print(kept + 1)") == "42\n"
    assert kernel.machine.opened > 50


@pytest.mark.scenario("V16")
def test_what_is_printed_while_there_is_no_link_comes_when_there_is_one(kernel: Started) -> None:
    kernel.machine.is_down = True
    seen: list[str] = []

    def run() -> None:
        seen.append(kernel.run(f"import time\n{OUTPUT.format(count=500)}\nprint('end')"))

    cutting = threading.Timer(0.1, kernel.machine.cut)
    cutting.start()
    running = threading.Thread(target=run)
    running.start()
    cutting.join()
    kernel.machine.is_down = False
    running.join(PATIENCE)
    assert seen == [lines(500) + "end\n"]


@pytest.mark.scenario("V16")
@pytest.mark.parametrize("now", [True, False], ids=["at once", "in order"])
def test_a_restart_begins_anew_and_the_client_stays(doomed: Started, now: bool) -> None:
    doomed.run("kept = 1")
    before = doomed.run("import os; print(os.getpid())")
    doomed.manager.restart_kernel(now=now)
    doomed.client.wait_for_ready(timeout=PATIENCE)
    assert doomed.run("print('kept' in globals())") == "False\n"
    assert doomed.run("import os; print(os.getpid())") != before


@pytest.mark.scenario("V16")
def test_a_kernel_that_was_killed_there_is_dead_here_and_says_why(
    doomed: Started, caplog: pytest.LogCaptureFixture
) -> None:
    pid = int(doomed.run("import os; print(os.getpid())"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not doomed.manager.is_alive())
    assert "was killed on the machine" in caplog.text
    doomed.manager.restart_kernel(now=True)
    doomed.client.wait_for_ready(timeout=PATIENCE)
    assert doomed.run("print(1)") == "1\n"


def test_what_is_shut_down_leaves_nothing_there(doomed: Started) -> None:
    pid = int(doomed.run("import os; print(os.getppid())"))
    place = place_of(doomed)
    doomed.manager.shutdown_kernel()
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert not place.exists()


def test_a_hundred_megabytes_come_whole_and_do_not_pile_up(kernel: Started) -> None:
    code = "for n in range(100): display({'text/plain': str(n % 10) * 1_000_000}, raw=True)"
    sizes = []

    def hook(message: dict[str, object]) -> None:
        if message["msg_type"] == "display_data":
            content = message["content"]
            assert isinstance(content, dict)
            sizes.append(len(content["data"]["text/plain"]))

    supervisor = int(kernel.run("import os; print(os.getppid())"))
    kernel.client.execute_interactive(code, timeout=PATIENCE, output_hook=hook)
    assert sizes == [1_000_000] * 100
    status = Path(f"/proc/{supervisor}/status").read_text()
    [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    assert int(peak) < 80_000  # KiB


@pytest.mark.scenario("V7")
def test_who_is_not_let_in_any_more_hears_why_and_the_kernel_is_over(
    doomed: Started, caplog: pytest.LogCaptureFixture
) -> None:
    doomed.machine.refused = "Ana has stopped sharing this machine."
    doomed.machine.cut(newest=1)
    until(lambda: not doomed.manager.is_alive())
    assert "Ana has stopped sharing" in caplog.text
    with pytest.raises(RuntimeError, match="Ana has stopped sharing"):
        doomed.manager.restart_kernel(now=True)
    doomed.machine.refused = None


@pytest.mark.scenario("V16")
def test_a_machine_that_was_restarted_is_told_as_the_loss_of_all_variables(
    doomed: Started, caplog: pytest.LogCaptureFixture
) -> None:
    os.kill(int(doomed.run("import os; print(os.getppid())")), signal.SIGKILL)
    until(lambda: not doomed.manager.is_alive())
    assert "Its variables are lost" in caplog.text
    doomed.manager.restart_kernel(now=True)
    doomed.client.wait_for_ready(timeout=PATIENCE)
    assert doomed.run("print(1)") == "1\n"


def test_a_kernel_that_does_not_mind_dies_with_its_supervisor(box: LocalMachine) -> None:
    with kept(box, "on-box-stubborn") as stubborn:
        pid, parent = stubborn.run("import os; print(os.getpid(), os.getppid())").split()
        os.kill(int(parent), signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists())


def test_nobody_else_on_the_machine_gets_at_it(kernel: Started) -> None:
    place = place_of(kernel)
    for each in (place.parent, place):
        assert each.stat().st_mode & 0o077 == 0
    assert (place / "connection.json").stat().st_mode & 0o077 == 0
    command = Path(f"/proc/{int(kernel.run('import os; print(os.getpid())'))}/cmdline")
    assert kernel.manager.session.key not in command.read_bytes()


def test_a_machine_that_lets_nobody_in_says_so_where_the_kernel_is_started(
    box: LocalMachine,
) -> None:
    from jupyter_client.manager import KernelManager

    box.refused = "You may not open a terminal or run programs on this machine."
    with pytest.raises(RuntimeError, match="You may not open a terminal"):
        KernelManager(kernel_name="on-box").start_kernel()
    box.refused = None
