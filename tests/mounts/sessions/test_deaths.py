"""Guard, agent, service and hub die under running sessions: kernels live on, rights stay right."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually, running_with_mounts
from tests.fixtures.world import SmallWorld

pytestmark = [pytest.mark.mounts, pytest.mark.journey, pytest.mark.browser_all]

RESTARTS = """
# An operator who restarts the hub leaves people's sessions alone.
c.JupyterHub.cleanup_servers = False
"""


@pytest.fixture(scope="module")
def hub(small_world: SmallWorld) -> Iterator[MountedHub]:
    """ben has one folder of ana's at View, one at Edit, and a kernel with a value in it."""
    with running_with_mounts(small_world, RESTARTS) as made:
        for name, level in (("seen", "view"), ("written", "edit")):
            folder = made.folder("ana", name, notes_txt=b"from ana\n")
            made.share(folder, "ana", "ben", level)
        eventually(lambda: made.listed("ben"), lambda names: names == ["seen", "written"])
        made.kernel("ben").say("alive = 'since before'; count = 0")
        yield made


WRITE = """
with open(os.environ['HOME'] + f'/shared/written/kept-{count + 1}.txt', 'w') as f:
    f.write('kept'); f.flush(); os.fsync(f.fileno())
count += 1
"""


def writes_as_it_may(hub: MountedHub) -> None:
    """Paths work, and each at its own level."""
    ben = hub.kernel("ben")
    assert ben.say("print(alive)") == "since before"
    eventually(lambda: ben.run(f"import os\n{WRITE}"), lambda told: not told.error)
    seen = "os.environ['HOME'] + '/shared/seen/notes.txt'"
    assert ben.say(f"print(open({seen}).read())") == "from ana"
    assert "Read-only" in ben.run(f"open({seen}, 'a')").because
    # What was on the disk, for all that the program knew, is in the store.
    kept = {path.name for path in hub.store.rglob("kept-*.txt")}
    assert kept >= {f"kept-{n}.txt" for n in range(1, int(ben.say("print(count)")) + 1)}


def kill_guard(hub: MountedHub) -> None:
    pid = hub.agent.guard_pid()
    os.kill(pid, signal.SIGKILL)
    eventually(hub.agent.guard_pid, lambda now: now != pid)


def kill_agent(hub: MountedHub) -> None:
    hub.agent.kill()
    hub.agent.start()


def kill_both(hub: MountedHub) -> None:
    pid = hub.agent.guard_pid()
    hub.agent.kill()
    os.kill(pid, signal.SIGKILL)
    hub.agent.start()


def kill_service(hub: MountedHub) -> None:
    pid = int(hub.hub.process.api("GET", "services/vmshare")["pid"])
    os.kill(pid, signal.SIGKILL)

    def is_back() -> bool:
        there = hub.hub.process.api("GET", "services/vmshare")["pid"]
        health = hub.hub.process.client.get("/services/vmshare/health").status_code
        return there != pid and health == 200

    # The hub looks after its services every 30 s.
    eventually(is_back, within=120)


DEATHS = [
    pytest.param(kill_guard, id="the guard"),
    pytest.param(kill_agent, id="the agent"),
    pytest.param(kill_both, id="agent and guard"),
    pytest.param(kill_service, id="the service"),
]


@pytest.mark.scenario("M6")
@pytest.mark.parametrize("kill", DEATHS)
def test_when_it_is_killed(hub: MountedHub, kill: Callable[[MountedHub], None]) -> None:
    writes_as_it_may(hub)
    kill(hub)
    writes_as_it_may(hub)
    # What happens afterwards arrives too.
    folder = hub.folder("ana", f"after-{kill.__name__}")
    hub.share(folder, "ana", "ben", "view")
    eventually(lambda: hub.listed("ben"), lambda names: f"after-{kill.__name__}" in names)


def sessions_on_the_node(hub: MountedHub) -> int:
    return len(hub.agent.ask({"do": "report"})["sessions"])


@pytest.mark.scenario("M6")
def test_a_hub_that_restarts_leaves_running_sessions_their_mounts(hub: MountedHub) -> None:
    hub.kernel("dan")
    hub.kernel("cleo")
    eventually(lambda: sessions_on_the_node(hub), lambda count: count == 3)
    hub.hub.process.end_hub()
    hub.kernels.pop("dan").close()
    end_server_of(hub, "vmshare-dan")
    hub.hub.process.start_again()
    ben = hub.kernel("ben")
    ben.reconnect()
    writes_as_it_may(hub)
    # dan's server ended while the hub was away: his session is over.
    eventually(lambda: sessions_on_the_node(hub), lambda count: count == 2)
    with hub.person("dan") as dan:
        assert dan.get("/sessions").json()["items"] == []
    # The new hub stops what the old one started.
    hub.stop_session("cleo")
    eventually(lambda: sessions_on_the_node(hub), lambda count: count == 1)
    folder = hub.folder("ana", "after-the-hub")
    hub.share(folder, "ana", "ben", "view")
    eventually(lambda: hub.listed("ben"), lambda names: "after-the-hub" in names)


def end_server_of(hub: MountedHub, account: str) -> None:
    """The whole session of an account dies at once, and nothing of it is left."""
    uid = pwd.getpwnam(account).pw_uid
    where = str(hub.hub.process.where).encode()
    killed: list[Path] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid and where in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(process)
        except OSError:
            continue
    # A hub takes a process that nobody has waited for yet for one that runs, and some machines'
    # first process takes seconds to do so.
    eventually(lambda: [process for process in killed if process.exists()], lambda left: not left)
