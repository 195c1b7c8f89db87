"""``make demo``, as somebody runs it who has just cloned the repository."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.fixtures.guard_binary import missing
from tests.fixtures.hub_process import ROOT, descendants, free_port
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.signed_in import SignedIn

pytestmark = pytest.mark.slow

RUN = [sys.executable, "deploy/demo/run.py"]
LACKING = missing("bwrap")


@dataclass
class RunningDemo:
    """The process, and what it printed."""

    process: subprocess.Popen[str]
    directory: Path
    said: str

    @property
    def url(self) -> str:
        return self._found(r"is at +(\S+)")

    def browser(self, person: str) -> SignedIn:
        password = self._found(r"password +(\S+)")
        if person == "root-hub":
            password = self._found(r"root-hub +(\S{32,})")
        return SignedIn(self.url, person, password)

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.said)
        assert found, self.said
        return found[1]


@contextlib.contextmanager
def demo(directory: Path, *options: str, machines: bool = False) -> Iterator[RunningDemo]:
    """Runs it until it has said how to try it; then Ctrl-C."""
    port = str(free_port())
    without = [] if machines else ["--no-machines"]
    process = subprocess.Popen(
        [*RUN, "--directory", str(directory), "--port", port, *options, *without],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # As in the background of a shell's script.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None,
    )
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        yield RunningDemo(process, directory, said)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # Not below pytest's own directory: that one is closed to other accounts.
    where = Path(tempfile.mkdtemp(prefix="vmshare-demo-"))
    where.chmod(0o755)
    yield where
    shutil.rmtree(where, ignore_errors=True)


def labels(browser: SignedIn, path: str) -> list[str]:
    told = browser.client.get(f"{path}vmshare/api/folders")
    assert told.status_code == 200, told.text
    return [folder["label"] for folder in told.json()["items"]]


@pytest.fixture(scope="module")
def running(directory: Path) -> Iterator[RunningDemo]:
    with demo(directory) as run:
        yield run


def test_ana_finds_her_folder_in_the_panel_and_ben_does_not(running: RunningDemo) -> None:
    with running.browser("ana") as ana, running.browser("ben") as ben:
        assert labels(ana, ana.start_server()) == ["tests"]
        assert labels(ben, ben.start_server()) == []


def shared_of(browser: SignedIn, path: str) -> list[str]:
    """What the file browser shows in ``shared``."""
    told = browser.client.get(f"{path}api/contents/shared", params={"content": 1})
    content = told.json().get("content") or []
    return [entry["name"] for entry in content]


@pytest.mark.mounts
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_what_ben_accepts_is_in_his_file_browser(running: RunningDemo) -> None:
    assert "shared/tests in the file browser" in running.said
    with running.browser("ana") as ana, running.browser("ben") as ben:
        hers, his = ana.start_server(), ben.start_server()
        folder = ana.client.get(f"{hers}vmshare/api/folders").json()["items"][0]["id"]
        asked = {"grants": [{"receiver": "ben", "level": "view"}]}
        path = f"vmshare/api/folders/{folder}/grants"
        invited = ana.client.post(f"{hers}{path}", json=asked)
        grant = invited.json()["results"][0]["grant"]["id"]
        path = f"{his}vmshare/api/invitations/{grant}/accept"
        ben.client.post(path).raise_for_status()
        assert eventually(lambda: shared_of(ben, his)) == ["tests"]
        read = ben.client.get(f"{his}api/contents/shared/tests/hello.txt").json()
        assert read["content"] == "Hello from ana.\n"


def mounted() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if "/vmshare-demo-" in line.split()[4]]


@pytest.mark.mounts
@pytest.mark.skipif(LACKING is not None, reason=str(LACKING))
def test_killed_it_leaves_nothing_and_starts_again() -> None:
    others = set(mounted())
    with tempfile.TemporaryDirectory(prefix="vmshare-demo-") as where:
        Path(where).chmod(0o755)
        with demo(Path(where) / "demo") as first:
            family = descendants(first.process.pid)
            assert set(mounted()) - others
            first.process.kill()
            first.process.wait(40)
        eventually(lambda: [pid for pid in family if is_running(pid)], lambda left: not left)
        with demo(Path(where) / "demo", "--password", "coral-reef-5") as second:
            assert "coral-reef-5" in second.said
            assert set(mounted()) - others
        assert set(mounted()) == others


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        # Z: it has ended, and nobody has asked how.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.skipif(
    os.geteuid() != 0, reason="Accounts of their own need root: run the tests as root."
)
def test_each_person_and_the_service_have_an_account_of_their_own(running: RunningDemo) -> None:
    where = running.directory
    (where / "homes/ana/private.txt").write_text("ana's")
    owners = {path: path.stat().st_uid for path in (where / "homes").iterdir()}
    owners[where / "service"] = (where / "service").stat().st_uid
    assert len(set(owners.values())) == len(owners)
    assert 0 not in owners.values()
    for secret in (where / "homes/ana/private.txt", where / "service/data", where / "hub/password"):
        looked = subprocess.run(["ls", secret], user="vmshare-ben", capture_output=True)
        assert looked.returncode != 0, f"ben can see {secret}"


def test_a_hub_admin_signs_in_with_a_password_of_their_own(running: RunningDemo) -> None:
    with running.browser("root-hub") as admin:
        assert admin.client.get("/hub/admin").status_code == 200


def test_a_second_one_says_that_it_is_running_already(running: RunningDemo) -> None:
    second = subprocess.run(
        [*RUN, "--directory", str(running.directory)], cwd=ROOT, capture_output=True, text=True
    )
    assert second.returncode == 1
    assert second.stderr.strip() == f"!! The demonstration is running already, at {running.url}."


def test_ctrl_c_ends_everything_and_the_next_run_finds_what_was_there(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with demo(directory, "--one-account", "--password", "coral-reef-4") as first:
        assert "not isolated" in first.said
        assert "Folders do not appear in running sessions" in first.said
        family = descendants(first.process.pid)
        assert family
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(first.url)
    with demo(directory, "--one-account") as second:
        assert "coral-reef-4" in second.said
        with second.browser("ana") as ana:
            assert labels(ana, ana.start_server()) == ["tests"]


def test_a_place_that_others_cannot_read_is_named_and_does_not_stop_it(tmp_path: Path) -> None:
    # pytest's directories are closed to other accounts, as /root is.
    with demo(tmp_path / "closed") as run:
        assert "not isolated" in run.said
