"""Folders that a session has directly: what a bind gives, and what outlives it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN, SERVICE, Node, await_, say
from tests.mounts.agent.wanted import folder, session, states

pytestmark = pytest.mark.mounts
TOP: Final = "/mnt/m/tests"


class Session:
    """Ben's running session, in a view and a user namespace of its own."""

    def __init__(self, node: Node, **changes: Any) -> None:
        if node.agent is None:
            node.start()
        self.node, self.version, self.id, self.has = node, 1, new_id("ses"), True
        self.folder = node.folder()
        self.had = folder(self.folder, **{"level": "view", "direct": True, **changes})
        answer = node.ask("session", session=session(self.id, self.had))
        self.running = node.session(answer["view"], uid=BEN)
        self.seen = answer["folders"][0]

    @property
    def files(self) -> Path:
        return self.node.store / self.folder[-2:] / self.folder / "files"

    def order(self, **changes: Any) -> dict[str, Any]:
        """The folder as it should be now; with None: not at all."""
        self.version += 1
        self.had |= changes
        return self._send(self.had)

    def take_away(self) -> dict[str, Any]:
        self.version += 1
        self.has = False
        return self._send()

    def ask_again(self) -> dict[str, Any]:
        """The last list once more: what is open by now."""
        return self._send(*([self.had] if self.has else []))

    def _send(self, *folders: dict[str, Any]) -> dict[str, Any]:
        told = session(self.id, *folders, version=self.version)
        return self.node.ask("session", session=told)

    def says(self, command: str) -> str:
        return say(self.running, command)

    def is_direct(self) -> bool:
        return f" {TOP} " in self.says("cat /proc/self/mountinfo")


LEVELS: Final = {
    "View is a bind that is read-only": ("view", True, "Read-only file system"),
    "Edit+Delete is a bind that can be written to": ("edit_delete", True, ""),
    "Edit stays with the guard, which refuses deletes": ("edit", False, "not permitted"),
}


@pytest.mark.parametrize(("level", "direct", "refused"), LEVELS.values(), ids=LEVELS)
def test_a_level_gives_no_more_than_through_the_guard(
    level: str, direct: bool, refused: str, real_node: Node
) -> None:
    ben = Session(real_node, level=level)
    assert (ben.seen["state"], ben.seen["direct"]) == ("mounted", direct)
    assert ben.is_direct() is direct
    assert ("no" not in str(ben.seen["because"])) is direct or not direct
    assert ben.says(f"cat {TOP}/hello.txt") == "hello"
    assert refused in ben.says(f"rm {TOP}/hello.txt")
    assert (ben.files / "hello.txt").exists() is bool(refused)


def test_what_a_session_writes_is_the_services_and_seems_its_own(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    assert ben.says(f"stat -c %u:%g {TOP}/hello.txt") == f"{BEN}:{BEN}"
    ben.says(f"mkdir {TOP}/d; echo new >{TOP}/d/mine; echo more >>{TOP}/hello.txt")
    assert ben.says(f"stat -c %u:%g {TOP}/d/mine") == f"{BEN}:{BEN}"
    for made in (ben.files / "d", ben.files / "d/mine", ben.files / "hello.txt"):
        found = made.stat()
        assert (found.st_uid, found.st_gid) == (SERVICE, SERVICE)
    assert (ben.files / "hello.txt").read_text() == "hellomore\n"


REACHES: Final[dict[str, tuple[str, str]]] = {
    "remount it for writing": (f"mount -o remount,bind,rw {TOP}", "must be superuser"),
    "write below a read-only bind": (f"touch {TOP}/new", "Read-only file system"),
    "change a mode below a read-only bind": (f"chmod 600 {TOP}/hello.txt", "Read-only file system"),
    "take it away": (f"umount {TOP}", "must be superuser"),
    "make a device": (f"mknod {TOP}/null c 1 3", "Read-only file system"),
}  # fmt: skip


@pytest.mark.scenario("M5")
@pytest.mark.parametrize(("command", "refused"), REACHES.values(), ids=REACHES)
def test_what_a_session_cant_do_with_a_bind(command: str, refused: str, real_node: Node) -> None:
    assert refused in Session(real_node).says(f"LC_ALL=C; {command}")


@pytest.mark.scenario("M5")
def test_nothing_in_the_tree_gives_more_than_the_tree(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    (ben.files / "out").symlink_to("/etc/hostname")
    (ben.files / "up").symlink_to("../account")
    (ben.files / "set").write_text("#!/bin/sh\nid -u\n")
    os.chown(ben.files / "set", SERVICE, SERVICE)
    (ben.files / "set").chmod(0o6755)
    # A link leads where it leads in the session, as anywhere; the store is not there.
    hostname = Path("/etc/hostname").read_text().strip()
    assert ben.says(f"cat {TOP}/out") == hostname
    assert "No such file" in ben.says(f"cat {TOP}/up; ls {ben.files}")
    # As the agent has made it: bubblewrap, which starts this session, adds flags of its own.
    (made,) = [line.split() for line in real_node.mountinfo() if "/m/tests " in line]
    assert {"rw", "nosuid", "nodev"} <= set(made[5].split(","))
    assert ben.says(f"{TOP}/set") == str(BEN)
    assert "not permitted" in ben.says(f"mknod {TOP}/null c 1 3")
    # Nothing of one folder gets a name in another, and a file of root's stays nobody's.
    assert "cross-device" in ben.says(f"ln {TOP}/hello.txt /tmp/linked").lower()
    (ben.files / "roots").write_text("root's")
    (ben.files / "roots").chmod(0o644)
    assert f"'{TOP}/roots'" in ben.says(f"chmod 666 {TOP}/roots; echo more >>{TOP}/roots")
    assert (ben.files / "roots").read_text() == "root's"
    assert (ben.files / "roots").stat().st_mode & 0o777 == 0o644


def test_a_working_directory_that_leaves_the_tree_leads_nowhere_else(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    ben.says(f"mkdir {TOP}/d; cd {TOP}/d")
    (ben.files / "d").rename(ben.files.parent / "elsewhere")
    (ben.files.parent / "secret").write_text("not ben's")
    assert "No such file" in ben.says("cat ../secret; ls ..")


def test_whatever_lies_on_the_tree_does_not_come_along(real_node: Node) -> None:
    ben = Session(real_node, level="edit")
    (ben.files / "d").mkdir()
    place = str(ben.files / "d")
    subprocess.run(real_node.inside("mount", "-t", "tmpfs", "other", place), check=True)
    real_node.seen(f"{place}/secret").write_text("another file system's")
    ben.order(level="view")
    assert ben.is_direct()
    assert ben.says(f"ls {TOP}/d") == ""


def test_a_file_system_that_cant_leaves_it_with_the_guard(real_node: Node) -> None:
    node = real_node
    subprocess.run(node.inside("mount", "-t", "ramfs", "ram", str(node.store)), check=True)
    node.store, there = node.seen(node.store), node.store
    os.chown(node.store, SERVICE, SERVICE)
    node.store.chmod(0o700)
    node.start(store=there)
    ben = Session(node, level="edit_delete")
    assert (ben.seen["state"], ben.seen["direct"]) == ("mounted", False)
    assert "ext4, xfs and btrfs can" in ben.seen["because"]
    assert ben.says(f"cat {TOP}/hello.txt") == "hello"
    assert not ben.is_direct()


def test_a_session_of_root_has_nothing_directly(real_node: Node) -> None:
    real_node.start("--allow-root-sessions")
    told = session(new_id("ses"), folder(real_node.folder(), level="view", direct=True))
    answer = real_node.ask("session", session=told | {"uid": 0, "gid": 0})
    assert [(one["state"], one["direct"]) for one in answer["folders"]] == [("mounted", False)]


LIBRARY: Final = next(
    line.split()[-1]
    for line in Path("/proc/self/maps").read_text().splitlines()
    if line.endswith("/libc.so.6")
)
HOLDS: Final = {
    "a descriptor": f"exec 8<{TOP}/hello.txt",
    "a descriptor of a file that is deleted": f"exec 8<>{TOP}/gone; rm {TOP}/gone",
    "a working directory": f"cd {TOP}/d",
    # Nothing else of it is open: the loader closes what it has mapped.
    "a mapping": f"cp {LIBRARY} {TOP}/library; LD_PRELOAD={TOP}/library sleep 600 & "
    "until grep -q sleep /proc/$!/comm && grep -q library /proc/$!/maps; do sleep .01; done",
    "a program of it": f"cp /bin/sleep {TOP}/sleep; {TOP}/sleep 600 & "
    "until grep -q sleep /proc/$!/comm; do sleep .01; done",
}
LETS_GO: Final = "exec 8<&-; cd /; kill $! 2>/dev/null; wait"


@pytest.mark.scenario("M4")
@pytest.mark.parametrize("hold", HOLDS.values(), ids=HOLDS)
def test_a_revoke_says_who_holds_it_still(hold: str, real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    ben.says(f"mkdir -p {TOP}/d; touch {TOP}/gone; {hold}")
    answer = ben.take_away()
    assert answer["held"] == [{"folder": ben.folder, "processes": 1}]
    assert "tests" not in ben.says("ls /mnt/m")
    assert not ben.is_direct()
    assert ben.ask_again()["held"]
    ben.says(LETS_GO)
    await_(lambda: ben.ask_again()["held"] == [])


def test_nobody_is_named_who_has_nothing_open(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    # What is open elsewhere on the store's file system is none of it.
    ben.says(f"cd /tmp; exec 7>/tmp/of-ben.$$; rm /tmp/of-ben.$$; cat {TOP}/hello.txt")
    assert ben.take_away()["held"] == []


CHANGES: Final[dict[str, tuple[dict[str, Any], dict[str, Any], bool]]] = {
    "from Edit+Delete to View": ({"level": "edit_delete"}, {"level": "view"}, True),
    "from Edit+Delete to Edit": (
        {"level": "edit_delete"},
        {"level": "edit", "direct": False},
        True,
    ),
    "from direct to the guard, where what is written counts": (
        {"level": "edit_delete"},
        {"direct": False},
        True,
    ),
    "from View to Edit+Delete": ({"level": "view"}, {"level": "edit_delete"}, False),
    "from View to Edit": ({"level": "view"}, {"level": "edit", "direct": False}, False),
    "another name": ({"level": "view"}, {"name": "other"}, False),
    "nothing": ({"level": "view"}, {}, False),
}


@pytest.mark.parametrize(("before", "after", "held"), CHANGES.values(), ids=CHANGES)
def test_what_a_change_leaves_is_named_where_it_is_more(
    before: dict[str, Any], after: dict[str, Any], held: bool, real_node: Node
) -> None:
    ben = Session(real_node, **before)
    ben.says(f"exec 8<{TOP}/hello.txt")
    answer = ben.order(**after)
    assert bool(answer["held"]) is held
    assert answer["folders"][0]["direct"] is ben.had["direct"]
    top = f"/mnt/m/{ben.had['name']}"
    assert ben.says(f"cat {top}/hello.txt") == "hello"
    refused = ben.says(f"touch {top}/new")
    assert ("Read-only" in refused) is (ben.had["level"] == "view")
    assert ben.says("cat <&8") == "hello"
    if held:
        ben.says("exec 8<&-")
        await_(lambda: ben.ask_again()["held"] == [])


@pytest.mark.scenario("F12")
def test_an_end_date_takes_it_away_while_nobody_but_the_guard_is_there(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    ben.says(f"exec 8<{TOP}/hello.txt")
    until = time.time() + 1.5
    ben.order(until=until)
    real_node.kill_agent()
    await_(lambda: "No such file" in ben.says(f"cat {TOP}/hello.txt"))
    assert time.time() >= until
    assert not ben.is_direct()
    real_node.start()
    await_(lambda: (real_node.hello() or {})["guard"])
    answer = ben.ask_again()
    assert states(answer) == {ben.folder: "ended"}
    assert answer["held"] == [{"folder": ben.folder, "processes": 1}]


KILLS: Final[dict[str, Callable[[Node], Any]]] = {
    "the guard": lambda node: node.kill_guard(),
    "the agent": lambda node: [step() for step in (node.kill_agent, node.start)],
    "both": lambda node: [step() for step in (node.kill_agent, node.kill_guard, node.start)],
}


@pytest.mark.scenario("M6")
@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_it_is_there_once_after_a_death(kill: Callable[[Node], Any], real_node: Node) -> None:
    ben = Session(real_node, level="view")
    ben.says(f"exec 8<{TOP}/hello.txt")
    kill(real_node)
    await_(lambda: ben.says(f"cat {TOP}/hello.txt") == "hello" and ben.is_direct())
    assert ben.ask_again()["folders"][0]["direct"]
    assert ben.says("cat /proc/self/mountinfo").count(f" {TOP} ") == 1
    assert ben.says("cat <&8") == "hello"
    # What was opened before is found after all.
    assert ben.take_away()["held"] == [{"folder": ben.folder, "processes": 1}]
    assert "tests" not in ben.says("ls /mnt/m")


def test_an_agent_that_comes_back_takes_away_what_was_not_to_be(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    real_node.kill_agent()
    state = real_node.run / "state.json"
    state.write_text(state.read_text().replace('"level": "edit_delete"', '"level": "view"', 1))
    real_node.start()
    await_(lambda: "Read-only" in ben.says(f"touch {TOP}/new"))


def test_an_agent_that_comes_back_believes_no_bind_that_does_not_fit(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    real_node.kill_agent()
    place = f"{real_node.run}/views/{ben.id}/m/tests"
    command = real_node.inside("mount", "-o", "remount,bind,ro", place)
    subprocess.run(command, check=True)
    real_node.start()
    # That was this one mount; what a session has of it keeps its own flags.
    await_(lambda: any(f" {place} rw," in line for line in real_node.mountinfo()))
    assert ben.is_direct()
    assert ben.says(f"touch {TOP}/new") == ""


def test_access_ends_with_the_session(real_node: Node) -> None:
    ben = Session(real_node, level="edit_delete")
    ben.says(f"cd {TOP}; (sleep 600 & echo $!) >/tmp/left.$$; cd /; sleep 601 & cat /tmp/left.$$")
    for seconds in ("600", "601"):  # the shell forks before it is a sleep
        await_(lambda wanted=seconds: real_node.pids("sleep", wanted))  # type: ignore[misc]
    real_node.ask("end", session=ben.id)
    await_(lambda: not real_node.pids("sleep", "600"))
    # Who holds nothing of it lives on: ending a session's programs is the hub's.
    assert real_node.pids("sleep", "601")
    assert ben.says("echo here") == "here"


def test_an_order_that_says_nothing_of_it_is_one_of_before(real_node: Node) -> None:
    real_node.start()
    one = folder(real_node.folder())
    assert "direct" not in one
    answer = real_node.ask("session", session=session(new_id("ses"), one))
    assert answer["folders"][0]["direct"] is False
    assert answer["held"] == []
