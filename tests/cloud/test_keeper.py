"""Parts of the keeper that need neither root nor a kernel's help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from jupyterhub_vmshare.cloud.image import CannotBuild, ImageWanted
from jupyterhub_vmshare.cloud.keeper.holdings import Refused
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.main import CannotStart, Settings
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.keeper.records import Records
from jupyterhub_vmshare.cloud.sandbox.image import build
from jupyterhub_vmshare.cloud.sandbox.keeper.limits import Limits
from jupyterhub_vmshare.cloud.sandbox.keeper.main import Keeper


def test_a_record_that_was_never_written_leaves_no_thing(tmp_path: Path) -> None:
    records = Records(tmp_path / "drives", "dsk")
    records.load()
    kept = records.new({"mark": "drv_1"})
    (tmp_path / "drives" / "dsk-0123456789abcdef").mkdir()
    again = Records(tmp_path / "drives", "dsk")
    again.load()
    assert [name for name, _ in again.all()] == [kept]
    assert [path.name for path in (tmp_path / "drives").iterdir()] == [kept]
    assert list((tmp_path / "removed").iterdir()) == []


def test_what_is_read_of_a_record_does_not_change_it(tmp_path: Path) -> None:
    records = Records(tmp_path / "drives", "dsk")
    records.load()
    name = records.new({"mark": "drv_1", "attached": {}})
    found = records.get(name)
    assert found is not None
    found["attached"]["sbx-1"] = False
    assert records.get(name) == {"mark": "drv_1", "attached": {}}


@pytest.mark.parametrize("name", ["../x", "dsk-1", "dsk-0123456789abcdef/..", ""])
def test_a_name_that_the_keeper_did_not_make_is_no_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        Records(tmp_path, "dsk").place(name)


def test_a_process_is_the_same_as_long_as_it_lives() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = Process.of(child.pid)
        assert process.lives()
        assert not replace(process, started=process.started + 1).lives()
        assert not replace(process, boot="another").lives()
        child.communicate(b"\n")
        assert not process.lives()
        assert process.hold() is None


def test_one_that_has_ended_and_was_not_waited_for_does_not_live() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert not Process.of(pid).lives()
    finally:
        os.waitpid(pid, 0)


def test_limits_that_can_not_be_enforced_are_not_claimed(tmp_path: Path) -> None:
    limits = Limits(tmp_path)
    assert not limits.hold
    assert limits.set("sbx-0123456789abcdef", 1, 256) == []


def image(where: Path, name: str, version: str, disk_gib: int) -> None:
    place = where / name / version
    (place / "root").mkdir(parents=True)
    told = {"name": name, "description": version, "disk_gib": disk_gib}
    (place / "image.json").write_text(json.dumps(told))


def test_the_newest_version_of_an_image_counts(tmp_path: Path) -> None:
    image(tmp_path, "debian", "20260101T000000", 1)
    image(tmp_path, "debian", "20260102T000000", 2)
    (tmp_path / "half").mkdir()
    images = Images(tmp_path)
    assert [each["description"] for each in images.all()] == ["20260102T000000"]
    assert images.newest("debian", 2) == "debian/20260102T000000"
    for name, disk_gib in (("half", 10), ("none", 10), ("debian", 1)):
        with pytest.raises(Refused):
            images.newest(name, disk_gib)


@pytest.mark.parametrize(
    ("state", "run"),
    [
        pytest.param("state", "r" * 100, id="a socket's path would be too long"),
        pytest.param("state:1", "run", id="a colon, which parts layers"),
        pytest.param("state", "run,x", id="a comma, which parts options"),
    ],
)
def test_directories_that_mounts_do_not_take_are_refused(
    tmp_path: Path, state: str, run: str
) -> None:
    keeper = Keeper(Settings(tmp_path / state, Path("/tmp") / run, 0, 0))
    with pytest.raises(CannotStart):
        keeper._begin()


@pytest.mark.parametrize("name", ["", "../x", "Debian", "-x", "a b", "a;b"])
def test_an_image_is_called_by_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotBuild):
        build(ImageWanted(name, ""), tmp_path, sys.stderr)
