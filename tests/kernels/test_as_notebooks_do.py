"""What notebooks do beyond running code: widgets, questions, interrupts of whatever runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kernels.conftest import PATIENCE, Started
from tests.kernels.test_provisioner import until

pytestmark = pytest.mark.scenario("V16")
ENDLESS = [
    pytest.param("while True: pass", id="a loop in Python"),
    pytest.param("re.match('(a+)+$', 'a' * 60 + 'b')", id="a loop in C"),
    pytest.param("time.sleep(1000)", id="a call of the system"),
    pytest.param("subprocess.run(['sleep', '1000'])", id="another process"),
]


@pytest.mark.parametrize("code", ENDLESS)
def test_an_interrupt_ends_what_is_running_and_no_variable(
    kernel: Started, code: str, tmp_path: Path
) -> None:
    kernel.run("import re, subprocess, time; from pathlib import Path; kept = 1")
    begun = tmp_path / "begun"
    # Nothing that it prints comes while C keeps all other threads of it waiting.
    asked = kernel.client.execute(
        f"Path({str(begun)!r}).touch()\n{code}",
        stop_on_error=False,  # what is asked next is not to be aborted with it
    )
    until(begun.exists)
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=PATIENCE)
    assert reply["parent_header"]["msg_id"] == asked
    assert reply["content"].get("ename") == "KeyboardInterrupt", reply["content"]
    assert kernel.run("print(kept)") == "1\n"


def test_a_question_is_asked_here_and_answered_there(kernel: Started) -> None:
    asked: list[str] = []
    printed: list[str] = []

    def answer(message: dict[str, Any]) -> None:
        asked.append(message["content"]["prompt"])
        kernel.client.input("ana")

    def hook(message: dict[str, Any]) -> None:
        printed.append(message["content"].get("text", ""))

    kernel.client.execute_interactive(
        "print(input('Who? ') + '!')",
        allow_stdin=True,
        stdin_hook=answer,
        output_hook=hook,
        timeout=PATIENCE,
    )
    assert (asked, "".join(printed)) == (["Who? "], "ana!\n")


def test_a_widget_follows_both_ways(kernel: Started) -> None:
    sent: list[dict[str, Any]] = []

    def run(code: str) -> None:
        kernel.client.execute_interactive(code, timeout=PATIENCE, output_hook=sent.append)

    run("import ipywidgets; slider = ipywidgets.IntSlider(value=3)")
    [opened] = [
        each["content"]
        for each in sent
        if each["msg_type"] == "comm_open"
        and each["content"]["data"]["state"]["_model_name"] == "IntSliderModel"
    ]
    assert opened["data"]["state"]["value"] == 3
    moved = {"method": "update", "state": {"value": 7}, "buffer_paths": []}
    content = {"comm_id": opened["comm_id"], "data": moved}
    message = kernel.client.session.msg("comm_msg", content)
    kernel.client.session.send(kernel.client.shell_channel.socket, message, buffers=[b"\0" * 9])
    assert kernel.run("print(slider.value)") == "7\n"
    sent.clear()
    run("slider.value = 9")
    states = [
        each["content"]["data"]["state"]
        for each in sent
        if each["msg_type"] == "comm_msg" and each["content"]["comm_id"] == opened["comm_id"]
    ]
    assert {"value": 9} in states
