"""Sessions that died without the hub saying so, and those that only seem to have."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import Node, await_, leave, say
from tests.mounts.agent.wanted import folder, session

pytestmark = [pytest.mark.mounts, pytest.mark.scenario("M6")]
LOOK = 0.2


def started(node: Node, *, door: bool = False) -> tuple[str, subprocess.Popen[bytes]]:
    """A session that runs, and that the agent has seen running."""
    name = new_id("ses")
    view = node.ask("session", session=session(name, folder(node.folder())))["view"]
    running = node.session(view, door=door)
    state = node.run / "state.json"
    await_(lambda: {"id": name, "used": True} in used(state.read_text()))
    return name, running


def used(state: str) -> list[dict[str, object]]:
    return [
        {"id": held["wanted"]["id"], "used": held["used"]} for held in json.loads(state)["sessions"]
    ]


def there(node: Node) -> set[str]:
    return {one["session"] for one in node.ask("report")["sessions"]}


@pytest.mark.parametrize("door", [False, True], ids=["by a view", "by a door"])
def test_a_session_that_died_is_ended_and_told_and_others_stay(door: bool, node: Node) -> None:
    node.start(f"--look-every={LOOK}")
    lives, _ = started(node, door=door)
    dies, running = started(node, door=door)
    waits = new_id("ses")
    node.ask("session", session=session(waits))
    with node.connected() as connection:
        leave(running)
        event = json.loads(connection.makefile("rb").readline())
    assert event == {"event": "lost", "session": dies}
    time.sleep(5 * LOOK)
    # One that nobody has used yet waits for its server to start.
    assert there(node) == {lives, waits}
    assert not node.seen(f"{node.run}/views/{dies}").exists()


def test_a_process_that_outlived_its_session_keeps_it(node: Node) -> None:
    node.start(f"--look-every={LOOK}")
    lives, running = started(node)
    say(running, "setsid -f unshare -m sleep 300 </dev/null >/dev/null 2>&1")
    # bubblewrap itself is gone; what is left is in a namespace that was made from the session's.
    leave(running)
    await_(lambda: node.pids("sleep", "300"))
    time.sleep(6 * LOOK)
    assert there(node) == {lives}
    node.send(node.pids("sleep", "300"))
    await_(lambda: there(node) == set())


def test_a_new_agent_knows_which_sessions_were_in_use(node: Node) -> None:
    node.start(f"--look-every={LOOK}")
    lives, _ = started(node)
    _, running = started(node)
    node.kill_agent()
    leave(running)
    node.start(f"--look-every={LOOK}")
    await_(lambda: there(node) == {lives})


def test_a_session_that_is_mounted_again_is_still_in_use(node: Node) -> None:
    node.start(f"--look-every={LOOK}")
    lives, _ = started(node)
    for _ in range(3):
        node.kill_guard()
        time.sleep(2 * LOOK)
    assert there(node) == {lives}
