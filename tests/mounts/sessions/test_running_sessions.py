"""Shared folders in running sessions: real hub, agent and guard, programs in people's kernels."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually

pytestmark = [pytest.mark.mounts, pytest.mark.journey, pytest.mark.browser_all]


@pytest.mark.scenario("M1")
@pytest.mark.scenario("F3")
def test_what_ben_accepts_is_in_his_running_session(mounted_hub: MountedHub) -> None:
    hub, ben = mounted_hub, mounted_hub.kernel("ben")
    assert hub.listed("ben") == [""]
    folder = hub.folder("ana", "tests", hello_txt=b"Hello from ana.\n")
    grant = hub.invite(folder, "ana", "ben", "view")
    assert hub.listed("ben") == [""]
    hub.accept(grant, "ben")
    eventually(lambda: hub.listed("ben"), lambda names: names == ["tests"])
    assert ben.say("print(open('shared/tests/hello.txt').read())") == "Hello from ana."
    assert "Read-only" in ben.run("open('shared/tests/new.txt', 'w')").because
    assert ben.shell("cd shared/tests && pwd -P")[1].strip().endswith("/homes/ben/shared/tests")


def test_jupyters_file_browser_has_them(mounted_hub: MountedHub) -> None:
    hub = mounted_hub
    folder = hub.folder("ana", "browsed", notes_txt=b"in the browser\n")
    hub.share(folder, "ana", "ben", "edit")
    contents = hub.kernel("ben").client
    path = "/api/contents/shared/browsed/notes.txt"
    found = eventually(lambda: contents.get(path), lambda answer: answer.status_code == 200)
    assert found.json()["content"] == "in the browser\n"
    told = {"type": "file", "format": "text", "content": "saved by ben\n"}
    assert contents.put(path, json=told).status_code == 200
    with hub.person("ana") as ana:
        saved = ana.get(f"/folders/{folder}/file", params={"path": "notes.txt"})
    assert saved.text == "saved by ben\n"


@pytest.mark.scenario("F6")
def test_a_new_name_breaks_no_open_file(mounted_hub: MountedHub) -> None:
    hub, ben = mounted_hub, mounted_hub.kernel("ben")
    folder = hub.folder("ana", "before", notes_txt=b"one\n")
    hub.share(folder, "ana", "ben", "edit")
    eventually(lambda: hub.listed("ben"), lambda names: "before" in names)
    ben.say("import os; notes = open('shared/before/notes.txt', 'r+'); os.chdir('shared/before')")
    hub.rename(folder, "ana", "after")
    found = eventually(lambda: hub.listed("ben"), lambda names: "after" in names)
    assert "before" not in found
    assert ben.say("print(notes.read()); notes.write('two\\n'); notes.flush()") == "one"
    assert ben.say("print(open('notes.txt').read())") == "one\ntwo"
    ben.say("notes.close(); os.chdir(os.environ['HOME'])")


@pytest.mark.scenario("F8")
@pytest.mark.scenario("M4")
def test_lowering_and_revoking_reach_a_program_with_the_file_open(mounted_hub: MountedHub) -> None:
    hub, dan = mounted_hub, mounted_hub.kernel("dan")
    folder = hub.folder("ana", "reef", data_txt=b"corals\n")
    grant = hub.share(folder, "ana", "dan", "edit")
    eventually(lambda: hub.listed("dan"), lambda names: "reef" in names)
    dan.say("f = open('shared/reef/data.txt', 'a+b', buffering=0); f.write(b'17\\n')")
    told = hub.change(folder, grant, "ana", level="view")
    assert told["sessions_cut"] + told["unconfirmed"] == 1
    lowered = eventually(lambda: dan.run("f.write(b'no\\n')"), lambda told: told.error)
    assert lowered.error == "PermissionError"
    assert dan.say("f.seek(0); print(f.read())") == r"b'corals\n17\n'"
    told = hub.revoke(grant, "ana")
    assert told["sessions_cut"] + told["unconfirmed"] == 1
    revoked = eventually(lambda: dan.run("f.seek(0); f.read()"), lambda told: told.error)
    assert revoked.error == "PermissionError"
    assert "reef" not in hub.listed("dan")
    assert dan.run("open('shared/reef/data.txt')").error == "FileNotFoundError"
    with hub.person("ana") as ana:
        content = ana.get(f"/folders/{folder}/file", params={"path": "data.txt"}).text
    assert content == "corals\n17\n"


@pytest.mark.scenario("F5")
def test_a_raise_lets_a_running_program_rename_and_delete(mounted_hub: MountedHub) -> None:
    hub, dan = mounted_hub, mounted_hub.kernel("dan")
    folder = hub.folder("ana", "kelp", data_txt=b"corals\n", old_txt=b"old\n")
    grant = hub.share(folder, "ana", "dan", "edit")
    eventually(lambda: hub.listed("dan"), lambda names: "kelp" in names)
    dan.say("import os; os.chdir('shared/kelp'); os.mkdir('mine'); open('mine/a', 'w').write('1')")
    rename, delete = "os.rename('data.txt', 'mine/data.txt')", "os.unlink('old.txt')"
    assert dan.run(rename).error == "PermissionError"
    assert dan.run(delete).error == "PermissionError"
    hub.change(folder, grant, "ana", level="edit_delete")
    eventually(lambda: dan.run(rename), lambda told: not told.error)
    dan.say(delete)
    assert (
        dan.say("print(os.listdir(), sorted(os.listdir('mine')))") == "['mine'] ['a', 'data.txt']"
    )
    dan.say("os.chdir(os.environ['HOME'])")


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Whatever that process would have done, it does not do it now."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def service_pid(hub: MountedHub) -> int:
    return int(hub.hub.process.api("GET", "services/vmshare")["pid"])


@pytest.mark.scenario("F12")
def test_an_end_date_is_kept_while_the_service_is_down(mounted_hub: MountedHub) -> None:
    hub, ben = mounted_hub, mounted_hub.kernel("ben")
    folder = hub.folder("ana", "friday", notes_txt=b"until six\n")
    grant = hub.share(folder, "ana", "ben", "edit")
    eventually(lambda: hub.listed("ben"), lambda names: "friday" in names)
    ben.say("import os; friday = open(os.environ['HOME'] + '/shared/friday/notes.txt', 'r+')")
    ends_at = datetime.now(UTC) + timedelta(seconds=3)
    hub.change(folder, grant, "ana", ends_at=ends_at.isoformat())
    state = hub.agent.run_dir / "state.json"
    at = str(int(ends_at.timestamp()))
    eventually(lambda: at in state.read_text() or datetime.now(UTC) >= ends_at)
    with stopped(service_pid(hub)):
        before = ben.run("friday.seek(0); print(friday.read())")
        assert before.text == "until six" or datetime.now(UTC) >= ends_at
        time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))
        after = eventually(lambda: ben.run("friday.seek(0); friday.read()"), lambda t: t.error)
        assert after.error == "PermissionError"
        assert "friday" not in hub.listed("ben")


def test_what_is_not_wanted_is_not_there(mounted_hub: MountedHub) -> None:
    hub = mounted_hub
    folder = hub.folder("ana", "unwanted")
    hub.share(folder, "ana", "ben", "view")
    eventually(lambda: hub.listed("ben"), lambda names: "unwanted" in names)
    with hub.person("ben") as ben:
        ben.delete(f"/folders/{folder}/mount").raise_for_status()
        eventually(lambda: hub.listed("ben"), lambda names: "unwanted" not in names)
        ben.put(f"/folders/{folder}/mount").raise_for_status()
    eventually(lambda: hub.listed("ben"), lambda names: "unwanted" in names)


def test_a_session_that_ends_leaves_nothing_mounted(mounted_hub: MountedHub) -> None:
    hub = mounted_hub
    folder = hub.folder("ana", "briefly")
    hub.share(folder, "ana", "cleo", "view")
    eventually(lambda: hub.listed("cleo"), lambda names: "briefly" in names)
    before = set(hub.agent.mounted())
    hub.stop_session("cleo")
    eventually(lambda: before - set(hub.agent.mounted()), lambda gone: len(gone) == 1)
    # The next one has it from the beginning.
    assert hub.listed("cleo") == ["briefly"]
