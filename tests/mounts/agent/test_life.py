"""How an agent begins and ends, and what outlives it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN, SERVICE, Node, await_
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts


def test_the_last_orders_are_roots_alone(node: Node) -> None:
    node.start()
    node.ask("session", session=session(new_id("ses"), folder(node.folder())))
    found = (node.run / "state.json").stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o600, 0)


@pytest.mark.scenario("F12")
def test_an_end_date_that_passes_while_the_agent_is_down_is_not_given_back(node: Node) -> None:
    node.start()
    name, ends, stays = new_id("ses"), node.folder(), node.folder()
    until = time.time() + 1.0
    node.ask(
        "session",
        session=session(name, folder(ends, name="a", until=until), folder(stays, name="b")),
    )
    node.kill_agent()
    node.kill_guard()
    time.sleep(max(0.0, until - time.time()) + 0.1)
    before = len(node.orders())
    node.start()
    await_(lambda: [line for line in node.orders()[before:] if stays in line])
    assert not any(ends in line for line in node.orders()[before:])
    answer = node.ask("report")["sessions"][0] | {"ok": True}
    assert states(answer) == {ends: "ended", stays: "mounted"}


@pytest.mark.scenario("F12")
def test_what_is_over_stays_over_when_the_same_list_is_said_again(node: Node) -> None:
    node.start()
    one = node.folder()
    wanted = session(new_id("ses"), folder(one, until=time.time() - 5))
    assert states(node.ask("session", session=wanted)) == {one: "ended"}
    longer = dict(wanted["folders"][0], until=time.time() + 60)
    later = wanted | {"version": 2, "folders": [longer]}
    assert states(node.ask("session", session=later)) == {one: "mounted"}


@pytest.mark.scenario("F12")
def test_a_later_end_date_that_comes_at_the_last_moment_holds(node: Node) -> None:
    node.start()
    one = folder(node.folder(), until=time.time() + 30)
    wanted = session(new_id("ses"), one)
    node.ask("session", session=wanted)
    (node.state / "end-first").touch()
    later = wanted | {"version": 2, "folders": [one | {"until": one["until"] + 30}]}
    assert states(node.ask("session", session=later)) == {one["folder"]: "mounted"}
    (node.state / "end-first").unlink()
    node.kill_guard()
    await_(lambda: states(node.ask("session", session=later)) == {one["folder"]: "mounted"})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 99}', b"\xff"])
def test_a_state_that_can_t_be_read_is_put_aside(content: bytes, node: Node) -> None:
    node.start()
    node.ask("session", session=session(new_id("ses"), folder(node.folder())))
    node.kill_agent()
    (node.run / "state.json").write_bytes(content)
    node.start()
    # Nobody knows what the guard's sessions should have, so they have nothing until it is said.
    await_(lambda: node.mounted() == [])
    assert (node.run / "state.unreadable").read_bytes() == content


# Beginning and end


def test_a_second_agent_says_that_there_is_one(node: Node) -> None:
    node.start()
    command = node.inside(
        *(sys.executable, "-m", "jupyterhub_vmshare", "agent"),
        *(f"--run={node.run}", f"--store={node.store}"),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Another agent runs" in done.stderr
    assert node.hello()


@pytest.mark.scenario("M8")
def test_without_root_it_says_so(tmp_path: Path) -> None:
    code = (
        "import os; os.geteuid = lambda: 1000\n"
        "from jupyterhub_vmshare.commands import main; main(['agent'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "must be started as root" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.scenario("M8")
def test_what_a_node_lacks_is_said_and_found_once_it_is_there(node: Node) -> None:
    hidden = node.guard.rename(node.where / "hidden")
    store = node.store.rename(node.where / "elsewhere")
    node.start()
    hello = node.hello()
    assert hello is not None
    assert hello["can_mount"] is False
    assert [word for word in ("share-guard", "--store") if word in " ".join(hello["missing"])]
    assert node.ask("session", session=session(new_id("ses")))["code"] == "no-store"
    with node.connected() as connection:
        hidden.rename(node.guard)
        store.rename(node.store)
        told = json.loads(connection.makefile("rb").readline())
    assert told == {"event": "guard_restarted", "sessions": []}, "nobody has to ask again"
    assert (node.hello() or {})["guard"]
    assert node.ask("session", session=session(new_id("ses")))["ok"]


@pytest.mark.scenario("M8")
def test_the_status_says_what_is_there(node: Node) -> None:
    status = [sys.executable, "-m", "jupyterhub_vmshare", "agent", "status", f"--run={node.run}"]
    nobody = subprocess.run(status, capture_output=True, text=True, timeout=60)
    assert nobody.returncode == 1
    assert "No agent listens" in nobody.stderr
    node.start()
    one = node.folder()
    name = node.ask("session", session=session(new_id("ses"), folder(one)))["session"]
    await_(lambda: (node.hello() or {})["guard"])
    done = subprocess.run(status, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for words in ("can mount", f"process {node.guard_pids()[0]}", name, f"{one} mounted edit"):
        assert words in done.stdout
    node.guard.unlink()
    upgrading = subprocess.run(status, capture_output=True, text=True, timeout=60)
    assert upgrading.returncode == 0, "the guard that runs goes on"
    assert "missing: The program share-guard" in upgrading.stdout
    node.kill_guard()
    await_(lambda: (node.hello() or {"guard": 1})["guard"] is None)
    lacking = subprocess.run(status, capture_output=True, text=True, timeout=60)
    assert lacking.returncode == 1
    assert "share-guard was not found" in lacking.stdout


def test_a_run_directory_that_others_can_write_is_refused(node: Node) -> None:
    node.run.mkdir()
    node.run.chmod(0o777)
    node.start(wait=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 1
    assert "nobody else can write" in node.log()


def test_an_upgrade_of_the_agent_blinks_nothing(node: Node) -> None:
    node.start()
    name, one = new_id("ses"), node.folder()
    node.ask("session", session=session(name, folder(one, until=time.time() + 999.25)))
    told, guard, mounts = node.orders(), node.guard_pids(), mounts_of(node)
    node.kill_agent(signal.SIGTERM)
    assert node.mounted() == [f"{node.run}/views/{name}/m"]
    node.start()
    # It says which guard there is a moment before it has compared what that serves.
    await_(lambda: states(node.ask("report")["sessions"][0] | {"ok": True}) == {one: "mounted"})
    assert node.orders() == [*told, "report   0"]
    assert node.guard_pids() == guard
    assert mounts_of(node) == mounts


def mounts_of(node: Node) -> list[str]:
    """Its own: other tests may mount elsewhere on the machine meanwhile."""
    return [line for line in node.mountinfo() if str(node.run) in line]


@pytest.mark.parametrize(
    ("flags", "number"),
    [
        pytest.param((), signal.SIGINT, id="by Ctrl-C"),
        pytest.param(("--end-guard",), signal.SIGTERM, id="by --end-guard"),
    ],
)
def test_ended_for_good_it_leaves_nothing(
    flags: tuple[str, ...], number: signal.Signals, node: Node
) -> None:
    node.start(*flags)
    node.ask("session", session=session(new_id("ses"), folder(node.folder())))
    node.kill_agent(number)
    assert await_(lambda: not node.guard_pids())
    assert mounts_of(node) == []
    assert json.loads((node.run / "state.json").read_text())["sessions"] == []


@pytest.mark.scenario("M5")
def test_only_its_own_account_can_go_through_a_view(node: Node) -> None:
    node.start()
    view = node.ask("session", session=session(new_id("ses")))["view"]
    for uid, ok in ((BEN, True), (BEN + 1, False), (SERVICE, False)):
        # test -d looks at the view's entry `.`, not into the mount, which nobody answers for.
        command = ["setpriv", f"--reuid={uid}", "--regid=60000", "--clear-groups"]
        done = subprocess.run(node.inside(*command, "sh", "-c", f"cd {view}"), timeout=20)
        assert (done.returncode == 0) is ok, uid


def test_a_socket_path_that_is_too_long_is_said(node: Node) -> None:
    node.run = node.where / ("r" * 100)
    node.start(wait=False)
    assert node.agent is not None
    assert node.agent.wait(60) == 1
    assert "shorter --run" in node.log()


def test_the_agent_imports_neither_database_nor_web_server() -> None:
    mine = {"jupyterhub_vmshare", "traitlets", "__main__"}
    assert imported("jupyterhub_vmshare.commands.agent") <= mine | imported("sys")


def imported(module: str) -> set[str]:
    """What Python has imported after that, besides its standard library."""
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split()) - set(sys.stdlib_module_names)


def test_a_socket_of_a_dead_agent_is_in_nobodys_way(node: Node) -> None:
    node.run.mkdir(0o711)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(node.run / "agent.sock"))
    left.close()
    node.start()
    assert node.hello()
