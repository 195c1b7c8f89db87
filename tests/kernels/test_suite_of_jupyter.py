"""Jupyter's suite for kernels: what Python passes and skips here, it does on a machine."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.local import LocalMachine

jupyter_kernel_test = pytest.importorskip(
    "jupyter_kernel_test", reason="Jupyter's own suite for kernels is not installed."
)

pytestmark = [pytest.mark.slow, pytest.mark.scenario("V16")]

PYTHON: dict[str, Any] = {
    "language_name": "python",
    "file_extension": ".py",
    "code_hello_world": "print('hello, world')",
    "code_stderr": "import sys; print('error', file=sys.stderr)",
    "completion_samples": [{"text": "zi", "matches": {"zip"}}],
    "complete_code_samples": ["print('hello, world')", "def f(x):\n  return x*2\n\n"],
    "incomplete_code_samples": ["print('''hello", "def f(x):\n  x*2"],
    "invalid_code_samples": ["import = 7q"],
    "code_page_something": "zip?",
    "code_generate_error": "raise",
    "code_execute_result": [{"code": "1+2+3", "result": "6"}],
    "code_display_data": [
        {"code": "from IPython.display import HTML, display; display(HTML('<b>x</b>'))",
         "mime": "text/html"},
    ],
    "code_history_pattern": "1?2*",
    "supported_history_operations": ("tail", "search"),
    "code_inspect_sample": "zip",
    "code_clear_output": "from IPython.display import clear_output; clear_output()",
    "support_iopub_welcome": True,
}  # fmt: skip


def outcome(kernel_name: str) -> tuple[dict[str, str], list[str]]:
    """What the suite skips and why, and what fails."""
    result, suite = unittest.TestResult(), unittest.TestSuite()
    for base in (jupyter_kernel_test.KernelTests, jupyter_kernel_test.IopubWelcomeTests):
        case = type(base.__name__, (base,), {**PYTHON, "kernel_name": kernel_name})
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    suite.run(result)
    assert result.testsRun >= 13
    failed = [text for _, text in [*result.failures, *result.errors]]
    return {test.id(): why for test, why in result.skipped}, failed


def test_python_on_a_machine_passes_and_skips_what_it_does_here(
    box: LocalMachine, tmp_path: Path
) -> None:
    here, there = outcome("python3"), outcome("on-box")
    assert there[1] == []
    assert there == here
