"""Projects at the terminal and in a notebook, through the product's own service."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from jupyter_vmshare.widgets.projects import Projects
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects import life, links
from jupyterhub_vmshare.projects.life import Wanted
from jupyterhub_vmshare.projects.standing import Asker
from tests.client.conftest import Real
from tests.client.terminal import Terminal


@pytest.fixture
def ben(real: Real, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    return Terminal(real, "ben", monkeypatch, capsys)


@pytest.mark.scenario("P2")
def test_asking_for_a_project_and_taking_it_back(ben: Terminal) -> None:
    code, out, _ = ben("request-project genome")
    assert (code, out.startswith("Asked for genome")) == (0, True)
    assert "requested" in ben("projects")[1]
    code, out, err = ben("request-project genome")
    assert (code, out) == (1, "")
    assert "genome 2" in err
    assert ben("withdraw-from-project genome")[1] == "Taken back.\n"
    assert ben.json("projects") == []
    assert "no project" in ben("projects")[1]
    assert ben("leave-project genome")[0] == 1


@pytest.mark.scenario("P2")
def test_joining_by_a_code_that_is_on_no_command_line(
    ben: Terminal, real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, code = real.loop.run(_made(real))
    address = f"https://hub.example.org/services/vmshare/projects#join={code}"
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{address}\n"))
    told = ben.json("join-project")
    assert (told["project_id"], told["state"]) == (project, "waiting")
    assert "asked to join" in ben("projects")[1]
    assert ben("project-members genome")[0] == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("not-a-code\n"))
    code_, _, err = ben("join-project")
    assert code_ == 1
    assert "not valid" in err
    assert ben("withdraw-from-project genome")[0] == 0
    assert ben.json("projects") == []


def test_a_notebook_shows_them(real: Real) -> None:
    vm = real.notebook("ben")
    vm.client.request_project("genome <b>", "Reads")
    found = vm.projects
    assert isinstance(found, Projects)
    assert found.named("genome <b>").state.value == "requested"
    assert "<b>" not in found._repr_html_()
    vm.close()


async def _made(real: Real) -> tuple[str, str]:
    db = real.service.service.db
    async with db.write() as tx:
        maker = Person("ana", organizer=True)
        project = await life.create(tx, maker, Wanted("genome"), ["ana"])
        asker = Asker("ana", on_pages=True)
        _, code = await links.make(tx, asker, project, note="", uses=5, ends_at=None)
    return project, code
