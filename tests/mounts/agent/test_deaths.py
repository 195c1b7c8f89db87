"""Guard and agent die, hang, and misbehave: sessions get their mounts back, and never too much."""

from __future__ import annotations

import json
import time
from datetime import datetime
from functools import partial

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import Node, await_, say
from tests.mounts.agent.wanted import folder, session, states

pytestmark = [pytest.mark.mounts, pytest.mark.scenario("M6")]


def settled(node: Node, count: int) -> bool:
    """Whether every session has one mount, and all its folders."""
    sessions = node.ask("report")["sessions"]
    found = [state for one in sessions for state in states(one | {"ok": True}).values()]
    return len(node.mounted()) == len(sessions) == count and set(found) == {"mounted"}


def filled(node: Node, count: int = 3) -> list[str]:
    """Sessions with a folder each."""
    names = sorted(new_id("ses") for _ in range(count))
    for name in names:
        node.ask("session", session=session(name, folder(node.folder())))
    return names


def test_a_killed_guard_is_replaced_and_every_session_mounted_again(node: Node) -> None:
    node.start()
    names = filled(node)
    before = node.guard_pids()
    with node.connected() as connection:
        node.kill_guard()
        event = json.loads(connection.makefile("rb").readline())
    assert event == {"event": "guard_restarted", "sessions": names}
    assert settled(node, 3)
    assert node.guard_pids() != before
    assert sorted(node.mounted()) == [f"{node.run}/views/{name}/m" for name in names]


def test_what_was_taken_away_is_not_given_back_by_a_new_guard(node: Node) -> None:
    node.start()
    name, gone, lower = new_id("ses"), node.folder(), folder(node.folder(), name="b")
    node.ask("session", session=session(name, folder(gone), lower))
    lowered = session(name, lower | {"level": "view"}, version=2)
    node.ask("session", session=lowered)
    told = len(node.orders())
    node.kill_guard()
    await_(lambda: len(node.orders()) > told and settled(node, 1))
    assert [line.split()[0] for line in node.orders()[told:]] == ["session", "folder"]
    assert [one["level"] for one in node.ask("report")["sessions"][0]["folders"]] == ["view"]


def test_a_killed_agent_leaves_the_mounts_and_a_new_one_finds_them(node: Node) -> None:
    node.start()
    filled(node)
    before, guard = node.mounted(), node.guard_pids()
    node.kill_agent()
    assert node.mounted() == before
    node.start()
    await_(lambda: settled(node, 3))
    assert (node.mounted(), node.guard_pids()) == (before, guard)


def test_both_killed_a_new_agent_brings_everything_back(node: Node) -> None:
    node.start()
    filled(node)
    node.kill_agent()
    node.kill_guard()
    node.start()
    await_(lambda: settled(node, 3))
    assert len(node.guard_pids()) == 1


def test_a_guard_of_another_version_is_replaced(node: Node) -> None:
    node.start()
    filled(node)
    before = node.guard_pids()
    node.kill_agent()
    (node.state / "short-report").touch()
    node.start()
    await_(lambda: node.guard_pids() not in ([], before))
    await_(lambda: settled(node, 3))
    assert len(node.guard_pids()) == 1
    assert "can't read" in node.log()


def test_what_was_ended_while_there_was_no_agent_is_ended_by_the_next(node: Node) -> None:
    node.start()
    stays, goes = filled(node, 2)
    node.kill_agent()
    state = node.run / "state.json"
    told = json.loads(state.read_text())
    told["sessions"] = [one for one in told["sessions"] if one["wanted"]["id"] == stays]
    state.write_text(json.dumps(told))
    node.start()
    await_(lambda: settled(node, 1))
    assert node.mounted() == [f"{node.run}/views/{stays}/m"]
    await_(lambda: not node.seen(f"{node.run}/views/{goes}").exists())
    # Taking the mount away does not cut files that are open; only the guard does.
    assert f"drop {goes}  0" in node.orders()


@pytest.mark.parametrize("door", [False, True], ids=["by a view", "by a door"])
def test_a_running_session_gets_every_mount_again_and_keeps_no_old_one(
    door: bool, node: Node
) -> None:
    node.start()
    name = new_id("ses")
    wanted = session(name, folder(node.folder()))
    view = node.ask("session", session=wanted)["view"]
    running = node.session(view, door=door)
    place = "/mnt" if door else "/mnt/m"

    def devices() -> list[str]:
        lines = say(running, "cat /proc/self/mountinfo").splitlines()
        fuse = [line.split() for line in lines if " fuse.share-guard " in line]
        return [words[2] for words in fuse if words[4] == place]

    def current() -> list[str]:
        return [line.split()[2] for line in node.mountinfo() if line.split()[4] == f"{view}/m"]

    def mounted_again(times: int) -> bool:
        told = [line for line in node.orders() if line.startswith("session")]
        return len(told) == times and settled(node, 1)

    for times in (2, 3, 4):
        node.kill_guard()
        await_(partial(mounted_again, times))
        assert devices() == current()
    node.kill_agent()
    node.start()
    node.kill_guard()
    await_(partial(mounted_again, 5))
    assert devices() == current()
    node.ask("end", session=name)
    assert devices() == []


def test_a_guard_that_hangs_is_replaced(node: Node) -> None:
    node.start("--patience=1")
    filled(node, 1)
    before = node.guard_pids()
    fault = node.state / "hang-folder"
    fault.touch()
    name = new_id("ses")
    with node.connected() as connection:
        order = {"order": 1, "do": "session", "session": session(name, folder(node.folder()))}
        connection.sendall(json.dumps(order).encode() + b"\n")
        await_(lambda: node.guard_pids() not in ([], before))
        fault.unlink()
        lines = map(json.loads, connection.makefile("rb"))
        answer = next(line for line in lines if line.get("order") == 1)
    assert set(states(answer).values()) == {"mounted"}
    await_(lambda: settled(node, 2))
    assert len(node.guard_pids()) == 1


def test_a_guard_that_can_t_drop_a_session_is_replaced(node: Node) -> None:
    node.start()
    stays, goes = filled(node, 2)
    before = node.guard_pids()
    (node.state / "refuse-drop").touch()
    assert node.ask("end", session=goes)["ended"] == [goes]
    await_(lambda: node.guard_pids() not in ([], before))
    await_(lambda: settled(node, 1))
    assert node.mounted() == [f"{node.run}/views/{stays}/m"]


def test_a_guard_that_dies_at_once_is_tried_more_and_more_rarely(node: Node) -> None:
    (node.state / "dies").touch()
    node.start()
    await_(lambda: node.log().count("does not start") >= 6)
    assert node.hello()
    lines = [line for line in node.log().splitlines() if "does not start" in line]
    moments = [datetime.fromisoformat(line[:23].replace(",", ".")) for line in lines]
    assert moments[5] - moments[4] > moments[4] - moments[3] > moments[1] - moments[0]
    (node.state / "dies").unlink()
    assert node.ask("session", session=session(new_id("ses"), folder(node.folder())))["ok"]


def test_guard_and_agent_die_again_and_again_under_orders(node: Node) -> None:
    node.start()
    names = filled(node)
    folders = {name: folder(node.folder()) for name in names}
    until = time.monotonic() + 4
    version = 1
    while time.monotonic() < until:
        version += 1
        for name in names:
            level = ("view", "edit")[version % 2]
            wanted = session(name, folders[name] | {"level": level}, version=version)
            assert states(node.ask("session", session=wanted)) == {
                folders[name]["folder"]: "mounted"
            }
        if version % 3 == 0:
            node.kill_guard()
        if version % 5 == 0:
            node.kill_agent()
            node.start()
    await_(lambda: settled(node, 3))
    assert len(node.guard_pids()) == 1
    found = {one["session"]: one["folders"][0]["level"] for one in node.ask("report")["sessions"]}
    assert set(found.values()) == {("view", "edit")[version % 2]}


def test_two_hundred_cycles_leak_nothing(node: Node) -> None:
    node.start()
    one = node.folder()

    def cycle() -> None:
        name = new_id("ses")
        node.ask("session", session=session(name, folder(one)))
        node.ask("end", session=name)

    node.leaks_nothing(cycle)
