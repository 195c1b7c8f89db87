"""What is taken away is gone, whatever the node lacks at that moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import Node, await_
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts


def two_folders(node: Node) -> tuple[dict[str, object], str, str]:
    """A session with two folders, the list that has the second one alone, and both ids."""
    name, first, second = new_id("ses"), node.folder(), node.folder()
    both = session(name, folder(first, name="a"), folder(second, name="b"))
    assert node.ask("session", session=both)["ok"]
    return both | {"version": 2, "folders": both["folders"][1:]}, first, second


def disk_is_full(node: Node) -> None:
    # Root fills no disk by its modes: a directory in the draft's place can't be written either.
    (node.run / "state.new").mkdir()


def guard_is_being_upgraded(node: Node) -> Path:
    return node.guard.rename(node.where / "away")


def store_is_away(node: Node) -> Path:
    return node.store.rename(node.where / "elsewhere")


@pytest.mark.scenario("M4")
@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(disk_is_full, id="the run directory's disk is full"),
        pytest.param(guard_is_being_upgraded, id="the guard's program is not there"),
        pytest.param(store_is_away, id="the store is not there"),
    ],
)
def test_a_revoke_holds_although(happens: Callable[[Node], object], node: Node) -> None:
    node.start()
    later, first, second = two_folders(node)
    happens(node)
    hello = node.hello()
    assert hello is not None and hello["can_mount"], "or the service would not even ask"
    answer = node.ask("session", session=later)
    assert states(answer) == {second: "mounted"}
    assert [cut["folder"] for cut in answer["cut"]] == [first]
    assert any(line.startswith("remove") and first in line for line in node.orders())


@pytest.mark.scenario("M4")
def test_a_session_ends_although_nothing_can_be_written_down(node: Node) -> None:
    node.start()
    later, _, _ = two_folders(node)
    disk_is_full(node)
    assert node.ask("end", session=later["id"])["ended"] == [later["id"]]
    assert node.mounted() == []


@pytest.mark.scenario("M6")
def test_what_could_not_be_written_down_is_not_given_back(node: Node) -> None:
    node.start()
    later, first, _ = two_folders(node)
    disk_is_full(node)
    node.ask("session", session=later)
    node.kill_agent()
    (node.run / "state.new").rmdir()
    told = len(node.orders())
    node.start()
    await_(lambda: node.mounted() == [])  # nothing, until the service says everything again
    assert node.ask("session", session=later)["ok"]
    assert not [
        line for line in node.orders()[told:] if line.startswith("folder") and first in line
    ]


@pytest.mark.scenario("M6")
def test_a_revoke_while_there_can_be_no_guard_holds_for_the_next_one(node: Node) -> None:
    node.start()
    later, first, second = two_folders(node)
    away = guard_is_being_upgraded(node)
    node.kill_guard()
    await_(lambda: (node.hello() or {"guard": 1})["guard"] is None)
    assert node.ask("session", session=later)["code"] == "no-guard"
    told = len(node.orders())
    away.rename(node.guard)
    await_(lambda: [line for line in node.orders()[told:] if second in line])
    assert not [line for line in node.orders()[told:] if first in line]
