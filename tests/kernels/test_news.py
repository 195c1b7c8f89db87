"""Whoever shows kernels hears what becomes of those on machines, and why."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from traitlets.config import Config

from jupyter_vmshare.kernels.ends import (
    KILLED_THERE,
    LOST,
    OUT_OF_MEMORY,
    PERHAPS_OUT_OF_MEMORY,
    RESTARTED,
    of_process,
    why_not,
)
from jupyter_vmshare.kernels.news import News, State, board
from tests.kernels.conftest import PATIENCE, Started, kept
from tests.kernels.local import LocalMachine
from tests.kernels.test_provisioner import until

SENTENCE = "Ana has stopped sharing this machine."


@pytest.fixture
def heard() -> Iterator[list[News]]:
    """What is told while the test runs."""
    found: list[News] = []
    end = board.listen(found.append)
    yield found
    end()


def states(heard: list[News]) -> list[State]:
    return [each.state for each in heard]


@pytest.mark.scenario("V16")
def test_a_broken_link_is_told_and_that_it_is_there_again(
    kernel: Started, heard: list[News]
) -> None:
    kernel.machine.cut()
    until(lambda: len(heard) == 2)
    assert states(heard) == ["reconnecting", "connected"]
    assert heard[0].because == "The link was cut."
    assert {each.kernel_id for each in heard} == {kernel.manager.kernel_id}
    assert (heard[0].machine, heard[0].kernel) == ("box", "python3")
    last = board.all()[-1]
    assert (last["kernel_id"], last["state"]) == (kernel.manager.kernel_id, "connected")


def refuse(kernel: Started) -> None:
    kernel.machine.refused = SENTENCE
    kernel.machine.cut(newest=1)


def kill(which: str) -> Callable[[Started], None]:
    def act(kernel: Started) -> None:
        os.kill(int(kernel.run(f"import os; print(os.{which}())")), signal.SIGKILL)

    return act


@pytest.fixture
def small() -> Iterator[Path]:
    """A control group without room for much."""
    group = Path(f"/sys/fs/cgroup/memory/vmshare-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(400 << 20))
    except OSError as error:
        pytest.skip(f"No control group with a limit of memory can be made here: {error}")
    yield group
    until(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


def test_a_kernel_that_the_system_killed_for_its_memory_is_told_as_that(
    doomed: Started, heard: list[News], small: Path
) -> None:
    (small / "cgroup.procs").write_text(doomed.run("import os; print(os.getpid())"))
    doomed.client.execute("data = b'x' * (1 << 30)")
    until(lambda: "ended" in states(heard))
    assert heard[-1].because == OUT_OF_MEMORY


@pytest.mark.scenario("V16")
def test_a_kernel_that_is_left_alone_ends_at_its_time_and_says_so(
    box: LocalMachine, heard: list[News]
) -> None:
    with kept(box, "on-box-briefly") as brief:
        pid, place = brief.run("import os, sys; print(os.getpid(), sys.argv[-1])").split()
        box.is_down = True
        try:
            box.cut(newest=1)
            until(lambda: not Path(f"/proc/{pid}").exists())
            until(lambda: not Path(place).parent.exists())
        finally:
            box.is_down = False
        until(lambda: "ended" in states(heard))
    assert heard[-1].because == (
        "The kernel was ended on the machine, since nobody was connected to it for 1 second. Its"
        " variables are lost."
    )


@pytest.mark.parametrize(
    ("greeting", "because"),
    [
        pytest.param({"boot": "2"}, RESTARTED, id="the machine was restarted"),
        pytest.param({"boot": "1"}, LOST, id="it was not"),
        pytest.param({}, LOST, id="an old machine, which does not say"),
        pytest.param({"boot": ["2"], "because": 7}, LOST, id="words that are none"),
        pytest.param({"boot": "2", "because": "So."}, "So. Its variables are lost.", id="it knows"),
    ],
)
def test_why_there_is_no_kernel_any_more(greeting: dict[str, object], because: str) -> None:
    assert str(why_not({"gone": True, **greeting}, "1")) == because


@pytest.mark.parametrize(
    ("code", "state", "because"),
    [
        pytest.param(-9, {"out_of_memory": True}, OUT_OF_MEMORY, id="for its memory"),
        pytest.param(-9, {"out_of_memory": False}, KILLED_THERE, id="by somebody"),
        pytest.param(-9, {}, PERHAPS_OUT_OF_MEMORY, id="an old machine, which does not say"),
        pytest.param(-9, {"asked": True, "out_of_memory": True}, None, id="it was asked for"),
        pytest.param(1, {"out_of_memory": True}, None, id="it ended by itself"),
    ],
)
def test_who_killed_a_kernel(code: int, state: dict[str, object], because: str | None) -> None:
    assert of_process(code, state).because == because


@pytest.mark.scenario("V7")
@pytest.mark.parametrize(
    ("act", "because"),
    [
        pytest.param(refuse, SENTENCE, id="the access ended"),
        pytest.param(kill("getpid"), "was killed on the machine", id="the kernel was killed"),
        pytest.param(kill("getppid"), LOST, id="the supervisor was killed"),
    ],
)
def test_why_a_kernel_ended_is_told(
    doomed: Started, heard: list[News], act: Callable[[Started], None], because: str
) -> None:
    try:
        act(doomed)
        until(lambda: "ended" in states(heard))
        assert because in str(heard[-1].because)
        assert states(heard).count("ended") == 1
    finally:
        doomed.machine.refused = None


def test_what_was_asked_for_is_no_news(doomed: Started, heard: list[News]) -> None:
    doomed.manager.restart_kernel(now=True)
    doomed.client.wait_for_ready(timeout=PATIENCE)
    doomed.manager.shutdown_kernel()
    assert heard == []
    assert doomed.manager.kernel_id not in {each["kernel_id"] for each in board.all()}


@pytest.mark.scenario("V7")
def test_who_has_no_access_any_more_is_not_tried_again_and_again(
    box: LocalMachine, heard: list[News]
) -> None:
    """What a notebook server does with kernels that died: it starts them, several times."""

    async def live() -> list[str]:
        quick = Config({"KernelRestarter": {"time_to_dead": 0.05}})
        manager = AsyncIOLoopKernelManager(kernel_name="on-box", config=quick)
        said: list[str] = []
        await manager.start_kernel()
        manager.add_restart_callback(lambda: said.append("restart"), "restart")
        manager.add_restart_callback(lambda: said.append("dead"), "dead")
        box.refused = SENTENCE
        await asyncio.to_thread(box.cut, 1)
        async with asyncio.timeout(PATIENCE):
            while not said:
                await asyncio.sleep(0.02)
        box.refused = None
        await manager.restart_kernel()
        assert await manager.is_alive()
        # From now on it is as any other.
        assert manager._restarter.restart_limit == 5
        await manager.shutdown_kernel(now=True)
        return said

    try:
        assert asyncio.run(live()) == ["dead"]
    finally:
        box.refused = None
