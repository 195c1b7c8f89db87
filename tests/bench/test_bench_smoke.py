"""Each benchmark in its smallest form, so that none can rot: that it runs, not how fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import readme
from bench.__main__ import NAMES, main
from bench.rounds import Measure, Report, Spread, in_turns
from tests.fixtures.guard_binary import missing
from tests.fixtures.virtual_machines import missing_for_virtual_machines

MARKS = {"events": [], "virtual_machines": [pytest.mark.vm, pytest.mark.timeout(900)]}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=MARKS.get(name, [pytest.mark.slow]), id=name) for name in NAMES],
)
def test_a_benchmark_still_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name in ("mounts", "accepting") and (lacking := missing()):
        pytest.skip(lacking)
    if name == "virtual_machines" and (because := missing_for_virtual_machines()):
        pytest.skip(because)
    assert main([name, "--quick"]) == 0
    told = capsys.readouterr().out
    assert "\n## " in f"\n{told}"  # after the log of a service in this process
    assert any(
        row in told
        for row in (
            "| bare tornado",
            "1,000 grants",
            "| revoke",
            "first read |",
            "| cp |",
            "and cont |",
            "| on the machine |",
        )
    )


def test_a_ratio_is_taken_within_each_round() -> None:
    report = Report("", "ms")
    # The machine is ten times slower in the second round: both sides suffer, the ratio does not.
    report.add({"bare": [1.0, 10.0, 2.0], "ours": [3.0, 30.0, 6.0]}, "bare")
    assert report.rows[1][2] == Spread(3.0, 3.0, 3.0)


def test_a_missed_target_is_said_and_fails_nothing() -> None:
    report = Report("", "ms")
    report.add({"small": [1.0], "large": [2.0]}, "small")
    report.want("large beside small", [2.0], at_most=1.5)
    report.want("large beside small", [2.0], at_least=1.5)
    assert str(report).count("**missed**") == 1
    assert str(report).count("**met**") == 1


def test_a_target_can_ask_that_nearly_every_round_is_ahead() -> None:
    report = Report("", "per second")
    report.want("ours beside theirs", [0.5, 0.5, 2.0, 2.0, 2.0], at_least=1)
    report.want("ours beside theirs", [0.5, 0.5, 2.0, 2.0, 2.0], at_least=1, by="low")
    assert [target.met for target in report.targets] == [True, False]


def test_results_replace_the_last_ones_of_their_benchmark_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("top\n<!-- a -->old<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n")
    readme.keep(page, "a", "new")
    readme.keep(page, "a", r"newer \1")
    assert page.read_text() == (
        "top\n<!-- a -->\nnewer \\1\n<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_place_for_every_benchmark(name: str, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(readme.README.read_text())
    readme.keep(page, name, "here")
    assert f"<!-- {name} -->\nhere\n" in page.read_text()


@pytest.mark.asyncio
async def test_things_are_measured_in_turns() -> None:
    order: list[str] = []

    def measure(name: str) -> Measure:
        async def once() -> float:
            order.append(name)
            return 1.0

        return once

    await in_turns({"a": measure("a"), "b": measure("b")}, 3)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
