"""Agent and guard together: what programs in running sessions see."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN, PATIENCE, Node, await_, say
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts
DAN: Final = BEN + 1

WRITER: Final = """
import errno, os, sys, time
path, told = sys.argv[1:]
number, file, last, worst, errors = 0, None, time.monotonic(), 0.0, set()

def tell():
    with open(told + ".new", "w") as out:
        out.write(f"{number} {worst:.3f} {' '.join(sorted(errors))}\\n")
    os.rename(told + ".new", told)

tell()
while not os.path.exists(told + ".stop"):
    try:
        if file is None:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, b"%d\\n" % number)
        os.fsync(file)
    except OSError as error:
        met = errno.errorcode[error.errno]
        if met not in errors:
            errors.add(met)
            tell()
        if file is not None:
            try:
                os.close(file)
            except OSError:
                pass
        file = None
        time.sleep(0.005)
        continue
    number += 1
    worst, last = max(worst, time.monotonic() - last), time.monotonic()
    tell()
"""


class Writer:
    """A program in a session that appends numbers, each of them synced."""

    def __init__(self, node: Node, view: str, uid: int, path: str) -> None:
        self.node = node
        self.shell = node.session(view)
        self.told = node.where / f"of-{uid}" / "told"
        self.told.parent.mkdir()
        self.told.touch()
        os.chown(self.told.parent, uid, uid)
        who = f"setpriv --reuid={uid} --regid={uid} --clear-groups"
        # No file that the next one writes again while this one is about to read it.
        command = f"{who} {sys.executable} -c {shlex.quote(WRITER)} {path} {self.told}"
        say(self.shell, f"{command} </dev/null >{self.told}.log 2>&1 &")

    def count(self) -> int:
        return int((self.told.read_text() or "0").split()[0])

    def beyond(self, number: int = 0) -> int:
        """How many numbers it has synced, once that is more than so many."""
        return int(await_(lambda: self.count() > number and self.count(), story=self._story))

    def _story(self) -> str:
        """What it met, and where it and the guard stand."""
        log = Path(f"{self.told}.log")
        pids = [*self.node.pids(str(self.told)), *self.node.guard_pids()]
        told = [self.told.read_text(), log.read_text(), *map(self.node.standing, pids)]
        return "\n".join((str(self.told), *told, self.node.log()))

    def worst(self) -> float:
        """The longest time between two numbers."""
        return float((self.told.read_text() or "0 0").split()[1])

    def errors(self) -> set[str]:
        return set(self.told.read_text().split()[2:])

    def stop(self) -> int:
        """End the program; how many numbers it has synced."""
        Path(f"{self.told}.stop").touch()
        say(self.shell, "wait")
        return self.count()


def numbers(node: Node, name: str, file: str) -> set[int]:
    """What arrived in the store."""
    found = node.store / name[-2:] / name / "files" / file
    return {int(line) for line in found.read_text().split()}


@pytest.mark.scenario("M1")
@pytest.mark.parametrize(
    ("door", "uid"),
    [
        pytest.param(False, None, id="a session that root started"),
        pytest.param(False, BEN, id="a session in a user namespace"),
        pytest.param(True, BEN, id="a session in a user namespace, by a door"),
    ],
)
def test_folders_come_and_go_in_a_running_session(
    door: bool, uid: int | None, real_node: Node
) -> None:
    node = real_node
    node.start()
    name, one = new_id("ses"), folder(node.folder())
    # By a door: the session starts before anything is mounted.
    view = node.ask("session", session=session(name))["view"]
    running = node.session(view, door=door, uid=uid)
    top = "/mnt" if door else "/mnt/m"
    if door:
        node.kill_guard()
        await_(lambda: "/mnt" in say(running, "grep share-guard /proc/self/mountinfo"))
    assert "tests" not in say(running, f"ls {top}")
    node.ask("session", session=session(name, one, version=2))
    assert say(running, f"cat {top}/tests/hello.txt") == "hello"
    node.kill_guard()
    await_(lambda: say(running, f"cat {top}/tests/hello.txt") == "hello")
    answer = node.ask("session", session=session(name, version=3))
    assert [cut["folder"] for cut in answer["cut"]] == [one["folder"]]
    assert "No such file" in say(running, f"cat {top}/tests/hello.txt")
    node.ask("end", session=name)
    assert "share-guard" not in say(running, f"grep ' {top} ' /proc/self/mountinfo")


KILLS: Final = {
    "the guard": lambda node: node.kill_guard(),
    "the agent": lambda node: (node.kill_agent(), node.start()),
    "both": lambda node: (node.kill_agent(), node.kill_guard(), node.start()),
}


@pytest.mark.scenario("M6")
@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_killed_under_two_peoples_writes(kill: Any, real_node: Node) -> None:
    node = real_node
    node.start()
    one = node.folder()
    views = []
    for person, uid, level in (("ben", BEN, "edit"), ("dan", DAN, "edit_delete"), ("cleo", 0, "")):
        told = {"person": person, "uid": uid or BEN + 2, "gid": uid or BEN + 2}
        had = folder(one, level=level or "view")
        views.append(node.ask("session", session=session(new_id("ses"), had, **told))["view"])
    ben = Writer(node, views[0], BEN, "/mnt/m/tests/ben")
    dan = Writer(node, views[1], DAN, "/mnt/m/tests/dan")
    cleo = Writer(node, views[2], BEN + 2, "/mnt/m/tests/cleo")
    for _ in range(3):
        before = ben.beyond(), dan.beyond()
        kill(node)
        # Ten times the two seconds that it may take on a quiet machine.
        ben.beyond(before[0] + 5)
        dan.beyond(before[1] + 5)
    print("longest outage:", ben.worst(), dan.worst())
    for writer, file in ((ben, "ben"), (dan, "dan")):
        synced = writer.stop()
        assert writer.errors() <= {"ENOTCONN", "ENOENT", "ECONNABORTED"}
        assert set(range(synced)) <= numbers(node, one, file)
    # Nobody gained a right while everything was down, and there is one mount for each.
    assert cleo.stop() == 0
    assert not (node.store / one[-2:] / one / "files" / "cleo").exists()
    assert sorted(node.mounted()) == sorted(f"{view}/m" for view in views)
    mounts = say(ben.shell, "cat /proc/self/mountinfo")
    assert (
        sum("fuse.share-guard" in line and " /mnt/m " in line for line in mounts.splitlines()) == 1
    )


@pytest.mark.scenario("M4")
def test_a_revoke_says_what_it_cut(real_node: Node) -> None:
    node = real_node
    node.start()
    name, one = new_id("ses"), folder(node.folder())
    view = node.ask("session", session=session(name, one))["view"]
    running = node.session(view)
    say(running, "exec 8</mnt/m/tests/hello.txt")
    (cut,) = node.ask("session", session=session(name, version=2))["cut"]
    assert (cut["was"], cut["now"], cut["open"]) == ("edit", None, 1)
    assert "hello" not in say(running, "cat <&8")


@pytest.mark.scenario("F12")
def test_an_end_date_holds_while_nobody_but_the_guard_is_there(real_node: Node) -> None:
    node = real_node
    node.start()
    name, one = new_id("ses"), folder(node.folder())
    view = node.ask("session", session=session(name, one))["view"]
    running = node.session(view)
    say(running, "exec 8</mnt/m/tests/hello.txt")
    one["until"] = time.time() + 1.5
    node.ask("session", session=session(name, one, version=2))
    node.kill_agent()
    assert say(running, "cat <&8") == "hello" or time.time() >= one["until"]
    await_(lambda: "No such file" in say(running, "cat /mnt/m/tests/hello.txt"))
    assert time.time() >= one["until"]
    assert "hello" not in say(running, "cat <&8")
    node.start()
    await_(lambda: (node.hello() or {})["guard"])
    assert states(node.ask("report")["sessions"][0] | {"ok": True}) == {one["folder"]: "ended"}
    node.kill_guard()
    await_(lambda: node.ask("session", session=session(name, one, version=2))["ok"])
    assert "tests" not in say(running, "ls /mnt/m")


@pytest.mark.scenario("M6")
def test_a_mount_that_somebody_took_away_is_made_again(real_node: Node) -> None:
    node = real_node
    node.start()
    name, one = new_id("ses"), folder(node.folder())
    view = node.ask("session", session=session(name, one))["view"]
    running = node.session(view)
    with node.connected() as connection:
        subprocess.run(node.inside("umount", "-l", f"{view}/m"), check=True, timeout=PATIENCE)
        lines = map(json.loads, connection.makefile("rb"))
        assert next(lines) == {"event": "guard_restarted", "sessions": [name]}
    assert say(running, "cat /mnt/m/tests/hello.txt") == "hello"


@pytest.mark.scenario("M6")
def test_two_hundred_real_mounts_leak_nothing(real_node: Node) -> None:
    node = real_node
    node.start()
    one = folder(node.folder())

    def cycle() -> None:
        name = new_id("ses")
        view = node.ask("session", session=session(name, one))["view"]
        assert node.seen(f"{view}/m/tests/hello.txt").read_text() == "hello"
        node.ask("end", session=name)

    node.leaks_nothing(cycle)


def test_kernels_read_ahead_as_far_as_one_request_goes(real_node: Node) -> None:
    node = real_node
    node.start()
    view = node.ask("session", session=session(new_id("ses"), folder(node.folder())))["view"]
    running = node.session(view)
    assert say(running, "cat /mnt/m/tests/hello.txt") == "hello"  # its guard has begun to serve
    assert say(running, "cat /sys/class/bdi/$(mountpoint -d /mnt/m)/read_ahead_kb") == "1024"
