"""Where a shared folder is on a machine, and what a channel that brings one counts as."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path
from typing import Any, cast

import pytest

from jupyter_vmshare.shown.carrying import PROGRAM
from jupyter_vmshare.shown.wanted import Wanted
from jupyterhub_vmshare.relay.door.channels import Owner, PersonEnd
from jupyterhub_vmshare.relay.machine.vmshare_kernels.launching import _directory
from tests.fixtures.hub_process import ROOT

MACHINE = ROOT / "hub_service/jupyterhub_vmshare/relay/machine/vmshare_folders.py"


def machines_part() -> Any:
    spec = importlib.util.spec_from_file_location("vmshare_folders", MACHINE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("shared", "home", "there", "expected"),
    [
        ("/home/ana/shared", "/home/ana", "/home/ana", "/home/ana/shared/a,b"),
        ("/home/ana/work/shared", "/home/ana", "/home/ana", "/home/ana/work/shared/a,b"),
        ("/home/jovyan/shared", "/home/jovyan", "/home/ana", "/home/ana/shared/a,b"),
        ("/home/jovyan/w/shared", "/home/jovyan", "/home/ana", "/home/ana/w/shared/a,b"),
        ("/mnt/views/shared", "/home/ana", "/home/ana", "/home/ana/shared/a,b"),
        ("/home/ana", "/home/ana", "/home/ana", "/home/ana/a,b"),
    ],
)
def test_a_path_means_the_same_where_it_can(
    shared: str, home: str, there: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", there)
    wanted = Wanted.of(Path(shared), "a,b", Path(home))
    assert machines_part().chosen(str(wanted.directory), wanted.below_home) == Path(expected)


@pytest.mark.parametrize("below", ["../x", "..", ".", "", "/etc", "a/../../b"])
def test_no_place_is_outside_of_the_home(below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    part = machines_part()
    with pytest.raises(part.Refused):
        part.chosen("/home/ana/../ben/x", below)


def test_what_is_in_the_way_is_left_alone(tmp_path: Path) -> None:
    part = machines_part()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/own").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    for name in ("full", "file", "link", "link/x"):
        with pytest.raises(part.Refused):
            part.made(tmp_path / name)
    assert part.made(tmp_path / "empty") == []
    new = part.made(tmp_path / "shared/tests")
    assert new == [tmp_path / "shared/tests", tmp_path / "shared"]


def test_a_channel_that_brings_a_folder_is_no_use_of_a_machine() -> None:
    for words, is_use in ((["show", "/home/a b/c", "c"], False), (["list"], False)):
        end = PersonEnd(cast(Owner, None))
        assert end.exec_requested(f"exec {shlex.join([*PROGRAM, *words])}")
        assert end.is_use is is_use
    for command in ("bash", "exec /usr/bin/python3 -IS /usr/local/lib/vmshare_kernels attach"):
        end = PersonEnd(cast(Owner, None))
        assert end.exec_requested(command)
        assert end.is_use
    assert PersonEnd(cast(Owner, None)).is_use  # a shell


def test_a_kernel_begins_where_its_notebook_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "shared/tests").mkdir(parents=True)
    here = str(tmp_path / "shared")
    assert _directory(here, "shared/tests") == here
    assert _directory("/nowhere/shared/tests", "shared/tests") == f"{here}/tests"
    for below in (None, "nowhere", 3):
        assert _directory("/nowhere/at/all", below) == str(tmp_path)
