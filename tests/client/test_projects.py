"""Projects at the terminal and in a notebook, through the product's own service."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from jupyter_vmshare.widgets.projects import Projects
from jupyterhub_vmshare.db.projects import owner_of
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects import folders, life, links, members
from jupyterhub_vmshare.projects.life import Wanted
from jupyterhub_vmshare.projects.standing import Asker, locked
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


@pytest.mark.scenario("P5")
def test_a_projects_folders_at_the_terminal_and_in_a_notebook(ben: Terminal, real: Real) -> None:
    real.loop.run(_reef(real))
    told = ben("project-folders reef")[1]
    assert "reads" in told
    assert "Edit" in told
    assert "after you accept" in told
    (folder,) = ben.json("project-folders reef")
    assert (folder["owner"], folder["level"]) == ("reef", "edit")
    assert ben("project-folders atoll")[0] == 1
    assert ben("accept reads")[0] == 0
    assert "after you accept" not in ben("project-folders reef")[1]
    vm = real.notebook("ben")
    (seen,) = vm.project_folders("reef")
    assert "mount_read_write" in seen.actions
    people = vm.folders["reads"].people.people._repr_html_()
    assert "View from ana as a member of the project reef, which an administrator set to Edit" in (
        people
    )
    vm.close()


async def _reef(real: Real) -> None:
    """ana's project with ben in it, and a folder that he has at a level of his own."""
    service = real.service.service
    lead = Asker("ana", on_pages=True)
    async with service.db.write() as tx:
        made = await life.create(tx, Person("ana", organizer=True), Wanted("reef"), ["ana"])
        await members.join(tx, await locked(tx, made), "ben", None, "ana")
    async with service.folders.tree_made(owner_of(made)) as tree, service.db.write() as tx:
        await folders.create(tx, lead, made, tree.folder_id, "reads", "view")
        await folders.set_level(tx, lead, tree.folder_id, "ben", "edit")
