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

from tests.fixtures.hub_process import ROOT, descendants, free_port
from tests.fixtures.signed_in import SignedIn

pytestmark = pytest.mark.slow

RUN = [sys.executable, "deploy/demo/run.py"]


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
def demo(directory: Path, *options: str) -> Iterator[RunningDemo]:
    """Runs it until it has said how to try it; then Ctrl-C."""
    port = str(free_port())
    process = subprocess.Popen(
        [*RUN, "--directory", str(directory), "--port", port, *options],
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


@pytest.mark.skipif(os.geteuid() != 0, reason="accounts of their own need root")
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
        family = descendants(first.process.pid)
        assert family
    deadline = time.monotonic() + 5
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
