"""Terminals on machines, as the panel asks a real notebook server for them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth.authorizer import Authorizer
from tornado.httpclient import HTTPResponse

from jupyter_vmshare.shell.ledger import Ledger
from tests.client.machine_rows import M
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.fixtures.waiting import within
from tests.server.conftest import Ask, Tokens

GONE = "There is no such machine, or it is not shared with you."


class NoTerminals(Authorizer):
    """Everything is allowed but terminals."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "terminals"


@pytest.fixture
def jp_server_config(
    jp_server_config: dict[str, Any], request: pytest.FixtureRequest
) -> dict[str, Any]:
    told = jp_server_config["ServerApp"]
    told["jpserver_extensions"] = {"jupyter_server_terminals": True, "jupyter_vmshare": True}
    told.update(getattr(request, "param", {}))
    return jp_server_config


@pytest.fixture(autouse=True)
def there_is_no_such_machine(service: FakeVMShare) -> None:
    """The program in a terminal asks the service, in its own time."""
    service.answer("GET", f"/machines/{M}", Scripted.problem(404, "not-found", GONE))


@pytest.fixture
def ledger(jp_data_dir: Path) -> Ledger:
    return Ledger.of_server(jp_data_dir, "")


@pytest.fixture
def manager(jp_serverapp: Any) -> Any:
    """The server's own; it knows of machines as soon as the server runs."""
    return jp_serverapp.web_app.settings["terminal_manager"]


async def until(is_so: Callable[[], bool]) -> None:
    async with within(60, "An outcome"):
        while not is_so():
            await asyncio.sleep(0.02)


async def post(ask: Ask, **asked: Any) -> HTTPResponse:
    return await ask(
        "POST", "terminals", body=json.dumps({"machine": M, "called": "gpu-box", **asked})
    )


def shown(manager: Any, name: str) -> str:
    return "".join(manager.terminals[name].read_buffer)


async def test_one_is_a_terminal_of_jupyters_own(ask: Ask, manager: Any, ledger: Ledger) -> None:
    answer = await post(ask)
    assert (answer.code, json.loads(answer.body)) == (201, {"name": "gpu_box_1"})
    # The program in it asks, and says why not; and waits until that is read.
    await until(lambda: "Press Enter to close this terminal" in shown(manager, "gpu_box_1"))
    assert GONE in shown(manager, "gpu_box_1")
    assert "Traceback" not in shown(manager, "gpu_box_1")
    manager.terminals["gpu_box_1"].ptyproc.write("\r")
    await until(lambda: "gpu_box_1" not in manager.terminals)
    assert ledger.all() == {}


async def test_two_have_names_of_their_own_whatever_the_machine_is_called(
    ask: Ask, manager: Any
) -> None:
    names = [
        json.loads((await post(ask, called=called)).body)["name"]
        for called in ("gpu-box", "gpu-box", "$(reboot); ü", "日本")
    ]
    assert names == ["gpu_box_1", "gpu_box_2", "reboot_1", "machine_1"]


async def test_what_runs_on_is_found_by_its_session(ask: Ask, manager: Any, ledger: Ledger) -> None:
    name = ledger.add(M, "gpu-box", (), keeps=True)
    ledger.note(name, "tabcdef")
    told = json.loads((await ask("GET", "terminals")).body)["terminals"]
    assert [(each["name"], each["session"], each["open"]) for each in told] == [
        (name, "tabcdef", False)
    ]
    answer = await post(ask, session="tabcdef")
    assert json.loads(answer.body) == {"name": name}
    again = await post(ask, session="tabcdef")
    assert json.loads(again.body) == {"name": name}
    assert list(manager.terminals) == [name]
    # Shut down, it runs on, and is found again; a plain one is over.
    await manager.terminate(name, force=True)
    plain = json.loads((await post(ask)).body)["name"]
    await manager.terminate(plain, force=True)
    assert list(ledger.all()) == [name]


async def test_a_tab_that_is_restored_comes_back_to_its_machine(
    manager: Any, ledger: Ledger, tokens: Tokens, http_server_client: Any
) -> None:
    """As JupyterLab asks for it after the notebook server was killed."""
    name = ledger.add(M, "gpu-box", ())
    ledger.note(name, None)
    answer = await http_server_client.fetch(
        "/user/ana/api/terminals",
        method="POST",
        headers={"Authorization": f"token {tokens.ana}"},
        body=json.dumps({"name": name}),
    )
    assert json.loads(answer.body)["name"] == name
    await until(lambda: "The notebook server was started again" in shown(manager, name))
    # Any other name is a shell here, as ever.
    model = manager.create(
        name="mine", shell_command=["sh", "-c", "echo it is $0; sleep 100", "here"]
    )
    await until(lambda: "it is here" in shown(manager, model["name"]))


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"machine": "mch_1; reboot"}, id="no machine"),
        pytest.param({"session": "t1; reboot"}, id="no session"),
        pytest.param({"keep": "yes"}, id="no flag"),
        pytest.param({"shell_command": ["sh"]}, id="something else"),
    ],
)
async def test_nothing_but_what_it_is_goes_in(
    ask: Ask, manager: Any, asked: dict[str, Any]
) -> None:
    answer = await post(ask, **asked)
    assert (answer.code, json.loads(answer.body)["code"]) == (400, "bad-input")
    assert manager.terminals == {}


async def test_nobody_comes_in_without_a_token(ask: Ask, manager: Any) -> None:
    answer = await ask("POST", "terminals", headers={"Authorization": None})
    assert answer.code == 403
    assert manager.terminals == {}


@pytest.mark.parametrize("jp_server_config", [{"terminals_enabled": False}], indirect=True)
async def test_where_the_operator_has_none_there_are_none(ask: Ask) -> None:
    for method in ("GET", "POST"):
        answer = await ask(method, "terminals")
        assert (answer.code, json.loads(answer.body)["code"]) == (404, "no-terminals")


@pytest.mark.parametrize("jp_server_config", [{"authorizer_class": NoTerminals}], indirect=True)
async def test_it_takes_the_right_to_terminals(ask: Ask, manager: Any) -> None:
    for method in ("GET", "POST"):
        answer = await ask(method, "terminals")
        assert (answer.code, json.loads(answer.body)["code"]) == (403, "forbidden")
    assert manager.terminals == {}


async def test_the_ledger_is_whole_however_many_write(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "vmshare/terminals.json")
    names = await asyncio.gather(
        *(asyncio.to_thread(ledger.add, M, "gpu-box", ()) for _ in range(20))
    )
    assert sorted(ledger.all()) == sorted(set(names))
    assert len(set(names)) == 20
    assert os.stat(ledger.place).st_mode & 0o077 == 0
    ledger.place.write_text('{"x": {"machine": "mch_1; reboot", "keeps": true}, "y": 3}')
    assert ledger.all() == {}
