"""What the agent does with each order, beside a guard that only plays one."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN, SERVICE, Node
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts


def test_a_session_is_mounted_with_its_folders_and_ends_without_a_trace(node: Node) -> None:
    node.start()
    name, one = new_id("ses"), node.folder()
    answer = node.ask("session", session=session(name, folder(one)))
    assert states(answer) == {one: "mounted"}
    assert node.mounted() == [f"{answer['view']}/m"]
    assert node.orders() == [f"session {name}  1", f"folder {name} {one} 1"]
    assert node.ask("end", session=name)["ended"] == [name]
    assert node.mounted() == []
    assert not node.seen(answer["view"]).exists()
    assert node.ask("report")["sessions"] == []
    assert node.ask("end", session=name)["ended"] == []


def test_a_list_said_again_is_no_order_to_the_guard(node: Node) -> None:
    node.start()
    wanted = session(new_id("ses"), folder(node.folder()))
    node.ask("session", session=wanted)
    told = node.orders()
    answer = node.ask("session", session=wanted)
    assert set(states(answer).values()) == {"mounted"}
    assert node.orders() == told


def test_what_is_taken_away_is_told_with_its_counters_and_comes_first(node: Node) -> None:
    node.start()
    name, gone, lower, new = new_id("ses"), node.folder(), node.folder(), node.folder()
    first = session(name, folder(gone, name="a"), folder(lower, name="b", level="edit_delete"))
    node.ask("session", session=first)
    told = len(node.orders())
    grant = first["folders"][1]["grant"]
    second = session(
        name,
        folder(new, name="a"),
        folder(lower, name="b", level="view", grant=grant),
        version=2,
    )
    answer = node.ask("session", session=second)
    assert states(answer) == {new: "mounted", lower: "mounted"}
    counters = {"known": 12, "open": 3, "writable": 1, "took": 0.004}
    assert answer["cut"] == [
        {"folder": gone, "was": "edit", "now": None, **counters},
        {"folder": lower, "was": "edit_delete", "now": "view", **counters},
    ]
    assert [line.split()[0] for line in node.orders()[told:]] == ["remove", "folder", "folder"]
    assert node.orders()[told + 1].split()[2] == lower


def test_folders_can_exchange_their_names(node: Node) -> None:
    node.start()
    name = new_id("ses")
    one, two = folder(node.folder(), name="one"), folder(node.folder(), name="two")
    node.ask("session", session=session(name, one, two))
    swapped = session(name, one | {"name": "two"}, two | {"name": "one"}, version=2)
    assert set(states(node.ask("session", session=swapped)).values()) == {"mounted"}
    assert not any("remove" in line for line in node.orders())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"version": 4}, "stale", id="an older list"),
        pytest.param({"person": "eve"}, "malformed", id="another person's list"),
        pytest.param({"uid": SERVICE}, "malformed", id="another account's list"),
    ],
)
def test_a_list_that_does_not_fit_changes_nothing(
    changes: dict[str, Any], code: str, node: Node
) -> None:
    node.start()
    name = new_id("ses")
    node.ask("session", session=session(name, folder(node.folder()), version=5))
    before = node.ask("report"), node.orders()
    answer = node.ask("session", session=session(name, **{"version": 6} | changes))
    assert (answer["ok"], answer["code"]) == (False, code)
    assert (node.ask("report"), node.orders()) == before


def test_an_ended_session_never_comes_back(node: Node) -> None:
    node.start()
    name = new_id("ses")
    wanted = session(name, folder(node.folder()))
    node.ask("session", session=wanted)
    node.ask("end", session=name)
    assert node.ask("session", session=wanted | {"version": 9})["code"] == "ended"
    node.kill_agent()
    node.start()
    assert node.ask("session", session=wanted | {"version": 9})["code"] == "ended"
    assert node.mounted() == []


def test_keep_ends_whatever_it_does_not_name(node: Node) -> None:
    node.start()
    names = sorted(new_id("ses") for _ in range(3))
    for name in names:
        node.ask("session", session=session(name))
    stays = names[1]
    assert node.ask("keep", sessions=[stays, new_id("ses")])["ended"] == [names[0], names[2]]
    assert [one["session"] for one in node.ask("report")["sessions"]] == [stays]
    assert node.mounted() == [f"{node.run}/views/{stays}/m"]


@pytest.mark.parametrize(("flags", "ok"), [((), False), (("--allow-root-sessions",), True)])
def test_a_session_of_root_needs_the_operators_word(
    flags: tuple[str, ...], ok: bool, node: Node
) -> None:
    node.start(*flags)
    answer = node.ask("session", session=session(new_id("ses"), uid=0, gid=0))
    assert answer["ok"] is ok
    assert ok or answer["code"] == "root-session"
    assert bool(node.mounted()) is ok


def put_link(node: Node, name: str, *, shard: bool = False, home: bool = False) -> None:
    """Let a part of the way to a folder's files be a link to the same place."""
    tree = node.store / name[-2:] / name / "files"
    part = tree.parent.parent if shard else tree.parent if home else tree
    part.rename(node.where / "moved")
    part.symlink_to(node.where / "moved")


@pytest.mark.scenario("M5")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda node, name: put_link(node, name), id="its files are a link"),
        pytest.param(lambda node, name: put_link(node, name, home=True), id="it is a link"),
        pytest.param(lambda node, name: put_link(node, name, shard=True), id="its shard is a link"),
        pytest.param(
            lambda node, name: os.chown(node.store / name[-2:] / name / "files", BEN, BEN),
            id="its files are somebody else's",
        ),
        pytest.param(
            lambda node, name: (node.store / name[-2:]).rename(node.where / "gone"),
            id="it is not there",
        ),
    ],
)
def test_a_folder_that_is_none_of_the_store_fails_by_itself(spoil: Any, node: Node) -> None:
    node.start()
    bad, good = node.folder(), node.folder()
    while bad[-2:] == good[-2:]:
        good = node.folder()
    spoil(node, bad)
    folders = folder(bad, name="bad"), folder(good, name="good")
    answer = node.ask("session", session=session(new_id("ses"), *folders))
    assert states(answer) == {bad: "failed", good: "mounted"}
    assert answer["folders"][0]["level"] is None
    assert not any(bad in line for line in node.orders())


def test_a_level_that_can_t_be_lowered_is_taken_away(node: Node) -> None:
    node.start()
    name, one = new_id("ses"), node.folder()
    wanted = folder(one)
    node.ask("session", session=session(name, wanted))
    (node.state / "refuse-folder").touch()
    lowered = session(name, wanted | {"level": "view"}, version=2)
    answer = node.ask("session", session=lowered)
    assert states(answer) == {one: "failed"}
    assert [(cut["was"], cut["now"]) for cut in answer["cut"]] == [("edit", None)]
    assert node.orders()[-1] == f"remove {name} {one} 0"
    (node.state / "refuse-folder").unlink()
    assert states(node.ask("session", session=lowered)) == {one: "mounted"}


def test_a_folder_that_can_t_be_removed_takes_the_whole_mount_with_it(node: Node) -> None:
    node.start()
    name, one, two = new_id("ses"), node.folder(), node.folder()
    stays = folder(two, name="two")
    node.ask("session", session=session(name, folder(one), stays))
    (node.state / "refuse-remove").touch()
    answer = node.ask("session", session=session(name, stays, version=2))
    assert states(answer) == {two: "mounted"}
    assert [line.split()[0] for line in node.orders()[-4:]] == [
        "remove", "drop", "session", "folder",
    ]  # fmt: skip
